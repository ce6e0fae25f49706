"""Progress bars on stderr, with the time left; none where stderr is no terminal."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

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


class _Counted(ProgressColumn):
    """How much of a task is done, in its own unit."""

    _bytes: Final = DownloadColumn()
    _steps: Final = MofNCompleteColumn()

    def render(self, task: Task) -> Text:
        return (self._bytes if task.fields["unit"] == "bytes" else self._steps).render(task)


class _Bars:
    """The bars of all threads, in one display: a terminal bears no second one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._display: Progress | None = None
        self._open = 0

    def opened(self) -> Progress:
        """Return the display, shown from the first bar on."""
        with self._lock:
            if self._display is None:
                console = Console(stderr=True)
                self._display = Progress(
                    TextColumn("{task.description}"),
                    BarColumn(),
                    _Counted(),
                    TimeRemainingColumn(),
                    console=console,
                    transient=True,
                    disable=not console.is_terminal,
                )
                self._display.start()
            self._open += 1
            return self._display

    def closed(self) -> None:
        """Take the display away after the last bar."""
        with self._lock:
            self._open -= 1
            if not self._open and self._display is not None:
                self._display.stop()
                self._display = None


_BARS: Final = _Bars()


@contextmanager
def progress_bar(
    what: str, total: int | None, unit: str = "steps"
) -> Generator[Callable[[int], None]]:
    """Show a bar while the block runs; the function it yields moves the bar on."""
    display = _BARS.opened()
    task = display.add_task(what, total=total, unit=unit)
    try:
        yield lambda steps: display.advance(task, steps)
    finally:
        display.remove_task(task)
        _BARS.closed()
