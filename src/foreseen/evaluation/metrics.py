"""Rating errors and rank accuracy, per user, with bootstrap intervals over users."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.schema import PREDICTION, RATING, USER
from foreseen.evaluation.intervals import Estimate, Statistic, estimate, mean_over_users

TOP: Final = 10
"""Length of the rankings that NDCG@10 is computed over."""


def rating_errors(events: pl.DataFrame) -> dict[str, Estimate]:
    """Return RMSE and MAE over events, and RMSE averaged over users, in stars.

    Args:
        events: Columns userId, rating, prediction; at least one row.
    """
    squares, absolute, counts = sums_per_user(events)
    rmse = np.sqrt(squares / counts)
    statistics: dict[str, Statistic] = {
        "rmse": lambda w: np.sqrt((w @ squares) / (w @ counts)),
        "mae": lambda w: (w @ absolute) / (w @ counts),
        "rmse_user": lambda w: (w @ rmse) / w.sum(axis=1),
    }
    return {name: estimate(statistic, len(rmse)) for name, statistic in statistics.items()}


def paired_differences(first: pl.DataFrame, second: pl.DataFrame) -> dict[str, Estimate]:
    """Return the second model's metrics minus the first's, with paired intervals.

    Both are measured on the same bootstrap draws, so that what is common to both cancels out.

    Args:
        first: Columns userId, rating, prediction; at least one row.
        second: The same events in the same order, with the second model's predictions.

    Returns:
        rmse over events, rmse_user, and ndcg10 if any user has different ratings. A negative
        difference of errors means that the second model has the lower error.
    """
    old, _, counts = sums_per_user(first)
    new, _, _ = sums_per_user(second)
    means = differences_per_user(first, second)
    found = {"rmse": rmse_difference(old, new, counts)}
    return found | {name: mean_over_users(values) for name, values in means.items()}


def rmse_difference(
    old: NDArray[np.float64], new: NDArray[np.float64], counts: NDArray[np.float64]
) -> Estimate:
    """Return the RMSE of new predictions less that of old ones, with a paired interval.

    Args:
        old: Summed squared errors of each user, of shape U.
        new: The same of the new predictions.
        counts: Number of events of each user, of shape U.
    """

    def rmse(w: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sqrt((w @ new) / (w @ counts)) - np.sqrt((w @ old) / (w @ counts))

    return estimate(rmse, len(counts))


def differences_per_user(
    first: pl.DataFrame, second: pl.DataFrame
) -> dict[str, NDArray[np.float64]]:
    """Return the second model's metrics less the first's for each user; see `paired_differences`.

    Returns:
        rmse_user, of shape U; and ndcg10, of the users with different ratings, if there are any.
    """
    old, _, counts = sums_per_user(first)
    new, _, _ = sums_per_user(second)
    found = {"rmse_user": np.sqrt(new / counts) - np.sqrt(old / counts)}
    old_ndcg, _ = _order_per_user(first)
    new_ndcg, _ = _order_per_user(second)
    return found | ({"ndcg10": new_ndcg - old_ndcg} if len(old_ndcg) else {})


def recovered_fraction(
    frozen: pl.DataFrame, full: pl.DataFrame, candidate: pl.DataFrame
) -> Estimate | None:
    """Return the share of full retraining's gain over a frozen model that a candidate reaches.

    Args:
        frozen: Columns userId, rating, prediction: predictions of a model that is not updated.
        full: The same events in the same order, predicted by a model that is always retrained.
        candidate: The same events, predicted by the candidate.

    Returns:
        The share; None if retraining is not significantly better than the frozen model.
    """
    if paired_differences(full, frozen)["rmse"].low <= 0:
        return None
    worst, _, counts = sums_per_user(frozen)
    best, _, _ = sums_per_user(full)
    reached, _, _ = sums_per_user(candidate)

    def fraction(w: NDArray[np.float64]) -> NDArray[np.float64]:
        count = w @ counts
        low, high, mid = (np.sqrt((w @ sums) / count) for sums in (best, worst, reached))
        return (high - mid) / (high - low)

    return estimate(fraction, len(counts))


def sums_per_user(
    events: pl.DataFrame,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return each user's summed squared and absolute errors, and number of events."""
    error = pl.col(RATING) - pl.col(PREDICTION)
    per_user = events.group_by(USER, maintain_order=True).agg(
        squares=(error**2).sum(), absolute=error.abs().sum(), events=pl.len()
    )
    return (
        per_user["squares"].to_numpy(),
        per_user["absolute"].to_numpy(),
        per_user["events"].to_numpy().astype(np.float64),
    )


def order_metrics(events: pl.DataFrame) -> dict[str, Estimate]:
    """Return NDCG@10 (gain 2^rating - 1) and pairwise accuracy over each user's rated movies.

    Both are averaged over users. Ties in the prediction keep the order of the events for NDCG and
    count half for pairs. Users without two different ratings are left out; without any other user
    the result is empty.

    Args:
        events: Columns userId, rating, prediction.
    """
    gains, pairs = _order_per_user(events)
    if not len(gains):
        return {}
    return {"ndcg10": mean_over_users(gains), "pairwise": mean_over_users(pairs)}


def _order_per_user(events: pl.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    gains: list[float] = []
    pairs: list[float] = []
    for frame in events.partition_by(USER, maintain_order=True):
        rating, predicted = frame[RATING].to_numpy(), frame[PREDICTION].to_numpy()
        if len(rating) < 2 or (rating == rating[0]).all():
            continue
        gains.append(ndcg(2.0**rating - 1, predicted))
        pairs.append(pairwise_accuracy(rating, predicted))
    return np.array(gains), np.array(pairs)


def as_dicts(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, float]]:
    """Return estimates as dictionaries with keys value, low and high, for JSON."""
    return {name: dict(vars(estimate)) for name, estimate in estimates.items()}


def ndcg(gain: NDArray[np.float64], score: NDArray[np.float64], top: int = TOP) -> float:
    """Return the normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002).

    Args:
        gain: Gain of each item, of shape N.
        score: The items are ranked by it, highest first; ties keep their order. Of shape N.
        top: Length of the ranking.
    """
    discount = 1 / np.log2(np.arange(2, min(top, len(gain)) + 2))
    order = np.argsort(-score, kind="stable")[: len(discount)]
    best = np.sort(gain)[::-1][: len(discount)]
    return float((gain[order] * discount).sum() / (best * discount).sum())


def pairwise_accuracy(rating: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the share of pairs with different ratings that are predicted in the right order.

    Args:
        rating: At least two different ratings, of shape N.
        predicted: Of shape N; a tie counts half.
    """
    right, tied, pairs = 0, 0, 0
    for level in np.unique(rating)[1:]:
        above, below = predicted[rating == level], np.sort(predicted[rating < level])
        less = int(np.searchsorted(below, above, side="left").sum())
        right += less
        tied += int(np.searchsorted(below, above, side="right").sum()) - less
        pairs += len(above) * len(below)
    return (right + 0.5 * tied) / pairs
