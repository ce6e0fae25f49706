"""Several factor models as one, followed through time.

Factor models that differ in rank and in what their priors are told err in different ways; their
mean errs less than any of them (Bayesian model averaging in its plainest form). They are not kept
as fitted: whenever the log has grown by a twentieth, the movies' vectors are refreshed, and every
question is answered by the latest version that knew nothing after its moment.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.models.factors.bayesian_mf import Factors, FactorSettings, fit_factors, refresh_factors
from foreseen.models.factors.fold_in import FOLD_FEATURES, Folded, fold_in, outline
from foreseen.models.factors.gibbs import BothSides
from foreseen.compute.threads import in_parallel

COMMITTEE_FEATURES: Final = (*FOLD_FEATURES, "factor_disagreement")
_STEPS: Final = 20
_LEAST_STEP: Final = 200


@dataclass(frozen=True)
class Version:
    """Members that know all ratings before a moment, which is that of the log's `place`-th."""

    moment: int
    place: int
    members: tuple[Factors, ...]


@dataclass(frozen=True)
class Committee:
    """Factor models fitted to the same log.

    Attributes:
        members: As fitted.
        until: First second after the ratings they were fitted to.
        size: Number of those ratings.
        versions: The members refreshed by later ratings, oldest first.
    """

    members: tuple[Factors, ...]
    until: int
    size: int
    versions: tuple[Version, ...] = ()

    @classmethod
    def fitted(
        cls,
        settings: Sequence[FactorSettings],
        timeline: Timeline,
        rows: NDArray[np.bool_],
        seed: int,
        what: str = "factors",
    ) -> "Committee":
        """Fit one member per settings to some rows of a timeline's log."""
        user, movie, rating = timeline.user[rows], timeline.movie[rows], timeline.rating[rows]

        def member(number: int) -> Factors:
            name = f"{what}, {number + 1} of {len(settings)}"
            own = settings[number]
            return fit_factors(own, timeline.catalogue, user, movie, rating, seed + number, name)

        members = tuple(in_parallel(member, range(len(settings))))
        return cls(members, int(timeline.timestamp[rows].max()) + 1, int(rows.sum()))

    def observed(self, timeline: Timeline) -> "Committee":
        """Let the members follow what a timeline knows beyond what they were fitted to."""
        first = self._extended(timeline)
        return replace(first, versions=tuple(first._followed(timeline)))

    def fold_in(self, timeline: Timeline, queries: Queries) -> Folded:
        """Answer N questions by the members' mean; the features are `COMMITTEE_FEATURES`."""
        return _fold_in(self.members, self.versions, timeline, queries)

    def fold_in_following(self, known: Timeline, timeline: Timeline, queries: Queries) -> Folded:
        """Answer N questions as `observed(known)` would, with one version in memory at a time."""
        first = self._extended(known)
        return _fold_in(first.members, first._followed(known), timeline, queries)

    def _extended(self, timeline: Timeline) -> "Committee":
        # Once here, or every question would stretch them to a catalogue that has grown.
        count = len(timeline.catalogue)
        return replace(self, members=tuple(member.extended(count) for member in self.members))

    def _followed(self, timeline: Timeline) -> Iterator[Version]:
        """Refresh the members step by step; versions known already are taken as they are."""
        step = max(_LEAST_STEP, self.size // _STEPS)
        times = timeline.timestamp
        start = int(np.searchsorted(times, self.until))
        members = self.members
        # By ids: rows depend on the steps in which a log was observed, draws on their order.
        user = timeline.users.ids[timeline.user]
        for number, place in enumerate(range(start + step, len(times), step)):
            moment = int(times[place])
            old = self.versions[number] if number < len(self.versions) else None
            if old is not None and (old.moment, old.place) == (moment, place):
                members = tuple(member.extended(len(timeline.catalogue)) for member in old.members)
            else:
                past = slice(0, int(np.searchsorted(times, moment)))
                log = BothSides.of(user[past], timeline.movie[past], timeline.rating[past])
                refresh = partial(refresh_factors, log=log, number=number)
                members = tuple(in_parallel(refresh, members))
            yield Version(moment, place, members)

    def outline(self, timeline: Timeline, history: int, before: int) -> NDArray[np.float64]:
        """Return the members' mean ratings of all movies for one history, of shape C."""
        moments = np.array([version.moment for version in self.versions], dtype=np.int64)
        chosen = int(np.searchsorted(moments, before, side="right"))
        members = self.members if not chosen else self.versions[chosen - 1].members
        ratings = [outline(member, timeline, history, before) for member in members]
        return np.mean(ratings, axis=0)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the members as fitted, by name."""
        arrays: dict[str, NDArray[np.generic]] = {"learned": np.array([self.until, self.size])}
        for number, member in enumerate(self.members):
            for field in fields(Factors):
                arrays[f"{number}.{field.name}"] = getattr(member, field.name)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], count: int) -> "Committee":
        """Return the committee of `count` members its arrays were taken from."""
        members: list[Factors] = []
        for number in range(count):
            own = {field.name: arrays[f"{number}.{field.name}"] for field in fields(Factors)}
            movies = own.pop("movies").astype(np.float32)
            priors = own.pop("movie_priors").astype(np.float32)
            rest = {name: values.astype(np.float64) for name, values in own.items()}
            members.append(Factors(movies=movies, movie_priors=priors, **rest))
        until, size = (int(value) for value in arrays["learned"].astype(np.int64))
        return cls(tuple(members), until, size)


def _fold_in(
    members: tuple[Factors, ...], versions: Iterable[Version], timeline: Timeline, queries: Queries
) -> Folded:
    """Answer each question by the latest version that knew nothing after its moment."""
    rating = np.empty(len(queries))
    values = np.empty((len(queries), len(COMMITTEE_FEATURES)), dtype=np.float32)
    left = np.ones(len(queries), dtype=np.bool_)

    def answer(asked: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(asked)
        left[rows] = False
        if len(rows):
            folded = _mean(members, timeline, queries.part(rows))
            rating[rows], values[rows] = folded.rating, folded.values

    for version in versions:
        answer(left & (queries.before < version.moment))
        members = version.members
    answer(left)
    return Folded(rating, values)


def _mean(members: Sequence[Factors], timeline: Timeline, queries: Queries) -> Folded:
    first = fold_in(members[0], timeline, queries)
    others = [fold_in(member, timeline, queries, features=False) for member in members[1:]]
    ratings = np.stack([first.rating, *(folded.rating for folded in others)])
    values = np.column_stack([first.values, ratings.std(axis=0)])
    return Folded(ratings.mean(axis=0), values.astype(np.float32))
