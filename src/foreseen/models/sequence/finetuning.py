"""Fine-tuning of the sequence network: new ratings, new users, new movies."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.models.sequence.events import Events, Rows, batches, co_occurring_movies, windows
from foreseen.models.sequence.network import SequenceNetwork
from foreseen.models.sequence.training import optimise

_PASSES: Final = 4
_RATE: Final = 0.4
"""Share of the learning rates of training."""
_DAMPING: Final = 1.0


def finetune_sequence_network(
    network: SequenceNetwork,
    events: Events,
    attributes: NDArray[np.float32],
    is_new: NDArray[np.bool_],
    seed: int,
) -> None:
    """Train a network further, in place: a few passes over the windows with new events.

    As many windows without any, drawn at random in each pass, rehearse what was learned (Robins,
    1995).

    Args:
        network: The network.
        events: The histories.
        attributes: Of the movies, of shape C x F.
        is_new: Which events the network has not been trained on, of shape E.
        seed: Random seed.
    """
    settings = network.settings
    random = np.random.default_rng(seed)
    total = np.concatenate([[0], np.cumsum(is_new)])
    passes: list[tuple[Rows, Rows]] = []
    for _ in range(_PASSES):
        first, size = windows(events.starts, settings.length, random)
        wanted = total[first + size] > total[first]
        others = random.permutation(np.flatnonzero(~wanted))
        enough = np.cumsum(size[others]) <= int(size[wanted].sum())
        chosen = np.concatenate([np.flatnonzero(wanted), others[enough]])
        passes += batches(first[chosen], size[chosen], settings.tokens, random)
    # Too few steps for the whole catalogue: the loss draws movies in all of them.
    optimise(
        network, events, attributes, passes, len(passes), 1.0, random, "fine-tuning", rate=_RATE
    )


def add_movies(
    network: SequenceNetwork,
    rows: Rows,
    count: NDArray[np.float64],
    events: Events,
) -> SequenceNetwork:
    """Return a copy of a network for a longer list of movies.

    A movie that is new, or had no ratings, starts from the mean vector of the movies within ten
    ratings of it, weighted by one over the distance, and from the bias that movies with as many
    ratings have.

    Args:
        network: The network.
        rows: Rows of the C movies in the network, below zero for new ones.
        count: Their numbers of ratings, of shape C.
        events: All events, in rows of the C movies.
    """
    place = torch.from_numpy(np.maximum(rows, 0))
    known = torch.from_numpy(rows >= 0) & (network.known[place, 0] > 0)
    rated = torch.from_numpy(count > 0)
    extended = SequenceNetwork(
        network.settings, len(rows), network.content.in_features, network.level.num_embeddings
    )
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    log_count = torch.from_numpy(np.log(count + 0.5)).float()
    old_bias = network.bias[place]
    bias = torch.where(known, old_bias, _line(log_count, old_bias, known & rated))
    vectors = torch.where(known[:, None], network.identity.weight[place], 0.0)
    total, mass = torch.zeros_like(vectors), torch.zeros(len(rows))
    is_known = known.numpy()
    for earlier, later, weight in co_occurring_movies(events):
        for one, other in ((earlier, later), (later, earlier)):
            used = is_known[other] & ~is_known[one]
            row = torch.from_numpy(one[used])
            total.index_add_(0, row, vectors[torch.from_numpy(other[used])], alpha=weight)
            mass += torch.bincount(row, minlength=len(rows)) * weight
    near = total / (mass + _DAMPING)[:, None]
    weights["identity.weight"] = torch.where(known[:, None], vectors, near)
    weights["bias"] = torch.where(rated, bias, network.bias.min())
    weights["known"] = (known | rated).float()[:, None]
    extended.load_state_dict(weights)
    return extended


def _line(x: torch.Tensor, y: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
    """Return the values at x of the least-squares line through the points that are used."""
    x_mean, y_mean = x[used].mean(), y[used].mean()
    centred = x[used] - x_mean
    slope = (centred * (y[used] - y_mean)).sum() / centred.square().sum().clamp_min(1e-6)
    return y_mean + slope * (x - x_mean)
