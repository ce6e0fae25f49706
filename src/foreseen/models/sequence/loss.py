"""The losses of the sequence network: the next movie, and all movies of the next thirty days."""

from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor

from foreseen.features.examples import DAY
from foreseen.models.sequence.events import Batch, Events, Rows, make_batch, to_device
from foreseen.models.sequence.network import SequenceNetwork
from foreseen.models.sequence.settings import SequenceSettings

_CHUNK: Final = 256
_DEVICE_CHUNK: Final = 8192
_HORIZON: Final = 30 * DAY
_HORIZON_SAMPLE: Final = 8
"""One in this many events enters the loss of the next thirty days."""
_MOST_LATER: Final = 200
"""Maximum number of movies of the next thirty days of an event."""
_NEVER: Final = -1e9


@dataclass(frozen=True)
class Windows:
    """Windows of histories and what is drawn for their losses; K of V events enter the second.

    Attributes:
        batch: The windows.
        rows: Rows of the movies that all others refer to by place, ascending; None if they refer
            to the rows of the whole catalogue.
        target: Places of the next movies among those that the loss is over, of shape V.
        drawn: Movies that the loss is over, ascending; None for all.
        weight: What is added to the scores of the movies that the loss is over; with `rows`, to
            those of both losses.
        chosen: The events of the second loss, of shape K.
        owner, movie, share: For each movie of the next thirty days of these events, which of them
            it follows, its row, and its weight.
        seed: Of dropout.
    """

    batch: Batch
    rows: Tensor | None
    target: Tensor
    drawn: Tensor | None
    weight: Tensor | None
    chosen: Tensor
    owner: Tensor
    movie: Tensor
    share: Tensor
    seed: int

    def to(self, device: torch.device) -> "Windows":
        """Return the windows with their tensors on a device."""
        if device.type == "cpu":
            return self
        tensors = {n: v for n, v in vars(self).items() if isinstance(v, Tensor)}
        moved = {name: to_device(values, device) for name, values in tensors.items()}
        return replace(self, batch=self.batch.to(device), **moved)


def draw_windows(
    settings: SequenceSettings,
    movies: int,
    events: Events,
    window: tuple[Rows, Rows],
    seed: int,
    negatives: int,
) -> Windows:
    """Return windows for `window_loss`.

    Args:
        settings: The settings.
        movies: Number of movies.
        events: The events.
        window: First events and sizes of the windows, see `windows`.
        seed: Of all random draws.
        negatives: Movies drawn at random in place of the whole catalogue; 0 for the catalogue.
    """
    random = np.random.default_rng(seed)
    batch = make_batch(events, *window, settings.moment_unknown, random)
    target = torch.from_numpy(events.movie[batch.event + 1])
    count = len(target)
    drawn = random.choice(movies, negatives, replace=False) if negatives else None
    size = max(count // _HORIZON_SAMPLE, 1) if settings.horizon_weight else 0
    chosen = np.sort(random.choice(count, size, replace=False))
    later = _later_movies(events, batch.event[chosen])
    found = Windows(batch, None, target, None, None, torch.from_numpy(chosen), *later, seed)
    if drawn is None:
        return found
    # Sampled softmax: a drawn movie stands for many, a target only for itself.
    sampled = _without_other_movies if settings.negatives_alone else _over_drawn
    return sampled(found, drawn, -float(np.log(negatives / movies)))


def _over_drawn(windows: Windows, drawn: Rows, weight: float) -> Windows:
    """Return windows whose first loss is over the next movies and drawn ones alone.

    Args:
        windows: Windows that refer to the whole catalogue.
        drawn: Rows of the drawn movies.
        weight: What is added to their scores.
    """
    used = torch.from_numpy(np.union1d(windows.target.numpy(), drawn))
    target = torch.searchsorted(used, windows.target)
    added = torch.full((len(used),), weight)
    added[target] = 0.0
    return replace(windows, target=target, drawn=used, weight=added)


def _without_other_movies(windows: Windows, drawn: Rows, weight: float) -> Windows:
    """Return windows that refer to the movies they have, and to drawn ones, alone.

    Args:
        windows: Windows that refer to the whole catalogue.
        drawn: Rows of the drawn movies.
        weight: What is added to their scores.
    """
    positive = torch.cat([windows.target, windows.movie])
    read = torch.cat([positive, windows.batch.movie.ravel(), torch.from_numpy(drawn)])
    rows = torch.from_numpy(np.unique(read.numpy()))

    def places(movies: Tensor) -> Tensor:
        return torch.searchsorted(rows, movies.contiguous())

    # Movies that are only in the histories enter no loss.
    added = torch.full((len(rows),), _NEVER)
    added[places(torch.from_numpy(drawn))] = weight
    added[places(positive)] = 0.0
    return replace(
        windows,
        batch=replace(windows.batch, movie=places(windows.batch.movie)),
        rows=rows,
        target=places(windows.target),
        weight=added,
        movie=places(windows.movie),
    )


def window_loss(network: SequenceNetwork, attributes: Tensor, windows: Windows) -> Tensor:
    """Return the summed loss over some windows.

    Args:
        network: The network.
        attributes: Of the movies, of shape C x F, on the device of the network.
        windows: The windows.
    """
    settings, device = network.settings, attributes.device
    windows = windows.to(device)
    inputs, outputs = network.movie_vectors(attributes, windows.rows)
    random = torch.Generator(device).manual_seed(windows.seed)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        state = network(windows.batch, inputs, random).float()
    vectors, bias, bias_of_all = outputs, network.bias, network.bias
    if windows.rows is not None and windows.weight is not None:
        bias = bias_of_all = network.bias[windows.rows] + windows.weight
    elif windows.drawn is not None and windows.weight is not None:
        vectors, bias = outputs[windows.drawn], network.bias[windows.drawn] + windows.weight
    loss = cast("Tensor", _CrossEntropy.apply(state, vectors, bias, windows.target))
    if not settings.horizon_weight:
        return loss
    query = network.horizon(state[windows.chosen])
    logits = torch.addmm(bias_of_all, query, outputs.t())
    found = torch.log_softmax(logits, dim=1)[windows.owner, windows.movie]
    later = (found * windows.share).sum()
    return loss - settings.horizon_weight * _HORIZON_SAMPLE * later


def _later_movies(events: Events, at: Rows) -> tuple[Tensor, Tensor, Tensor]:
    """Return the movies of the thirty days after K events: whose, which, and weights.

    The weights of the movies that follow an event sum to one.

    Args:
        events: The events.
        at: The K events; none is the last of its history.
    """
    owner = np.searchsorted(events.starts, at, side="right") - 1
    stop = np.minimum(events.starts[owner + 1], at + 1 + _MOST_LATER)
    span = np.empty(len(at), dtype=np.int64)
    for row, (first, end) in enumerate(zip(at + 1, stop, strict=True)):
        limit = events.time[first - 1] + _HORIZON
        span[row] = max(int(np.searchsorted(events.time[first:end], limit, side="right")), 1)
    row = np.repeat(np.arange(len(at)), span)
    offset = np.arange(int(span.sum())) - np.repeat(np.cumsum(span) - span, span)
    movie = events.movie[at[row] + 1 + offset]
    share = (1.0 / span[row]).astype(np.float32)
    return torch.from_numpy(row), torch.from_numpy(movie), torch.from_numpy(share)


class _CrossEntropy(torch.autograd.Function):
    """Summed cross entropy of states over movie vectors and biases, in chunks that stay in cache.

    The gradient is computed together with the loss, so that no matrix of all scores is stored.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        state: Tensor,
        vectors: Tensor,
        bias: Tensor,
        target: Tensor,
    ) -> Tensor:
        on_cpu = state.device.type == "cpu"
        chunk = _CHUNK if on_cpu else _DEVICE_CHUNK
        total = torch.zeros((), dtype=torch.float64 if on_cpu else state.dtype, device=state.device)
        # The bias as a last column of the movie vectors saves a pass over the scores.
        weights = torch.cat([vectors, bias[:, None]], dim=1).t().contiguous()
        one = state.new_ones(len(state), 1)
        state_gradient = torch.empty_like(state)
        vector_gradient, bias_gradient = torch.zeros_like(vectors), torch.zeros_like(bias)
        for first in range(0, len(state), chunk):
            part = slice(first, first + chunk)
            rows, movies = state[part], target[part]
            wanted = vectors[movies]
            score = (rows * wanted).sum(dim=1, keepdim=True) + bias[movies, None]
            odds = torch.cat([rows, one[part]], dim=1) @ weights
            top = odds.amax(dim=1, keepdim=True)
            odds.sub_(top).exp_()
            mass = odds.sum(dim=1, keepdim=True)
            total += (top + mass.log() - score).sum()
            state_gradient[part] = (odds @ vectors).div_(mass).sub_(wanted)
            vector_gradient.addmm_(odds.t(), rows / mass).index_add_(0, movies, rows, alpha=-1)
            bias_gradient.addmv_(odds.t(), (1 / mass).squeeze(1))
            bias_gradient.index_add_(0, movies, one[part].squeeze(1), alpha=-1)
        ctx.save_for_backward(state_gradient, vector_gradient, bias_gradient)
        return total.to(state.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # noqa: ANN401
        state, vectors, bias = ctx.saved_tensors
        return state * gradients[0], vectors * gradients[0], bias * gradients[0], None
