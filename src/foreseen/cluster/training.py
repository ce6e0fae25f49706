"""Training of one network by several processes of Ray Train.

Ray Train starts the processes together, connects them by `torch.distributed` and starts them again
when one of them ends. Checkpoints are sent to an actor on the machine of the command: the machines
of the cluster need no common folder.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar, cast

import ray
import ray.train
import ray.train.torch
import torch
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from torch import Tensor, distributed

from foreseen.cluster.runner import RETRIES, described_failures, packed, run_task
from foreseen.compute.training_group import Checkpoint, TrainingGroup
from foreseen.errors import ForeseenError

R = TypeVar("R")
_RAY: Final[Any] = ray
"""Without the types that Ray leaves unknown."""
_TRAIN: Final[Any] = ray.train
_SECONDS: Final = 1.0
"""Between two looks at the progress."""
_CHECKPOINT_SECONDS: Final = 30.0


class _Keeper:
    """The progress of a training and its last checkpoint, in an actor."""

    def __init__(self) -> None:
        self._steps = 0
        self._checkpoint: Checkpoint | None = None

    def report(self, steps: int) -> None:
        self._steps = steps

    def steps(self) -> int:
        return self._steps

    def save(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def checkpoint(self) -> Checkpoint | None:
        return self._checkpoint


class RayTrainingGroup:
    """The processes of a training, as one of them sees them."""

    def __init__(self, keeper: Any, seconds: float) -> None:  # noqa: ANN401
        """Join the group of this process.

        Args:
            keeper: The actor that keeps the progress.
            seconds: Between two checkpoints.
        """
        context = _TRAIN.get_context()
        self.rank: int = context.get_world_rank()
        self.size: int = context.get_world_size()
        self._keeper, self._seconds = keeper, seconds
        self._reported = self._saved = time.monotonic()

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over the processes, which are the same in each of them."""
        # As one vector, since a message has a cost of its own.
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        parts = cast("tuple[Tensor, ...]", flat.split([tensor.numel() for tensor in tensors]))
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def checkpoint(self) -> Checkpoint | None:
        """Return the last checkpoint of the training; None at its beginning."""
        return _RAY.get(self._keeper.checkpoint.remote())

    def completed(self, steps: int, state: Callable[[], Mapping[str, Any]]) -> None:
        """Report a number of completed steps; in the first process, now and then save the state."""
        now = time.monotonic()
        if self.rank:
            return
        if now - self._reported >= _SECONDS:
            self._reported = now
            self._keeper.report.remote(steps)
        if now - self._saved >= self._seconds:
            self._saved = now
            self._keeper.save.remote(Checkpoint(steps, state()))


def trained(function: Callable[[TrainingGroup], R], size: int, advance: Callable[[int], None]) -> R:
    """Return the result of a function in the first of several processes of one core each.

    Args:
        function: Of the group; it trains a network.
        size: Number of processes.
        advance: Called with the number of steps that are completed since the last call.

    Raises:
        ForeseenError: If the processes cannot be started, or end too often.
        Exception: What the function raises.
    """
    here = NodeAffinitySchedulingStrategy(_RAY.get_runtime_context().get_node_id(), soft=False)
    keeper: Any = _RAY.remote(num_cpus=0, scheduling_strategy=here)(_Keeper).remote()
    shared, seconds = packed(function), _CHECKPOINT_SECONDS

    def train() -> bytes | None:
        group = RayTrainingGroup(keeper, seconds)
        result = run_task(*shared, group)
        # Ray Train refuses results that hold tensors.
        return None if group.rank else _RAY.cloudpickle.dumps(result)

    pool = ThreadPoolExecutor(1)
    with described_failures(), TemporaryDirectory() as folder:
        trainer: Any = ray.train.torch.TorchTrainer(
            train,
            scaling_config=_TRAIN.ScalingConfig(num_workers=size, resources_per_worker={"CPU": 1}),
            run_config=_TRAIN.RunConfig(
                storage_path=folder, failure_config=_TRAIN.FailureConfig(max_failures=RETRIES)
            ),
        )
        try:
            # In the main thread it would handle interrupts from then on.
            fitted = pool.submit(trainer.fit)
            shown = 0
            while wait([fitted], _SECONDS).not_done:
                steps = _RAY.get(keeper.steps.remote())
                advance(max(steps - shown, 0))
                shown = max(steps, shown)
            return _RAY.cloudpickle.loads(fitted.result().return_value)
        except _TRAIN.TrainingFailedError as error:
            raise _cause(error) from None
        finally:
            pool.shutdown(wait=False)


def _cause(error: Any) -> Exception:  # noqa: ANN401
    """Return what the function raised, or an error of one line."""
    failures: Mapping[int, BaseException] = getattr(error, "worker_failures", {})
    for failure in failures.values():
        if isinstance(failure, ForeseenError):
            return failure
    lines = str(next(iter(failures.values()), error)).strip().splitlines()
    return ForeseenError(f"the training on the cluster failed: {lines[-1]}")
