"""What is watched for drift: a log of ratings as streams of numbers that would hover about zero.

People rate in sessions, tens or hundreds of movies at a stretch, so that neighbouring ratings are
much alike and a detector fed with them raises one false alarm after another. So the unit here is a
piece of a session, 25 ratings at most, and its number is how far it lies from what that same user
did before (a random effect, pulled to everybody's mean), in standard deviations. Pieces are put
together until they weigh the same. Numbers of different users are then all but independent, and
move when users change, not when other users come.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from foreseen.data.schema import HIGHEST_RATING
from foreseen.drift.sessions import Pieces, cut_sessions
from foreseen.drift.standardise import KINDS, Kind, standardise
from foreseen.features.damped_means import means_before
from foreseen.features.interaction_log import USER_DAMPING, InteractionLog
from foreseen.features.user_statistics import DECADES, decade_name

What = Literal["scale", "level", "error", "agreement", "taste", "share", "catalogue"]

_OPENING: Final = 5000
"""Ratings at the beginning that are only looked at, to know what is usual."""
_NEWCOMER: Final = 20
_GENRELESS: Final = frozenset({"IMAX"})


@dataclass(frozen=True)
class Stream:
    """One number after the other, each about zero with variance one as long as nothing moves.

    Attributes:
        what: What kind of thing it is about.
        which: Which of them.
        values: In the order in which they are known, of shape V.
        levels: What was measured, in stars or as a share, of shape V.
        weights: How many ratings are behind each, of shape V.
        begins: Place in the log of the first rating behind each, of shape V.
        ends: Place in the log of the rating with which each is known, of shape V.
        parts: The streams it is put together of, by `what` and `which`.
    """

    what: What
    which: str
    values: NDArray[np.float64]
    levels: NDArray[np.float64]
    weights: NDArray[np.float64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    parts: tuple[tuple[What, str], ...] = ()


def streams_of(log: InteractionLog) -> list[Stream]:
    """Return all streams of a log.

    What is known of a rating's movie and user is as of its second, so a later rating changes no
    value that was known before it.
    """
    rating, movie, user = log.rating, log.movie, log.user.astype(np.int64)
    worth = log.movie_mean(movie, log.timestamp)
    offset = rating - worth
    residual = offset - means_before(log.user, offset, len(log.users), USER_DAMPING)
    merit = np.clip(worth - log.global_mean(log.timestamp), -1, 1)
    agreement = np.clip(residual, -3, 3) * merit
    pieces = cut_sessions(user, log.timestamp)
    found: list[Stream] = []

    def add(
        what: What, which: str, kind: str, chosen: NDArray[np.bool_], values: NDArray[np.float64]
    ) -> Stream:
        found.append(_stream(pieces, what, which, KINDS[kind], chosen, values))
        return found[-1]

    everybody = np.ones(len(rating), dtype=np.bool_)

    def share(which: str, chosen: NDArray[np.bool_]) -> None:
        add("share", which, "share", everybody, chosen.astype(np.float64))

    fresh = _occurrence(user) < _NEWCOMER
    level = add("level", "all", "level", everybody, offset)
    add("level", "new users", "level", fresh, offset)
    add("level", "known users", "level", ~fresh, offset)
    for which, chosen in (("all", everybody), ("new users", fresh), ("known users", ~fresh)):
        add("error", which, "error", chosen, np.abs(residual))
        add("agreement", which, "agreement", chosen, agreement)
    genres = log.catalogue.genres[movie] > 0
    for column, name in enumerate(log.catalogue.genre_names):
        if name not in _GENRELESS:
            add("taste", name, "taste", genres[:, column], residual)
            share(name, genres[:, column])
    decade = log.decade[movie]
    for number in range(DECADES):
        own = decade == number
        add("taste", f"films of {decade_name(number)}", "taste", own, residual)
        share(f"films of {decade_name(number)}", own)
    halves = (rating * 2 % 2 == 1).astype(np.float64)
    found.extend(_both(level, add("scale", "half stars", "half", everybody, halves)))
    add("scale", "top ratings", "top", everybody, (rating == HIGHEST_RATING).astype(np.float64))
    unforeseen = _first_occurrences(movie.astype(np.int64))
    add("catalogue", "movies rated for the first time", "catalogue", everybody, unforeseen)
    return found


def _stream(
    pieces: Pieces,
    what: What,
    which: str,
    kind: Kind,
    chosen: NDArray[np.bool_],
    values: NDArray[np.float64],
) -> Stream:
    count = pieces.total(chosen.astype(np.float64))
    total = pieces.total(np.where(chosen, values, 0.0))
    rest, rest_total = pieces.size - count, pieces.total(np.where(chosen, 0.0, values))
    contrast = what == "taste"
    opened = pieces.ends >= _OPENING
    used = opened & (pieces.early | kind.whole)
    z, level, weight, first, last = standardise(
        pieces.user,
        count,
        total,
        rest if contrast else np.zeros(0),
        rest_total,
        used,
        kind.prior,
        kind.between,
        kind.share,
        kind.floor,
        kind.hits,
    )
    return Stream(what, which, z, level, weight, pieces.begins[first], pieces.ends[last])


def _both(level: Stream, half: Stream) -> list[Stream]:
    """Return what shows a shift of the scale sooner than either: the sum and the difference.

    Half a star more for everybody moves the level and turns whole stars into halves. The two
    streams are of the same pieces, as a piece counts alike in both.
    """
    parts = (level.what, level.which), (half.what, half.which)
    return [
        replace(
            level,
            which=which,
            values=(level.values + sign * half.values) / np.sqrt(2),
            parts=parts,
        )
        for which, sign in (("all with half stars", 1), ("all against half stars", -1))
    ]


def _occurrence(entity: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many times each event's entity has occurred before it."""
    order = np.argsort(entity, kind="stable")
    ordered = entity[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    lengths = np.diff(np.append(starts, len(entity)))
    found = np.empty(len(entity), dtype=np.int64)
    found[order] = np.arange(len(entity)) - np.repeat(starts, lengths)
    return found


def _first_occurrences(entity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 1 for each event whose entity is new, less the chance of that (Good, 1953).

    That chance is the share, among all events before, of entities seen exactly once.
    """
    before = _occurrence(entity)
    new = (before == 0).astype(np.float64)
    once = np.cumsum(new - (before == 1))
    chance = (np.append(0.0, once[:-1]) + 1) / (np.arange(len(entity)) + 2)
    return new - chance
