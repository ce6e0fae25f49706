"""Progress bars on stderr with the remaining time; none if stderr is not a terminal."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _DoneColumn(ProgressColumn):
    """The completed part of a task, in bytes or steps."""

    _bytes: Final = DownloadColumn()
    _steps: Final = MofNCompleteColumn()

    def render(self, task: Task) -> Text:
        return (self._bytes if task.fields["unit"] == "bytes" else self._steps).render(task)


class _SharedDisplay:
    """One display for the bars of all threads: rich allows one per terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._bars = 0

    def acquire(self) -> Progress:
        """Return the display; start it with the first bar."""
        with self._lock:
            if self._progress is None:
                console = Console(stderr=True)
                self._progress = Progress(
                    TextColumn("{task.description}"),
                    BarColumn(),
                    _DoneColumn(),
                    TimeRemainingColumn(),
                    console=console,
                    transient=True,
                    disable=not console.is_terminal,
                )
                self._progress.start()
            self._bars += 1
            return self._progress

    def release(self) -> None:
        """Stop the display with the last bar."""
        with self._lock:
            self._bars -= 1
            if not self._bars and self._progress is not None:
                self._progress.stop()
                self._progress = None


_DISPLAY: Final = _SharedDisplay()


@contextmanager
def progress_bar(
    label: str, total: int | None, unit: Literal["steps", "bytes"] = "steps"
) -> Generator[Callable[[int], None]]:
    """Show a bar while the block runs; yield a function that advances it by a number of units.

    Args:
        label: Text before the bar.
        total: Number of units, or None if unknown.
        unit: What the units are.
    """
    progress = _DISPLAY.acquire()
    task = progress.add_task(label, total=total, unit=unit)
    try:
        yield lambda steps: progress.advance(task, steps)
    finally:
        progress.remove_task(task)
        _DISPLAY.release()
