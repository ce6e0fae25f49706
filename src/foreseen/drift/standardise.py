"""Pieces of sessions turned into numbers about zero with variance one, of equal weight each.

A piece counts by how far it lies from what the same user did before (a random effect, pulled to
everybody's mean). Nothing here knows what is counted: that is said by `foreseen.drift.streams`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled

_WARMING: Final = 30
_LONGEST: Final = 500.0
_FORGETTING: Final = 4.0
_CLIP: Final = 3.0
_CONTRAST: Final = 8.0


@dataclass(frozen=True)
class Kind:
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


# Halves weigh as the level does, so that both are told of the same pieces.
KINDS: Final[dict[str, Kind]] = {
    "level": Kind(4, 0.05),
    "error": Kind(8, 0.02),
    "agreement": Kind(40, 0.02, whole=True),
    "taste": Kind(15, 0.02, whole=True),
    "share": Kind(40, 0.1, share=True, hits=1.0),
    "half": Kind(4, 0.05, share=True, floor=0.02),
    "top": Kind(5, 0.05, share=True, floor=0.02),
    "catalogue": Kind(40, 0.3, share=True),
}


@compiled
def standardise(
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
        prior: See `Kind`, as for all that follow.
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
    information, surprise, ratings, level_sum, predict_proba = 0.0, 0.0, 0.0, 0.0, 0.0
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
        predict_proba += worth * (spread if share else 1.0)
        if information >= prior / 2 and predict_proba >= hits:
            unit = surprise / np.sqrt(information * spread)
            scale += (min(unit**2, _CLIP**2) - scale) / min(found + 30.0, 300.0)
            unit /= np.sqrt(max(scale, 0.25))
            z[found] = min(max(unit, -_CLIP), _CLIP)
            level[found] = level_sum / ratings
            weight[found] = ratings
            first[found], last[found] = begun, n
            found += 1
            information, surprise, ratings, level_sum, predict_proba = 0.0, 0.0, 0.0, 0.0, 0.0
            begun = -1
    return z[:found], level[:found], weight[:found], first[:found], last[:found]
