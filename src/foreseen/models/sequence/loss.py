"""The losses of the sequence network: the next movie, and all movies of the next thirty days."""

from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor

from foreseen.features.examples import DAY
from foreseen.models.sequence.events import Events, Rows, make_batch
from foreseen.models.sequence.network import SequenceNetwork

_CHUNK: Final = 256
_HORIZON: Final = 30 * DAY
_HORIZON_SAMPLE: Final = 8
"""One in this many events enters the loss of the next thirty days."""
_MOST_LATER: Final = 200
"""Maximum number of movies of the next thirty days of an event."""


def window_loss(
    network: SequenceNetwork,
    attributes: Tensor,
    events: Events,
    window: tuple[Rows, Rows],
    seed: int,
    negatives: int,
) -> Tensor:
    """Return the summed loss over some windows.

    Args:
        network: The network.
        attributes: Of the movies, of shape C x F.
        events: The events.
        window: First events and sizes of the windows, see `windows`.
        seed: Of all random draws.
        negatives: Movies drawn at random in place of the whole catalogue; 0 for the catalogue.
    """
    settings = network.settings
    random = np.random.default_rng(seed)
    batch = make_batch(events, *window, settings.moment_unknown, random)
    inputs, outputs = network.movie_vectors(attributes)
    state = network(batch, inputs, torch.Generator().manual_seed(seed))
    target = torch.from_numpy(events.movie[batch.event + 1])
    count = len(target)
    vectors, bias, place = outputs, network.bias, target
    if negatives:
        drawn = torch.from_numpy(random.choice(len(outputs), negatives, replace=False))
        used = torch.from_numpy(np.union1d(target.numpy(), drawn.numpy()))
        place = torch.searchsorted(used, target)
        # Sampled softmax: a drawn movie stands for many, a target only for itself.
        weight = torch.full((len(used),), -float(np.log(negatives / len(outputs))))
        weight[place] = 0.0
        vectors, bias = outputs[used], network.bias[used] + weight
    loss = cast("Tensor", _CrossEntropy.apply(state, vectors, bias, place))
    if not settings.horizon_weight:
        return loss
    chosen = np.sort(random.choice(count, max(count // _HORIZON_SAMPLE, 1), replace=False))
    logits = torch.addmm(
        network.bias, network.horizon(state[torch.from_numpy(chosen)]), outputs.t()
    )
    later = _mean_of_later(torch.log_softmax(logits, dim=1), events, batch.event[chosen])
    return loss - settings.horizon_weight * _HORIZON_SAMPLE * later


def _mean_of_later(log_probability: Tensor, events: Events, at: Rows) -> Tensor:
    """Return the mean log probability of the movies of the next thirty days, summed over events.

    Args:
        log_probability: Of all movies for each of K events, of shape K x C.
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
    movie = torch.from_numpy(events.movie[at[row] + 1 + offset])
    share = torch.from_numpy((1.0 / span[row]).astype(np.float32))
    return (log_probability[torch.from_numpy(row), movie] * share).sum()


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
        total = torch.zeros((), dtype=torch.float64)
        # The bias as a last column of the movie vectors saves a pass over the scores.
        weights = torch.cat([vectors, bias[:, None]], dim=1).t().contiguous()
        one = torch.ones(len(state), 1)
        state_gradient = torch.empty_like(state)
        vector_gradient, bias_gradient = torch.zeros_like(vectors), torch.zeros_like(bias)
        for first in range(0, len(state), _CHUNK):
            part = slice(first, first + _CHUNK)
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
