"""How the model of histories is trained: whole users at a time, all their moments in parallel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.features.examples import Examples
from foreseen.features.interaction_log import Timeline
from foreseen.models.history.ridge_attention import level_habits
from foreseen.models.history.model import (
    HistoryNetwork,
    HistoryPredictor,
    HistorySettings,
    single,
)
from foreseen.models.factors.side_information import side_information
from foreseen.models.training import descent, weigh_users
from foreseen.progress import progress_bar

_IDS_FROM: Final = 20.0
"""Ratings of a movie at which its id counts by the square root of a half."""
_ID_PENALTY: Final = 0.1


def fit_history(
    settings: HistorySettings,
    timeline: Timeline,
    learn: Examples,
    later: Examples | None,
    seed: int,
) -> HistoryPredictor:
    """Train the networks; where there are later examples this is a trial, for which one will do."""
    past = timeline.timestamp <= learn.given[-1]
    viewer = np.unique(timeline.user[past], return_inverse=True)[1]
    side = side_information(
        timeline.catalogue, viewer, timeline.movie[past], settings.directions
    ).movies[:, 1:]
    views = np.bincount(timeline.movie[past], minlength=len(side))
    levels, counts = np.unique(timeline.rating[past], return_counts=True)
    networks: list[HistoryNetwork] = []
    wanted = settings.networks if later is None else 1
    for number in range(wanted):
        torch.manual_seed(seed + number)
        genres = len(timeline.catalogue.genre_names)
        network = HistoryNetwork(settings, len(side), side.shape[1], genres, len(levels))
        network.side.copy_(single(side))
        network.trust.copy_(single(np.sqrt(views / (views + _IDS_FROM))[:, None]))
        network.levels.copy_(single(levels))
        network.usual.copy_(single((counts + 1) / (counts + 1).sum()))
        network.mean.copy_(torch.from_numpy(learn.encoded.values.mean(axis=0)))
        network.scale.copy_(torch.from_numpy(np.maximum(learn.encoded.values.std(axis=0), 1e-3)))
        what = f"history {number + 1} of {wanted}"
        _train(network, settings, timeline, learn, past, seed + number, what)
        networks.append(network)
    return HistoryPredictor(settings, tuple(networks))


@dataclass(frozen=True)
class _Rows:
    """Examples grouped by user: those of user u are `order[starts[u]:starts[u + 1]]`."""

    order: NDArray[np.intp]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, user: NDArray[np.int32], count: int) -> "_Rows":
        order = np.argsort(user, kind="stable")
        return cls(order, np.searchsorted(user[order], np.arange(count + 1)).astype(np.int64))

    def of_users(self, users: NDArray[np.intp]) -> NDArray[np.intp]:
        parts = [self.order[self.starts[u] : self.starts[u + 1]] for u in users]
        return np.concatenate(parts)


def _train(
    network: HistoryNetwork,
    settings: HistorySettings,
    timeline: Timeline,
    learn: Examples,
    past: NDArray[np.bool_],
    seed: int,
    what: str,
) -> None:
    """Fit a network to the levels given, whole users at a time."""
    generator = np.random.default_rng(seed)
    levels = network.levels.numpy().astype(np.float64)
    queries, own = learn.queries, timeline.histories
    # A day ahead nothing of most histories is left to learn reading from.
    used = np.flatnonzero(np.arange(len(learn)) % 3 < 2)
    rows = _Rows.of(queries.history[used], len(timeline.users))
    ends = own.ends(queries.history, queries.before)
    habits = level_habits(timeline, queries, levels, network.usual.numpy().astype(np.float64))
    target = np.searchsorted(levels, learn.rating)
    lengths = np.bincount(timeline.user[past], minlength=len(timeline.users))
    weight = weigh_users(lengths)
    kindness = learn.encoded.column("user_kindness")
    plan = [
        list(_steps(generator.permutation(np.flatnonzero(lengths)), lengths, settings.loop.batch))
        for _ in range(settings.loop.epochs)
    ]
    optimiser, schedule = descent(network, settings.loop, sum(map(len, plan)))
    network.train()
    with progress_bar(what, sum(map(len, plan))) as advance:
        for users in (step for epoch in plan for step in epoch):
            asked = used[rows.of_users(users)]
            history = queries.history[asked]
            offset = np.zeros(len(timeline.users), dtype=np.int64)
            offset[users] = np.append(0, np.cumsum(lengths[users])[:-1])
            inside = np.arange(int(lengths[users].sum()))
            events = inside + np.repeat(own.starts[users] - offset[users], lengths[users])
            rate = np.repeat(generator.random(len(users)), lengths[users])
            kept = generator.random(len(events)) >= rate * settings.event_dropout
            first = torch.from_numpy(offset[history])
            last = first + torch.from_numpy(ends[asked] - own.starts[history])
            keys = network.keys()
            watched = torch.from_numpy(own.movie[events].astype(np.int64))
            key = keys[watched] * torch.from_numpy(kept[:, None])
            foretold, doubt = _recall(
                key,
                single(own.residual[events]),
                keys[torch.from_numpy(queries.movie[asked].astype(np.int64))],
                first,
                last,
                torch.exp(network.ridge),
                network.prior,
            )
            chances = network(
                foretold - torch.from_numpy(kindness[asked]),
                doubt,
                torch.from_numpy(learn.encoded.values[asked]),
                torch.from_numpy(timeline.catalogue.genres[queries.movie[asked]]),
                single(habits[asked]),
                single(learn.encoded.expected[asked]),
            )
            surprise = -chances.gather(1, torch.from_numpy(target[asked])[:, None]).squeeze(1)
            share = single(weight[history])
            loss = (surprise * share).sum() / share.sum()
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
    begun, total = 0, 0
    for place, user in enumerate(users):
        total += int(lengths[user])
        if total >= size:
            yield users[begun : place + 1]
            begun, total = place + 1, 0
    if begun < len(users):
        yield users[begun:]


def _recall(
    key: Tensor,
    residual: Tensor,
    asked: Tensor,
    first: Tensor,
    last: Tensor,
    ridge: Tensor,
    prior: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return what histories foretell of the asked keys and the logarithm of its variance.

    Args:
        key: Keys of the events, history after history, of shape E x D.
        residual: Of the events, of shape E.
        asked: Keys of the candidates, of shape B x D.
        first: Where the prefix asked about begins among the events, of shape B.
        last: Where it ends.
        ridge: Penalty on each coordinate, of shape D.
        prior: What is assumed of a user nothing is known of, of shape D.
    """
    size = key.shape[1]
    outer = (key[:, :, None] * key[:, None, :]).reshape(len(key), -1)
    sums = torch.cat([outer, key * residual[:, None]], dim=1).cumsum(dim=0)
    sums = torch.cat([torch.zeros_like(sums[:1]), sums])
    known = sums[last] - sums[first]
    gram = known[:, : size * size].reshape(-1, size, size) + torch.diag(ridge)
    root = cast("Tensor", torch.linalg.cholesky(gram))
    solved = torch.cholesky_solve(asked[:, :, None], root).squeeze(2)
    foretold = ((known[:, size * size :] + ridge * prior) * solved).sum(dim=1)
    variance = (solved * asked).sum(dim=1).clamp_min(1e-6)
    return foretold, torch.log(variance)
