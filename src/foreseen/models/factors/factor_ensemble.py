"""Several factor models averaged, with snapshots refreshed as the log grows.

Factor models that differ in rank and side information make different errors; their mean has a
lower error than any of them (Bayesian model averaging with equal weights). Whenever the log has
grown by a twentieth, the movie vectors are refreshed, and each query uses the latest snapshot
without ratings after its moment.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cache import LRUCache
from foreseen.compute.tasks import run_tasks
from foreseen.compute.threads import in_parallel
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import Queries
from foreseen.features.user_sample import sampled_log, saved_share
from foreseen.models.factors.bayesian_mf import (
    Factors,
    FactorSettings,
    fit_factors,
    refresh_factors,
)
from foreseen.models.factors.fold_in import FactorPredictions, fold_in
from foreseen.models.factors.gibbs import Interactions
from foreseen.models.factors.low_rank import LowRankRatings, member_vectors, ratings_of
from foreseen.models.factors.residual_features import FOLD_IN_FEATURES

_DISAGREEMENT: Final = "factor_disagreement"
FACTOR_FEATURES: Final = (*FOLD_IN_FEATURES, _DISAGREEMENT)
_STEPS: Final = 20
_LEAST_STEP: Final = 200
_LOW_RANK: Final = 2
"""Snapshots whose approximation is cached."""


@dataclass(frozen=True)
class Snapshot:
    """Members refreshed with the ratings before a moment.

    Attributes:
        moment: The second of the log's rating at `position`.
        position: Position in the log.
        members: The refreshed factor models.
    """

    moment: int
    position: int
    members: tuple[Factors, ...]


@dataclass(frozen=True)
class FactorEnsemble:
    """Factor models fitted to the same log.

    Attributes:
        members: As fitted.
        until: First second after the ratings they were fitted to.
        size: Number of those ratings.
        snapshots: The members refreshed with later ratings, oldest first.
        share: Share of the users whose ratings it is fitted to; see `user_sample`.
    """

    members: tuple[Factors, ...]
    until: int
    size: int
    snapshots: tuple[Snapshot, ...] = ()
    share: float = 1.0
    _low_rank: LRUCache[tuple[int, int], LowRankRatings] = field(
        default_factory=lambda: LRUCache(_LOW_RANK), repr=False, compare=False
    )

    @classmethod
    def fitted(
        cls,
        settings: Sequence[FactorSettings],
        log: InteractionLog,
        seed: int,
        rows: NDArray[np.bool_] | None = None,
        label: str = "factors",
        share: float = 1.0,
    ) -> "FactorEnsemble":
        """Fit one member per settings.

        Args:
            settings: Settings of the members.
            log: The log.
            seed: Random seed.
            rows: Which of its ratings are fitted to, of shape E; None for all.
            label: Label of the progress bars.
            share: Share of the users that the log holds the ratings of.
        """
        rows = np.ones(len(log.rating), dtype=np.bool_) if rows is None else rows
        user, movie, rating = log.user[rows], log.movie[rows], log.rating[rows]

        def member(number: int) -> Factors:
            name = label if len(settings) == 1 else f"{label}, {number + 1} of {len(settings)}"
            return fit_factors(
                settings[number], log.catalogue, user, movie, rating, seed + number, name
            )

        members = tuple(run_tasks(member, range(len(settings))))
        until = int(log.timestamp[rows].max()) + 1
        return cls(members, until, int(rows.sum()), share=share)

    def observed(self, log: InteractionLog) -> "FactorEnsemble":
        """Return the ensemble with snapshots for the ratings after those it was fitted to."""
        ensemble = self._extended(log)
        return replace(ensemble, snapshots=tuple(ensemble._refreshed(log)))

    def fold_in(self, view: LogView, queries: Queries, features: bool = True) -> FactorPredictions:
        """Return the mean predictions of the members.

        The features are `FACTOR_FEATURES`; without `features` all but the last are zero.
        """
        return _fold_in(self.members, self.snapshots, view, queries, features)

    def fold_in_rolling(
        self, known: InteractionLog, view: LogView, queries: Queries, features: bool = True
    ) -> FactorPredictions:
        """Return the predictions of `observed(known)`, with one snapshot in memory at a time."""
        ensemble = self._extended(known)
        return _fold_in(ensemble.members, ensemble._refreshed(known), view, queries, features)

    def _extended(self, log: InteractionLog) -> "FactorEnsemble":
        # Once here, instead of for each query, where the catalogue has grown.
        count = len(log.catalogue)
        return replace(self, members=tuple(member.extended(count) for member in self.members))

    def _refreshed(self, log: InteractionLog) -> Iterator[Snapshot]:
        """Yield snapshots step by step; those computed before are reused."""
        log = sampled_log(log, self.share)
        step = max(_LEAST_STEP, self.size // _STEPS)
        times = log.timestamp
        start = int(np.searchsorted(times, self.until))
        members = self.members
        # By user id: rows depend on the order in which a log was extended, draws on their order.
        user = log.users.ids[log.user]
        for number, position in enumerate(range(start + step, len(times), step)):
            moment = int(times[position])
            old = self.snapshots[number] if number < len(self.snapshots) else None
            if old is not None and (old.moment, old.position) == (moment, position):
                members = tuple(member.extended(len(log.catalogue)) for member in old.members)
            else:
                past = slice(0, int(np.searchsorted(times, moment)))
                interactions = Interactions.of(user[past], log.movie[past], log.rating[past])
                refresh = partial(refresh_factors, interactions=interactions, number=number)
                members = tuple(in_parallel(refresh, members))
            yield Snapshot(moment, position, members)

    def predict_all(
        self, view: LogView, rows: NDArray[np.int32], before: int
    ) -> NDArray[np.float32]:
        """Return approximate mean ratings of all movies for B histories, of shape B x C."""
        members = self._members_at(before)
        ends = view.histories.ends(rows, np.full(len(rows), before, dtype=np.int64))
        low_rank = self._low_rank.get_or_compute(
            # The value keeps the members, so that no others can have the same key meanwhile.
            (id(members[0]), len(view.catalogue)),
            lambda: LowRankRatings.of(members, view.log, self.until),
        )
        return low_rank.for_users(member_vectors(members, view, rows, ends))

    def predict_movies(
        self, view: LogView, row: int, before: int, movies: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Return the members' mean ratings of N movies for one history, of shape N."""
        members = self._members_at(before)
        rows = np.array([row], dtype=np.int32)
        ends = view.histories.ends(rows, np.array([before], dtype=np.int64))
        return ratings_of(members, member_vectors(members, view, rows, ends), movies)

    def _members_at(self, before: int) -> tuple[Factors, ...]:
        """Return the members as of a moment."""
        moments = np.array([snapshot.moment for snapshot in self.snapshots], dtype=np.int64)
        number = int(np.searchsorted(moments, before, side="right"))
        return self.members if not number else self.snapshots[number - 1].members

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the members as fitted, by name."""
        arrays: dict[str, NDArray[np.generic]] = {
            "fitted_to": np.array([self.until, self.size]),
            "share": np.array([self.share]),
        }
        for number, member in enumerate(self.members):
            for part in fields(Factors):
                arrays[f"{number}.{part.name}"] = getattr(member, part.name)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], count: int) -> "FactorEnsemble":
        """Return the ensemble of `count` members with these arrays."""
        members: list[Factors] = []
        for number in range(count):
            part = {field.name: arrays[f"{number}.{field.name}"] for field in fields(Factors)}
            movies = part.pop("movies").astype(np.float32)
            priors = part.pop("movie_priors").astype(np.float32)
            rest = {name: values.astype(np.float64) for name, values in part.items()}
            members.append(Factors(movies=movies, movie_priors=priors, **rest))
        until, size = (int(value) for value in arrays["fitted_to"].astype(np.int64))
        return cls(tuple(members), until, size, share=saved_share(arrays))


def mean_of_members(parts: Sequence[FactorPredictions]) -> FactorPredictions:
    """Return the predictions of an ensemble from those of ensembles of one member each.

    The features are those of the first part.
    """
    ratings = np.stack([part.rating for part in parts])
    values = parts[0].values.copy()
    values[:, FACTOR_FEATURES.index(_DISAGREEMENT)] = ratings.std(axis=0)
    return FactorPredictions(ratings.mean(axis=0), values)


def _fold_in(
    members: tuple[Factors, ...],
    snapshots: Iterable[Snapshot],
    view: LogView,
    queries: Queries,
    features: bool,
) -> FactorPredictions:
    """Predict each query by the latest snapshot without ratings after its moment."""
    rating = np.empty(len(queries))
    values = np.empty((len(queries), len(FACTOR_FEATURES)), dtype=np.float32)
    left = np.ones(len(queries), dtype=np.bool_)

    def predict(selected: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(selected)
        left[rows] = False
        if len(rows):
            predictions = _mean(members, view, queries.part(rows), features)
            rating[rows], values[rows] = predictions.rating, predictions.values

    for snapshot in snapshots:
        predict(left & (queries.before < snapshot.moment))
        members = snapshot.members
    predict(left)
    return FactorPredictions(rating, values)


def _mean(
    members: Sequence[Factors], view: LogView, queries: Queries, features: bool
) -> FactorPredictions:
    first = fold_in(members[0], view, queries, features)
    others = [fold_in(member, view, queries, features=False) for member in members[1:]]
    ratings = np.stack([first.rating, *(other.rating for other in others)])
    values = np.column_stack([first.values, ratings.std(axis=0)])
    return FactorPredictions(ratings.mean(axis=0), values.astype(np.float32))
