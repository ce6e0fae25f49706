"""Independent tasks, in threads of this process or on the machines of a cluster."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar

from foreseen.compute.threads import completed_in_threads
from foreseen.compute.training_group import ALONE, TrainingGroup
from foreseen.progress import progress_bar

T = TypeVar("T")
R = TypeVar("R")
_SMALLEST_GROUP: Final = 3
"""Processes of one core each; two are no faster than the two threads of one process."""
_OTHER_TASKS: Final = 24
"""Cores that are left to what else is trained: a group starts when all its cores are free."""


class TaskRunner(Protocol):
    """Runs tasks elsewhere than in threads of this process."""

    @property
    def slots(self) -> int:
        """How many tasks run at the same time."""
        ...

    def completed(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[tuple[T, R]]:
        """Yield each task with its result, as `completed_tasks` does."""
        ...

    def trained(
        self, function: Callable[[TrainingGroup], R], size: int, advance: Callable[[int], None]
    ) -> R:
        """Return the result of a function in the first of several processes; see `trained_by`.

        Args:
            function: Of the group.
            size: Number of processes.
            advance: Called with the number of steps that are completed since the last call.
        """
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


def trained_by(most: int, function: Callable[[TrainingGroup], R], steps: int, label: str) -> R:
    """Return the result of a function that trains a network in a group of processes.

    The group is the calling process alone, unless the innermost `tasks_on` runs so many tasks at
    the same time that three processes have room beside others.
    When a process ends, the group starts again from its last checkpoint.

    Args:
        most: Maximum number of processes.
        function: Of the group. On a cluster it is copied to the processes with all that it refers
            to, and its result is that of the first.
        steps: Number of steps that it takes.
        label: Label of the progress bar.
    """
    size = min(most, task_slots() - _OTHER_TASKS)
    if _InUse.runner is None or size < _SMALLEST_GROUP:
        return function(ALONE)
    with progress_bar(label, steps) as advance:
        return _InUse.runner.trained(function, size, advance)
