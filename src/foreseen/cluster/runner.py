"""Tasks on the machines of a Ray cluster."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import islice
from typing import Any, Final, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from foreseen.compute.cache import LRUCache
from foreseen.compute.threads import in_sequence, one_thread
from foreseen.compute.training_group import TrainingGroup
from foreseen.errors import ForeseenError

T = TypeVar("T")
R = TypeVar("R")
_RAY: Final[Any] = ray
"""Without the types that Ray leaves unknown."""
RETRIES: Final = 3
"""How often a task is run again after its process or its machine has ended."""
_NOT_INSTALLED: Final = "No module named 'foreseen'"
_FUNCTIONS: Final[LRUCache[str, Callable[[object], object]]] = LRUCache(2)
"""The functions that this process has run tasks of last."""


class RayRunner:
    """Runs tasks of one core each on the cluster that this process is connected to.

    The function of the tasks is put into the object store once, and read from it once by each
    process. As bytes: the arrays that Ray shares between processes are read-only, and all compiled
    loops would be compiled again for them.
    """

    def __init__(self) -> None:
        self._run: Any = _RAY.remote(num_cpus=1, max_retries=RETRIES)(run_task)

    @property
    def slots(self) -> int:
        """Number of cores of the machines that belong to the cluster now."""
        return max(int(_RAY.cluster_resources().get("CPU", 1)), 1)

    def completed(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[tuple[T, R]]:
        """Yield each task with its result, as they are completed.

        Twice as many tasks as there are cores are started ahead. A task whose process or machine
        has ended is run again, by another one.

        Raises:
            ForeseenError: If the cluster cannot complete a task.
            Exception: What the function raises.
        """
        waiting = iter(tasks)
        running: dict[Any, T] = {}
        with described_failures():
            shared = packed(function)
            while True:
                for task in islice(waiting, max(2 * self.slots - len(running), 0)):
                    running[self._run.remote(*shared, task)] = task
                if not running:
                    return
                done: Any = _RAY.wait(list(running), num_returns=1)[0][0]
                result: R = _RAY.get(done)
                yield running.pop(done), result

    def trained(
        self, function: Callable[[TrainingGroup], R], size: int, advance: Callable[[int], None]
    ) -> R:
        """Return the result of a function in the first of several processes of Ray Train.

        Raises:
            ForeseenError: If the processes cannot be started, or end too often.
            Exception: What the function raises.
        """
        # It imports much that only training needs.
        from foreseen.cluster.training import trained

        return trained(function, size, advance)


def packed(function: Callable[..., object]) -> tuple[list[Any], str]:
    """Return the first arguments of `run_task` for tasks with this function."""
    return [_RAY.put(_RAY.cloudpickle.dumps(function))], version("foreseen")


def run_task(reference: list[Any], expected: str, task: object) -> object:
    """Return the result of a task, in a process of the cluster.

    Args:
        reference: To the function, in a list, so that it is not read for each task.
        expected: Version of this package that the function comes from.
        task: The task.
    """
    if version("foreseen") != expected:
        raise ForeseenError(
            f"Foreseen {version('foreseen')} is installed on a machine of the cluster; install "
            f"{expected} there, as on this one"
        )
    function = _FUNCTIONS.get_or_compute(reference[0].hex(), lambda: _read(reference[0]))
    with one_thread(), in_sequence():
        return function(task)


def _read(reference: Any) -> Callable[[object], object]:  # noqa: ANN401
    return _RAY.cloudpickle.loads(_RAY.get(reference))


@contextmanager
def described_failures() -> Generator[None]:
    """Raise what a task raised as it is, and failures of the cluster as errors of one line."""
    try:
        yield
    except RayTaskError as error:
        cause: BaseException = error.cause
        if _NOT_INSTALLED in str(cause):
            raise ForeseenError(
                "Foreseen is not installed on a machine of the cluster; install there what is "
                "installed on this one"
            ) from None
        raise cause from None
    except RayError as error:
        raise ForeseenError(f"the cluster failed, {type(error).__name__}: {error}") from error
