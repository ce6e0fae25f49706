"""What `ensemble` makes of ratings left out of the middle of a log, as random splits leave them.

There much of what is known is later than the answer, and was often given within the same minute.
Networks that have learned to foretell are asked for something else there. So these learn from
ratings left out in parts, each answered by factors fitted to the others, all of a user's history
known whatever its time; and beside what `ensemble` reads they read what the user made of the movies
rated just before the moment and just after it, as the biases of a day do that are learned from all
of it (Koren, 2009). Nothing that is said of a moment by its past alone comes from here.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.encoder import Encoded, encode
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.models.base import Answers
from foreseen.models.factors.factor_ensemble import Committee
from foreseen.models.ensemble.model import ATTRIBUTES, EnsembleSettings, StackingNetworks
from foreseen.models.predictor import Told
from foreseen.models.ensemble.out_of_sample import stacking_inputs
from foreseen.models.training import Inputs, evaluate_network, train_network
from foreseen.models.uncertainty import Uncertainty, fit_uncertainty
from foreseen.compute.threads import in_parallel, one_thread

_PARTS: Final = 5
_EPOCHS: Final = 12
_SPANS: Final = np.array([1.0, 60.0, 1_800.0, 86_400.0])
"""Seconds at which a rating given before or after the moment counts half."""
_DAMPING: Final = 1.0
_NEAR: Final = 2 * len(_SPANS) + 2


@dataclass(frozen=True)
class Interpolator:
    """Factors and networks for questions asked in the middle of all that is known.

    Attributes:
        committee: The factor models.
        networks: To be averaged.
        uncertainty: How far off they may be.
        scale: Lowest and highest rating of the log.
        surplus: Each known rating less what the factors make of it, knowing it, in the order of the
            histories, in stars.
    """

    committee: Committee
    networks: StackingNetworks
    uncertainty: Uncertainty
    scale: tuple[float, float]
    surplus: NDArray[np.float64]

    @classmethod
    def fitted(cls, settings: EnsembleSettings, timeline: Timeline, seed: int) -> Self:
        """Fit to all of a log; how far off it may be is told by its last part."""
        part = np.random.default_rng(seed).permutation(len(timeline.rating)) % _PARTS

        def left_out(number: int) -> Inputs:
            others = timeline.ratings.filter(part != number)
            known = Timeline(timeline.catalogue, timeline.users, others)
            committee, surplus = _fit_factors(settings, known, seed + 10 * (number + 1))
            asked = timeline.own_queries().part(np.flatnonzero(part == number))
            return _inputs(committee, surplus, known, asked)[0]

        with one_thread():
            parts = in_parallel(left_out, range(_PARTS))
            inputs = {name: torch.cat([own[name] for own in parts]) for name in parts[0]}
            order = np.argsort(part, kind="stable")
            rating = timeline.rating[order]
            first = int((part < _PARTS - 1).sum())
            early = {name: values[:first] for name, values in inputs.items()}
            trial = _fit_networks(settings, timeline, early, rating[:first], seed)
            networks = _fit_networks(settings, timeline, inputs, rating, seed)
            last = order[first:]
            encoded = encode(timeline, _at_end(timeline, timeline.own_queries().part(last)))
            told = evaluate_network(trial, parts[-1])
            committee, surplus = _fit_factors(settings, timeline, seed)
        scale = (float(timeline.rating.min()), float(timeline.rating.max()))
        uncertainty = fit_uncertainty(encoded, np.clip(told, *scale), timeline.rating[last])
        return cls(committee, networks, uncertainty, scale, surplus)

    def answer(self, timeline: Timeline, queries: Queries) -> Answers:
        """Answer N questions about moments of the log it was fitted to, by all there is in it.

        Args:
            timeline: That log.
            queries: Their `before` is the moment asked about, not the end of what is known.
        """
        with one_thread():
            inputs, encoded = _inputs(self.committee, self.surplus, timeline, queries)
            told = Told(evaluate_network(self.networks, inputs), None, None, encoded)
        return Answers.of(told, self.uncertainty, self.scale)


def _fit_factors(
    settings: EnsembleSettings, timeline: Timeline, seed: int
) -> tuple[Committee, NDArray[np.float64]]:
    everything = np.ones(len(timeline.rating), dtype=np.bool_)
    committee = Committee.fitted(settings.factors, timeline, everything, seed)
    whole = committee.fold_in(timeline, _at_end(timeline, timeline.own_queries()))
    by_user = np.argsort(timeline.user, kind="stable")
    return committee, (timeline.rating - whole.rating)[by_user]


def _fit_networks(
    settings: EnsembleSettings,
    timeline: Timeline,
    inputs: Inputs,
    rating: NDArray[np.float64],
    seed: int,
) -> StackingNetworks:
    torch.manual_seed(seed)
    genres = len(timeline.catalogue.genre_names)
    networks = StackingNetworks(settings, genres, ATTRIBUTES + _NEAR)
    networks.standardise(inputs["attributes"])
    loop = settings.loop.model_copy(update={"epochs": _EPOCHS})
    train_network(networks, inputs, rating, loop, seed, "networks")
    return networks


def _at_end(timeline: Timeline, queries: Queries) -> Queries:
    return replace(queries, before=np.full(len(queries), timeline.end, dtype=np.int64))


def _inputs(
    committee: Committee, surplus: NDArray[np.float64], timeline: Timeline, queries: Queries
) -> tuple[Inputs, Encoded]:
    """Return what the networks read about N questions, and the features within it."""
    whole = _at_end(timeline, queries)
    encoded = encode(timeline, whole)
    inputs = stacking_inputs(timeline, whole, encoded, committee.fold_in(timeline, whole))
    own = timeline.histories
    near = near_in_time(
        queries.history.astype(np.int64), queries.before, own.starts, own.times, surplus, _SPANS
    )
    beside = torch.from_numpy(near.astype(np.float32))
    return {**inputs, "attributes": torch.cat([inputs["attributes"], beside], dim=1)}, encoded


@compiled
def near_in_time(
    history: NDArray[np.int64],
    moment: NDArray[np.int64],
    starts: NDArray[np.int64],
    times: NDArray[np.int64],
    surplus: NDArray[np.float64],
    spans: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return damped means of what users gave beyond the factors near moments, of shape N x F.

    For each span the mean, weighted by how near, and the logarithm of the weights; then the last
    one before the moment and the first one from it on.
    """
    count = len(spans)
    found = np.zeros((len(history), 2 * count + 2))
    for n in range(len(history)):
        if history[n] < 0:
            continue
        first, stop = starts[history[n]], starts[history[n] + 1]
        after = first
        for row in range(first, stop):
            if times[row] < moment[n]:
                after = row + 1
            distance = float(times[row] - moment[n])
            for s in range(count):
                weight = 1.0 / (1.0 + (distance / spans[s]) ** 2)
                found[n, 2 * s] += weight * surplus[row]
                found[n, 2 * s + 1] += weight
        for s in range(count):
            found[n, 2 * s] /= found[n, 2 * s + 1] + _DAMPING
            found[n, 2 * s + 1] = np.log1p(found[n, 2 * s + 1])
        if after > first:
            found[n, 2 * count] = surplus[after - 1]
        if after < stop:
            found[n, 2 * count + 1] = surplus[after]
    return found
