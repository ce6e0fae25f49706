"""The audit log of a folder of models: one JSON object per line in audit_log.jsonl."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

FILE: Final = "audit_log.jsonl"


def append(folder: Path, action: str, reason: str, facts: Mapping[str, object]) -> None:
    """Append an entry; call it while holding `foreseen.registry.versions.write_lock`."""
    line = json.dumps({"at": int(time.time()), "what": action, "why": reason, **facts})
    with (folder / FILE).open("a", encoding="utf-8") as file:
        # A killed process may have left the previous line incomplete.
        file.write("\n" + line + "\n")


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the entries, oldest first; incomplete lines are skipped."""
    file = folder / FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    entries: list[dict[str, Any]] = []
    for line in filter(None, lines):
        with suppress(json.JSONDecodeError):
            entries.append(json.loads(line))
    return entries
