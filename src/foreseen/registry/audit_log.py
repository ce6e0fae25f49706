"""What was done to a folder of models, when and why: one line of JSON each, in journal.jsonl."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_FILE: Final = "journal.jsonl"


def write(folder: Path, what: str, why: str, facts: Mapping[str, object]) -> None:
    """Add what was done; call it within `foreseen.registry.versions.changing`."""
    line = json.dumps({"at": int(time.time()), "what": what, "why": why, **facts})
    with (folder / _FILE).open("a", encoding="utf-8") as file:
        # The line before may have been torn by a kill.
        file.write("\n" + line + "\n")


def read(folder: Path) -> list[dict[str, Any]]:
    """Return what was done, oldest first."""
    file = folder / _FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found: list[dict[str, Any]] = []
    for line in filter(None, lines):
        with suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found
