"""Training of the sequence network."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.models.sequence.events import Events, Rows, batches, windows
from foreseen.models.sequence.loss import window_loss
from foreseen.models.sequence.movie_vectors import co_occurrence_vectors
from foreseen.models.sequence.network import SequenceNetwork
from foreseen.models.sequence.optimiser import SequenceOptimiser
from foreseen.models.sequence.settings import SequenceSettings
from foreseen.progress import progress_bar

_SHARDS: Final = 2
_LARGEST_GRADIENT: Final = 1.0


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
    passes = chain.from_iterable(epoch() for _ in range(settings.epochs))
    optimise(network, events, attributes, passes, steps, settings.negatives_until, random, label)
    return network


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
) -> None:
    """Train a network in place, one step for each batch of windows.

    Each step is the sum of two shards, each computed in a thread with its own random draws, so
    that the number of cores changes nothing.

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
    """
    settings, movies = network.settings, len(attributes)
    optimiser = SequenceOptimiser(network, settings)
    parameters = list(network.parameters())
    side = torch.from_numpy(attributes)

    def gradients(shard: _Shard) -> list[Tensor]:
        if not len(shard.first):
            return [torch.zeros_like(parameter) for parameter in parameters]
        loss = window_loss(
            network, side, events, (shard.first, shard.size), shard.seed, shard.negatives
        )
        found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        return list(found)

    rising = max(settings.warmup * steps, 1.0)
    with ThreadPoolExecutor(_SHARDS) as pool, progress_bar(label, steps) as advance:
        for done, (first, size) in enumerate(passes):
            half = int(np.searchsorted(np.cumsum(size), int(size.sum()) / 2)) + 1
            seeds = [int(random.integers(1 << 62)) for _ in range(_SHARDS)]
            negatives = min(settings.negatives, movies) if done < sampled_until * steps else 0
            shards = [
                _Shard(first[:half], size[:half], seeds[0], negatives),
                _Shard(first[half:], size[half:], seeds[1], negatives),
            ]
            one, other = pool.map(gradients, shards)
            total = float(size.sum())
            for parameter, left, right in zip(parameters, one, other, strict=True):
                parameter.grad = left.add_(right).div_(total)
            nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
            falling = (steps - done) / max(steps - rising, 1.0)
            optimiser.step(rate * max(min((done + 1) / rising, falling), 0.0))
            if done < steps:
                advance(1)
    network.eval().requires_grad_(requires_grad=False)
