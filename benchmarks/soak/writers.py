"""Everything that writes, in small: what `kill.py` interrupts, and how the result is checked.

    python benchmarks/soak/writers.py NAME FOLDER PROCESS

repeats one writer until it is stopped. It prints `ready`, then the number of each step that is
complete, and `failed` with the reason if a step fails as it should on a full disk.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Final

from foreseen.errors import ForeseenError

AFTER: Final = 100_000
"""Number of the step that is made after a check."""
Step = Callable[[int], object]
NAMES: Final[Mapping[str, str]] = {
    "canonical data": "data_writers",
    "training": "model_writers",
    "observe": "model_writers",
    "update": "model_writers",
    "promote": "model_writers",
    "rollback": "model_writers",
    "backup": "model_writers",
    "restore": "model_writers",
    "rating": "data_writers",
    "import": "data_writers",
}
"""The writers, and the modules that have them, which are imported only if needed."""


@dataclass(frozen=True)
class Writer:
    """Something that writes.

    Attributes:
        prepare: Makes the state that it starts from, in an empty folder.
        start: Returns the step that is repeated, from the folder and the number of the process.
        check: Raises an error if the folder is not whole, given by process the number of the last
            step that was reported as complete; -1 if there is none.
        seconds: Longest time until a kill; some steps.
    """

    prepare: Callable[[Path], None]
    start: Callable[[Path, int], Step]
    check: Callable[[Path, Mapping[int, int]], None]
    seconds: float = 0.3


class LostError(Exception):
    """What was written is damaged or missing."""


def require(condition: bool, what: str) -> None:
    """Raise `LostError` unless a condition holds."""
    if not condition:
        raise LostError(what)


def find_writer(name: str) -> Writer:
    """Return a writer by its name."""
    writers: Mapping[str, Writer] = import_module(NAMES[name]).WRITERS
    return writers[name]


def leftovers(folder: Path) -> list[str]:
    """Return what an interrupted writer left unfinished."""
    patterns = ("*.draft", ".draft.*", ".pending", "*.new")
    found = {path for pattern in patterns for path in folder.rglob(pattern)}
    return sorted(str(path.relative_to(folder)) for path in found)


def main() -> None:
    """Repeat a writer until the process is stopped."""
    name, folder, process = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    try:
        step = find_writer(name).start(folder, process)
        print("ready", flush=True)
        for number in count():
            step(number)
            print(number, flush=True)
    except (OSError, ForeseenError) as error:
        print(f"failed {error}".splitlines()[0], flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
