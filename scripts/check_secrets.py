"""Fail when a tracked file holds a possible secret that the baseline does not list.

detect-secrets' own hook also fails when only the line number of a known secret has
changed; this compares the secrets alone.
"""

import json
import subprocess
import sys
from pathlib import Path

from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import configure_settings_from_baseline

BASELINE = Path(".secrets.baseline")
REMEDY = (
    "If none of these is a secret: detect-secrets scan --baseline .secrets.baseline, "
    "then commit that file."
)


def main() -> int:
    """Return 1 after printing each new possible secret, otherwise 0."""
    known = json.loads(BASELINE.read_text(encoding="utf-8"))
    configure_settings_from_baseline(known, filename=str(BASELINE))
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = SecretsCollection()
    for name in filter(None, listed.split("\0")):
        if Path(name).is_file():
            found.scan_file(name)
    new = found - baseline.load(known)
    for _, secret in new:
        print(secret)
    if new:
        print(REMEDY, file=sys.stderr)
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
