"""What is watched for drift: a log of ratings as streams of numbers that would hover about zero.

People rate in sessions, tens or hundreds of movies at a stretch, so that neighbouring ratings are
much alike and a detector fed with them raises one false alarm after another. So the unit here is a
piece of a session, 25 ratings at most, and its number is how far it lies from what that same user
did before (a random effect, pulled to everybody's mean), in standard deviations. Pieces are put
together until they weigh the same. Numbers of different users are then all but independent, and
move when users change, not when other users come.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from foreseen.compiled import compiled
from foreseen.drift.sessions import Pieces, cut_sessions
from foreseen.features.timeline import USER_DAMPING, Timeline, means_before
from foreseen.features.user_statistics import ERAS, era_name
from foreseen.schema import HIGHEST_RATING

What = Literal["scale", "level", "error", "agreement", "taste", "share", "catalogue"]

_OPENING: Final = 5000
"""Ratings at the beginning that are only looked at, to know what is usual."""
_NEWCOMER: Final = 20
_CONTRAST: Final = 8.0
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
    """

    what: What
    which: str
    values: NDArray[np.float64]
    levels: NDArray[np.float64]
    weights: NDArray[np.float64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]


@dataclass(frozen=True)
class _Kind:
    """How a kind of stream is made.

    Attributes:
        prior: Ratings that pull a user's own mean to everybody's.
        between: Variance between a user's sessions, in that of a rating.
        share: Whether it counts hits among ratings.
        floor: Least variance of a share.
        whole: Whether whole sessions count, not only their beginnings.
        hits: Least variance, in ratings, behind a value.
    """

    prior: float
    between: float
    share: bool = False
    floor: float = 0.01
    whole: bool = False
    hits: float = 0.0


_KINDS: Final[dict[str, _Kind]] = {
    "level": _Kind(4, 0.05),
    "error": _Kind(8, 0.02),
    "agreement": _Kind(40, 0.02, whole=True),
    "taste": _Kind(15, 0.02, whole=True),
    "share": _Kind(40, 0.1, share=True, hits=1.0),
    "half": _Kind(2, 0.05, share=True, floor=0.02),
    "top": _Kind(5, 0.05, share=True, floor=0.02),
    "catalogue": _Kind(40, 0.3, share=True),
}


def streams_of(timeline: Timeline) -> list[Stream]:
    """Return all streams of a log.

    What is known of a rating's movie and user is as of its second, so a later rating changes no
    value that was known before it.
    """
    rating, movie, user = timeline.rating, timeline.movie, timeline.user.astype(np.int64)
    worth = timeline.movie_worth(movie, timeline.timestamp)
    offset = rating - worth
    residual = offset - means_before(timeline.user, offset, len(timeline.users), USER_DAMPING)
    merit = np.clip(worth - timeline.world_level(timeline.timestamp), -1, 1)
    agreement = np.clip(residual, -3, 3) * merit
    pieces = cut_sessions(user, timeline.timestamp)
    found: list[Stream] = []

    def add(
        what: What, which: str, kind: str, chosen: NDArray[np.bool_], values: NDArray[np.float64]
    ) -> None:
        found.append(_stream(pieces, what, which, _KINDS[kind], chosen, values))

    everybody = np.ones(len(rating), dtype=np.bool_)

    def share(which: str, chosen: NDArray[np.bool_]) -> None:
        add("share", which, "share", everybody, chosen.astype(np.float64))

    fresh = _occurrence(user) < _NEWCOMER
    for which, chosen in (("all", everybody), ("new users", fresh), ("known users", ~fresh)):
        add("level", which, "level", chosen, offset)
        add("error", which, "error", chosen, np.abs(residual))
        add("agreement", which, "agreement", chosen, agreement)
    genres = timeline.catalogue.genres[movie] > 0
    for column, name in enumerate(timeline.catalogue.genre_names):
        if name not in _GENRELESS:
            add("taste", name, "taste", genres[:, column], residual)
            share(name, genres[:, column])
    era = timeline.era[movie]
    for number in range(ERAS):
        own = era == number
        add("taste", f"films of {era_name(number)}", "taste", own, residual)
        share(f"films of {era_name(number)}", own)
    add("scale", "half stars", "half", everybody, (rating * 2 % 2 == 1).astype(np.float64))
    add("scale", "top ratings", "top", everybody, (rating == HIGHEST_RATING).astype(np.float64))
    unforeseen = _first_occurrences(movie.astype(np.int64))
    add("catalogue", "movies rated for the first time", "catalogue", everybody, unforeseen)
    return found


def _stream(
    pieces: Pieces,
    what: What,
    which: str,
    kind: _Kind,
    chosen: NDArray[np.bool_],
    values: NDArray[np.float64],
) -> Stream:
    count = pieces.total(chosen.astype(np.float64))
    total = pieces.total(np.where(chosen, values, 0.0))
    rest, rest_total = pieces.size - count, pieces.total(np.where(chosen, 0.0, values))
    contrast = what == "taste"
    opened = pieces.ends >= _OPENING
    used = opened & (pieces.early | kind.whole)
    z, level, weight, first, last = _innovations(
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


_WARMING: Final = 30
_LONGEST: Final = 500.0
_FORGETTING: Final = 4.0
_CLIP: Final = 3.0


@compiled
def _innovations(
    user: NDArray[np.int64],
    count: NDArray[np.float64],
    total: NDArray[np.float64],
    rest: NDArray[np.float64],
    rest_total: NDArray[np.float64],
    used: NDArray[np.bool_],
    prior: float,
    between: float,
    share: bool,
    floor: float,
    hits: float,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int64],
]:
    """Turn pieces into standardised innovations of equal weight.

    Args:
        user: Of shape P, in the order the pieces are known.
        count: Ratings of each piece that matter.
        total: Their sum.
        rest: Ratings of each piece to be compared with; of shape 0 to compare with nothing.
        rest_total: Their sum.
        used: Whether a piece counts; all teach what is usual.
        prior: See `_Kind`, as for all that follow.
        between: The same.
        share: The same.
        floor: The same.
        hits: The same.

    Returns:
        Values, levels, ratings behind them, and the first and last piece of each.
    """
    size = len(user)
    z, level, weight = np.empty(size), np.empty(size), np.empty(size)
    first, last = np.empty(size, np.int64), np.empty(size, np.int64)
    own_weight, own_sum = (
        np.zeros(user.max() + 1 if size else 1),
        np.zeros(user.max() + 1 if size else 1),
    )
    found = 0
    mean, mean_weight = 0.0, 0.0
    spread, spread_count = (0.1 if share else 1.0), 30.0
    background = 0.0
    scale = 1.0
    seen = 0
    information, surprise, ratings, level_sum, chances = 0.0, 0.0, 0.0, 0.0, 0.0
    begun = -1
    for n in range(size):
        if count[n] <= 0:
            continue
        worth = count[n]
        value = total[n] / count[n]
        if len(rest):
            value -= (rest_total[n] + _CONTRAST * background) / (rest[n] + _CONTRAST)
            worth = 1 / (1 / worth + 1 / (rest[n] + _CONTRAST))
            everything = (rest_total[n] + total[n]) / (rest[n] + count[n])
            background += 0.02 * (everything - background)
        who = user[n]
        usual = (own_sum[who] + prior * mean) / (own_weight[who] + prior)
        if share:
            spread = max(mean * (1 - mean), floor)
        variance = 1 / worth + between + 1 / (own_weight[who] + prior)
        surprise_here = value - usual
        own_sum[who] += worth * value
        own_weight[who] += worth
        if own_weight[who] > _FORGETTING * prior:
            kept = _FORGETTING * prior / own_weight[who]
            own_sum[who] *= kept
            own_weight[who] *= kept
        mean_weight = min(mean_weight + 1 / variance, _LONGEST * prior)
        mean += surprise_here / variance / max(mean_weight, prior)
        if not share:
            square = min(surprise_here**2 / variance / spread, _CLIP**2)
            spread_count = min(spread_count + 1, _LONGEST)
            spread *= 1 + (square - 1) / spread_count
        seen += 1
        if seen <= _WARMING or not used[n]:
            continue
        if begun < 0:
            begun = n
        information += 1 / variance
        surprise += surprise_here / variance
        ratings += count[n]
        level_sum += value * count[n]
        chances += worth * (spread if share else 1.0)
        if information >= prior / 2 and chances >= hits:
            unit = surprise / np.sqrt(information * spread)
            scale += (min(unit**2, _CLIP**2) - scale) / min(found + 30.0, 300.0)
            unit /= np.sqrt(max(scale, 0.25))
            z[found] = min(max(unit, -_CLIP), _CLIP)
            level[found] = level_sum / ratings
            weight[found] = ratings
            first[found], last[found] = begun, n
            found += 1
            information, surprise, ratings, level_sum, chances = 0.0, 0.0, 0.0, 0.0, 0.0
            begun = -1
    return z[:found], level[:found], weight[:found], first[:found], last[:found]
