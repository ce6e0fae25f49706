"""Training of the sequence network."""

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.compute.device import training_device
from foreseen.compute.tasks import trained_by
from foreseen.compute.training_group import ALONE, TrainingGroup
from foreseen.models.sequence.events import Events, Rows, batches, windows
from foreseen.models.sequence.loss import Windows, draw_windows, window_loss
from foreseen.models.sequence.movie_vectors import co_occurrence_vectors
from foreseen.models.sequence.network import SequenceNetwork
from foreseen.models.sequence.optimiser import SequenceOptimiser
from foreseen.models.sequence.settings import SequenceSettings
from foreseen.progress import progress_bar

_SHARDS: Final = 2
_AHEAD: Final = 3
"""Steps whose windows are drawn while a device computes."""
_LARGEST_GRADIENT: Final = 1.0
_RATINGS_PER_PROCESS: Final = 512
"""Ratings of a step per process of a cluster."""


class _Shard(NamedTuple):
    """Windows whose gradient is computed in one thread, with draws of its own."""

    first: Rows
    size: Rows
    seed: int
    negatives: int


def train_sequence_network(
    settings: SequenceSettings,
    events: Events,
    attributes: NDArray[np.float32],
    levels: int,
    seed: int,
    label: str,
) -> SequenceNetwork:
    """Return a network fitted to histories; its weights depend on the seed alone.

    Args:
        settings: The settings.
        events: The histories.
        attributes: Of the movies, of shape C x F.
        levels: Number of rating levels.
        seed: Random seed.
        label: Label of the progress bar.
    """
    movies = len(attributes)
    network = SequenceNetwork(settings, movies, attributes.shape[1], levels)
    vectors = co_occurrence_vectors(events, movies, settings.width)
    network.initialise(seed, np.bincount(events.movie, minlength=movies), vectors)
    random = np.random.default_rng(seed)

    def epoch() -> list[tuple[Rows, Rows]]:
        cut = windows(events.starts, settings.length, random)
        return list(batches(*cut, settings.tokens, random))

    steps = settings.epochs * len(epoch())

    def train(group: TrainingGroup) -> SequenceNetwork:
        passes = chain.from_iterable(epoch() for _ in range(settings.epochs))
        until = settings.negatives_until
        optimise(network, events, attributes, passes, steps, until, random, label, group=group)
        return network

    # One process trains on a device other than the CPU, see `foreseen.compute.device`.
    most = settings.tokens // _RATINGS_PER_PROCESS if training_device().type == "cpu" else 1
    return trained_by(most, train, steps, label)


def optimise(
    network: SequenceNetwork,
    events: Events,
    attributes: NDArray[np.float32],
    passes: Iterable[tuple[Rows, Rows]],
    steps: int,
    sampled_until: float,
    random: np.random.Generator,
    label: str,
    rate: float = 1.0,
    group: TrainingGroup = ALONE,
) -> None:
    """Train a network in place, one step for each batch of windows.

    On a CPU each step is the sum of two shards, each computed in a thread with its own random
    draws, so that the number of cores changes nothing. A larger group of processes has a shard for
    each; all take the same steps, from the last checkpoint of the group. On another device, see
    `foreseen.compute.device`, a step is computed at once, in mixed precision on CUDA.

    Args:
        network: The network.
        events: The histories.
        attributes: Of the movies, of shape C x F.
        passes: The batches, as `batches` yields them.
        steps: Number of batches.
        sampled_until: Share of the steps, from the first, that draw movies for the loss.
        random: For all draws.
        label: Label of the progress bar.
        rate: Share of the learning rates that is used at most.
        group: The processes that train the network.
    """
    settings, movies, device = network.settings, len(attributes), training_device()
    network.to(device)
    optimiser = SequenceOptimiser(network, settings)
    parameters = list(network.parameters())
    side = torch.from_numpy(attributes).to(device)

    def draw(shard: _Shard) -> Windows:
        window = (shard.first, shard.size)
        return draw_windows(settings, movies, events, window, shard.seed, shard.negatives)

    def gradients(shard: _Shard | Future[Windows]) -> list[Tensor]:
        if isinstance(shard, _Shard) and not len(shard.first):
            return [torch.zeros_like(parameter) for parameter in parameters]
        windows = draw(shard) if isinstance(shard, _Shard) else shard.result()
        loss = window_loss(network, side, windows)
        found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        return list(found)

    def state() -> dict[str, Any]:
        return {"network": network.state_dict(), "optimiser": optimiser.state()}

    resumed = group.checkpoint()
    if resumed is not None:
        network.load_state_dict(resumed.state["network"])
        optimiser.load_state(resumed.state["optimiser"])
    first = 0 if resumed is None else resumed.steps
    rising = max(settings.warmup * steps, 1.0)
    count = max(_SHARDS, group.size) if device.type == "cpu" else 1
    until = sampled_until * steps
    work = _steps(passes, count, min(settings.negatives, movies), until, random)
    with ThreadPoolExecutor(_SHARDS) as pool, progress_bar(label, steps) as advance:
        ahead = work if device.type == "cpu" else _drawn_ahead(pool, draw, work)
        for done, (shards, total) in islice(enumerate(ahead), first, None):
            found = list(pool.map(gradients, shards[group.rank :: group.size]))
            sums = [functools.reduce(Tensor.add_, parts) for parts in zip(*found, strict=True)]
            group.add_up(sums)
            for parameter, gradient in zip(parameters, sums, strict=True):
                parameter.grad = gradient.div_(total)
            nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
            falling = (steps - done) / max(steps - rising, 1.0)
            optimiser.step(rate * max(min((done + 1) / rising, falling), 0.0))
            if done < steps:
                advance(1)
            group.completed(done + 1, state)
    network.cpu().eval().requires_grad_(requires_grad=False)


def _steps(
    passes: Iterable[tuple[Rows, Rows]],
    count: int,
    negatives: int,
    sampled_until: float,
    random: np.random.Generator,
) -> Iterator[tuple[list[_Shard], float]]:
    """Yield for each batch its shards, of about equal size, and the number of its events."""
    for done, (first, size) in enumerate(passes):
        seeds = [int(random.integers(1 << 62)) for _ in range(count)]
        sampled = negatives if done < sampled_until else 0
        shares = int(size.sum()) * np.arange(1, count) / count
        cuts = [0, *(np.searchsorted(np.cumsum(size), shares) + 1), len(first)]
        yield (
            [
                _Shard(first[start:stop], size[start:stop], seed, sampled)
                for (start, stop), seed in zip(pairwise(cuts), seeds, strict=True)
            ],
            float(size.sum()),
        )


def _drawn_ahead(
    pool: ThreadPoolExecutor,
    draw: Callable[[_Shard], Windows],
    work: Iterable[tuple[list[_Shard], float]],
) -> Iterator[tuple[list[Future[Windows]], float]]:
    """Draw the windows of the following steps in threads, while a device computes this one."""
    waiting: deque[tuple[list[Future[Windows]], float]] = deque()
    for shards, total in work:
        waiting.append(([pool.submit(draw, shard) for shard in shards], total))
        if len(waiting) > _AHEAD:
            yield waiting.popleft()
    yield from waiting
