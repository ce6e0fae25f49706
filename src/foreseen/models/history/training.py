"""Training of the history model: whole users per step, all moments of a history in parallel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.features.examples import ONE_DAY_BEFORE, Examples
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.factors.side_information import side_information
from foreseen.models.history.model import (
    HistoryNetwork,
    HistoryPredictor,
    HistorySettings,
    single,
)
from foreseen.models.history.ridge_attention import rating_level_frequencies
from foreseen.models.spec import Fit, ModelSpec, SearchRange
from foreseen.models.training import LOOP_SEARCH_SPACE, make_optimiser, user_weights
from foreseen.progress import progress_bar

_ID_DAMPING: Final = 20.0
"""Ratings of a movie at which its id embedding is scaled by the root of a half."""
_ID_PENALTY: Final = 0.1


def fit_history(
    settings: HistorySettings,
    log: InteractionLog,
    train: Examples,
    validation: Examples | None,
    seed: int,
    extra: Queries,
) -> Fit:
    """Train the networks; one of them for a preliminary fit with validation examples."""
    del extra
    past = log.timestamp <= train.given[-1]
    user = np.unique(log.user[past], return_inverse=True)[1]
    side = side_information(log.catalogue, user, log.movie[past], settings.directions)
    content = side.movies[:, 1:]
    views = np.bincount(log.movie[past], minlength=len(content))
    levels, counts = np.unique(log.rating[past], return_counts=True)
    networks: list[HistoryNetwork] = []
    count = settings.networks if validation is None else 1
    for number in range(count):
        torch.manual_seed(seed + number)
        genres = len(log.catalogue.genre_names)
        network = HistoryNetwork(settings, len(content), content.shape[1], genres, len(levels))
        network.side.copy_(single(content))
        network.id_scale.copy_(single(np.sqrt(views / (views + _ID_DAMPING))[:, None]))
        network.levels.copy_(single(levels))
        network.prior_frequencies.copy_(single((counts + 1) / (counts + 1).sum()))
        network.standardise.set_statistics(
            torch.from_numpy(train.encoded.values.mean(axis=0)),
            torch.from_numpy(train.encoded.values.std(axis=0)),
        )
        label = f"history {number + 1} of {count}"
        _train(network, settings, log, train, past, seed + number, label)
        networks.append(network)
    return Fit(HistoryPredictor(settings, tuple(networks)))


@dataclass(frozen=True)
class _ExamplesByUser:
    """Examples grouped by user: those of user u are `order[starts[u]:starts[u + 1]]`."""

    order: NDArray[np.intp]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, user: NDArray[np.int32], count: int) -> "_ExamplesByUser":
        order = np.argsort(user, kind="stable")
        return cls(order, np.searchsorted(user[order], np.arange(count + 1)).astype(np.int64))

    def of_users(self, users: NDArray[np.intp]) -> NDArray[np.intp]:
        parts = [self.order[self.starts[u] : self.starts[u + 1]] for u in users]
        return np.concatenate(parts)


def _train(
    network: HistoryNetwork,
    settings: HistorySettings,
    log: InteractionLog,
    train: Examples,
    past: NDArray[np.bool_],
    seed: int,
    label: str,
) -> None:
    """Fit a network to the rating levels, whole users per step."""
    generator = np.random.default_rng(seed)
    levels = network.levels.numpy().astype(np.float64)
    queries, histories = train.queries, log.histories
    # As of a day earlier most histories are empty and do not train the attention.
    used = np.flatnonzero(train.horizon != ONE_DAY_BEFORE)
    examples = _ExamplesByUser.of(queries.history[used], len(log.users))
    ends = histories.ends(queries.history, queries.before)
    frequencies = rating_level_frequencies(
        log.view, queries, levels, network.prior_frequencies.numpy().astype(np.float64)
    )
    target = np.searchsorted(levels, train.rating)
    lengths = np.bincount(log.user[past], minlength=len(log.users))
    weight = user_weights(lengths)
    user_bias = train.encoded.column("user_bias")
    plan = [
        list(_steps(generator.permutation(np.flatnonzero(lengths)), lengths, settings.loop.batch))
        for _ in range(settings.loop.epochs)
    ]
    optimiser, schedule = make_optimiser(network, settings.loop, sum(map(len, plan)))
    network.train()
    with progress_bar(label, sum(map(len, plan))) as advance:
        for users in (step for epoch in plan for step in epoch):
            rows = used[examples.of_users(users)]
            history = queries.history[rows]
            offset = np.zeros(len(log.users), dtype=np.int64)
            offset[users] = np.append(0, np.cumsum(lengths[users])[:-1])
            inside = np.arange(int(lengths[users].sum()))
            events = inside + np.repeat(histories.starts[users] - offset[users], lengths[users])
            rate = np.repeat(generator.random(len(users)), lengths[users])
            kept = generator.random(len(events)) >= rate * settings.event_dropout
            first = torch.from_numpy(offset[history])
            last = first + torch.from_numpy(ends[rows] - histories.starts[history])
            keys = network.keys()
            watched = torch.from_numpy(histories.movie[events].astype(np.int64))
            key = keys[watched] * torch.from_numpy(kept[:, None])
            attended, log_variance = _attend(
                key,
                single(histories.residual[events]),
                keys[torch.from_numpy(queries.movie[rows].astype(np.int64))],
                first,
                last,
                torch.exp(network.ridge),
                network.prior,
            )
            log_probability = network(
                attended - torch.from_numpy(user_bias[rows]),
                log_variance,
                torch.from_numpy(train.encoded.values[rows]),
                torch.from_numpy(log.catalogue.genres[queries.movie[rows]]),
                single(frequencies[rows]),
                single(train.encoded.expected[rows]),
            )
            level = torch.from_numpy(target[rows])[:, None]
            negative_log_likelihood = -log_probability.gather(1, level).squeeze(1)
            share = single(weight[history])
            loss = (negative_log_likelihood * share).sum() / share.sum()
            loss = loss + _ID_PENALTY * (network.identity(watched) ** 2).sum(dim=1).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            if schedule is not None:
                schedule.step()
            advance(1)
    network.eval()


def _steps(
    users: NDArray[np.intp], lengths: NDArray[np.intp], size: int
) -> Iterator[NDArray[np.intp]]:
    """Group users so that each group but the last has at least `size` ratings."""
    first, total = 0, 0
    for position, user in enumerate(users):
        total += int(lengths[user])
        if total >= size:
            yield users[first : position + 1]
            first, total = position + 1, 0
    if first < len(users):
        yield users[first:]


def _attend(
    key: Tensor,
    residual: Tensor,
    query: Tensor,
    first: Tensor,
    last: Tensor,
    ridge: Tensor,
    prior: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return the ridge regression of residuals on keys at the queries, and its log variance.

    Args:
        key: Keys of the events, history by history, of shape E x D.
        residual: Residuals of the events, of shape E.
        query: Keys of the movies to predict, of shape B x D.
        first: Where the prefix of each query begins among the events, of shape B.
        last: Where it ends, of shape B.
        ridge: Penalty on each coordinate, of shape D.
        prior: Coefficients of a user without history, of shape D.

    Returns:
        Two tensors of shape B.
    """
    size = key.shape[1]
    outer = (key[:, :, None] * key[:, None, :]).reshape(len(key), -1)
    sums = torch.cat([outer, key * residual[:, None]], dim=1).cumsum(dim=0)
    sums = torch.cat([torch.zeros_like(sums[:1]), sums])
    known = sums[last] - sums[first]
    gram = known[:, : size * size].reshape(-1, size, size) + torch.diag(ridge)
    root = cast("Tensor", torch.linalg.cholesky(gram))
    solved = torch.cholesky_solve(query[:, :, None], root).squeeze(2)
    predicted = ((known[:, size * size :] + ridge * prior) * solved).sum(dim=1)
    variance = (solved * query).sum(dim=1).clamp_min(1e-6)
    return predicted, torch.log(variance)


SPEC: Final = ModelSpec(
    name="history",
    settings=HistorySettings,
    fit=fit_history,
    load=HistoryPredictor.from_arrays,
    search_space=(
        SearchRange(("width",), 6, 24),
        SearchRange(("directions",), 5, 40),
        SearchRange(("id_dropout",), 0.2, 0.8),
        SearchRange(("event_dropout",), 0.0, 0.6),
        SearchRange(("loop.epochs",), 4, 16),
        *LOOP_SEARCH_SPACE,
    ),
)
