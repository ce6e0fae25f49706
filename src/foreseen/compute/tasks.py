"""Independent tasks, in threads of this process or on the machines of a cluster."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from foreseen.compute.threads import completed_in_threads

T = TypeVar("T")
R = TypeVar("R")


class TaskRunner(Protocol):
    """Runs tasks elsewhere than in threads of this process."""

    @property
    def slots(self) -> int:
        """How many tasks run at the same time."""
        ...

    def completed(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[tuple[T, R]]:
        """Yield each task with its result, as `completed_tasks` does."""
        ...


class _InUse:
    runner: TaskRunner | None = None


@contextmanager
def tasks_on(runner: TaskRunner) -> Generator[None]:
    """Let a runner run the tasks of this process while the block runs."""
    before, _InUse.runner = _InUse.runner, runner
    try:
        yield
    finally:
        _InUse.runner = before


def task_slots() -> int:
    """Return how many tasks the innermost `tasks_on` runs at the same time; 1 outside of any."""
    return 1 if _InUse.runner is None else _InUse.runner.slots


def completed_tasks(
    function: Callable[[T], R], tasks: Iterable[T], in_threads: bool = True
) -> Iterator[tuple[T, R]]:
    """Yield each task with the result of a function, as they are completed, in any order.

    The tasks run in threads, or where the innermost `tasks_on` says. They must not depend on each
    other. A few are started ahead, so memory does not grow with their number.

    Args:
        function: Of a task. On a cluster it is copied to the machines with all that it refers to:
            a change of anything but its result is lost.
        tasks: Small values.
        in_threads: Whether this process runs them in threads; otherwise one after the other, for
            tasks that need much memory or use threads themselves.
    """
    if _InUse.runner is not None:
        return _InUse.runner.completed(function, tasks)
    if in_threads:
        return completed_in_threads(function, tasks)
    return ((task, function(task)) for task in tasks)


def run_tasks(function: Callable[[T], R], tasks: Sequence[T], in_threads: bool = True) -> list[R]:
    """Return the result of a function for each task, in their order; see `completed_tasks`."""
    results = dict(completed_tasks(function, tasks, in_threads))
    return [results[task] for task in tasks]
