"""The audit log of a folder of models: one JSON object per line in audit_log.jsonl."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from foreseen.data.schema import TIMESTAMP_LIMIT
from foreseen.messages import parts_of

FILE: Final = "audit_log.jsonl"


class _Entry(BaseModel):
    """The fields of every entry; there are others."""

    model_config = ConfigDict(extra="allow", strict=True)

    at: int = Field(ge=0, le=TIMESTAMP_LIMIT)
    what: str
    why: str
    why_parts: dict[str, Any] | None = None


def append(folder: Path, action: str, reason: str, facts: Mapping[str, object]) -> None:
    """Append an entry; call it while holding `foreseen.registry.versions.write_lock`."""
    entry = {"at": int(time.time()), "what": action, "why": reason, "why_parts": parts_of(reason)}
    line = json.dumps({**entry, **facts})
    with (folder / FILE).open("a", encoding="utf-8") as file:
        # A killed process may have left the previous line incomplete.
        file.write("\n" + line + "\n")


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the entries, oldest first; incomplete and damaged lines are skipped."""
    file = folder / FILE
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    entries: list[dict[str, Any]] = []
    for line in filter(None, lines):
        with suppress(ValueError, RecursionError):
            entry = _Entry.model_validate(json.loads(line)).model_dump()
            # Not a number, which JSON does not allow, is refused here.
            json.dumps(entry, allow_nan=False)
            entries.append(entry)
    return entries
