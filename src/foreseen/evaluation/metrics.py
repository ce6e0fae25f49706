"""Errors and ranking quality, per user, with intervals by bootstrap over users."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.schema import PREDICTION, RATING, USER

_DRAWS: Final = 1000
_CELLS: Final = 1 << 22
TOP: Final = 10


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


Figure = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Takes how often each of U users was drawn, of shape D x U; returns D figures."""


def bootstrap(figure: Figure, users: int, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a figure when users are drawn anew, with replacement.

    Args:
        figure: Of D draws at a time.
        users: U.
        seed: Of the draws.
    """
    generator = np.random.default_rng(seed)
    at_once = max(1, _CELLS // users)
    figures: list[NDArray[np.float64]] = []
    for start in range(0, _DRAWS, at_once):
        count = min(at_once, _DRAWS - start)
        drawn = generator.integers(0, users, (count, users)) + users * np.arange(count)[:, None]
        times = np.bincount(drawn.reshape(-1), minlength=count * users)
        figures.append(figure(times.reshape(count, users).astype(np.float64)))
    low, high = np.quantile(np.concatenate(figures), [0.025, 0.975])
    return float(low), float(high)


def rating_errors(answers: pl.DataFrame) -> dict[str, Measured]:
    """Return RMSE and MAE over events, and RMSE averaged over users.

    Args:
        answers: Columns userId, rating, prediction; at least one row.
    """
    squares, absolute, events = _sums_per_user(answers)
    own = np.sqrt(squares / events)
    figures: dict[str, Figure] = {
        "rmse": lambda w: np.sqrt((w @ squares) / (w @ events)),
        "mae": lambda w: (w @ absolute) / (w @ events),
        "rmse_user": lambda w: (w @ own) / w.sum(axis=1),
    }
    return {name: _measured(figure, len(own)) for name, figure in figures.items()}


def paired_differences(first: pl.DataFrame, second: pl.DataFrame) -> dict[str, Measured]:
    """Return how much more the second answers have of each figure than the first, paired.

    Both are measured on the same users, drawn together, so that what is hard for both cancels
    out; below zero the second errs less.

    Args:
        first: Columns userId, rating, prediction; at least one row.
        second: The same events in the same order, answered otherwise.

    Returns:
        rmse over events, rmse_user, and, where there is an order to get right, ndcg10.
    """
    old, _, events = _sums_per_user(first)
    new, _, _ = _sums_per_user(second)
    own = np.sqrt(new / events) - np.sqrt(old / events)

    def over_events(w: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sqrt((w @ new) / (w @ events)) - np.sqrt((w @ old) / (w @ events))

    found = {"rmse": _measured(over_events, len(own)), "rmse_user": mean_over_users(own)}
    gains, _ = _orders_per_user(first)
    others, _ = _orders_per_user(second)
    return found | ({"ndcg10": mean_over_users(others - gains)} if len(gains) else {})


def recovered_fraction(
    frozen: pl.DataFrame, full: pl.DataFrame, ours: pl.DataFrame
) -> Measured | None:
    """Return what share of full retraining's gain over a frozen model another model has.

    None where that gain is not sure: there is nothing to recover then.

    Args:
        frozen: Columns userId, rating, prediction: answers of the model that is told nothing.
        full: The same events in the same order, answered by the one that is always trained anew.
        ours: Answered by the one in question.
    """
    if paired_differences(full, frozen)["rmse"].low <= 0:
        return None
    worst, _, events = _sums_per_user(frozen)
    best, _, _ = _sums_per_user(full)
    own, _, _ = _sums_per_user(ours)

    def fraction(w: NDArray[np.float64]) -> NDArray[np.float64]:
        count = w @ events
        low, high, mid = (np.sqrt((w @ sums) / count) for sums in (best, worst, own))
        return (high - mid) / (high - low)

    return _measured(fraction, len(events))


def _sums_per_user(
    answers: pl.DataFrame,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    error = pl.col(RATING) - pl.col(PREDICTION)
    per_user = answers.group_by(USER, maintain_order=True).agg(
        squares=(error**2).sum(), absolute=error.abs().sum(), events=pl.len()
    )
    return (
        per_user["squares"].to_numpy(),
        per_user["absolute"].to_numpy(),
        per_user["events"].to_numpy().astype(np.float64),
    )


def order_quality(answers: pl.DataFrame) -> dict[str, Measured]:
    """Return NDCG@10 (gain 2^rating - 1) and pairwise accuracy, averaged over users.

    Ties in the prediction keep the answers' order for NDCG and count half for pairs. Users whose
    ratings are all alike, or who have one only, tell nothing and are left out.
    """
    gains, pairs = _orders_per_user(answers)
    if not len(gains):
        return {}
    return {"ndcg10": mean_over_users(gains), "pairwise": mean_over_users(pairs)}


def _orders_per_user(answers: pl.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    gains: list[float] = []
    pairs: list[float] = []
    for frame in answers.partition_by(USER, maintain_order=True):
        rating, predicted = frame[RATING].to_numpy(), frame[PREDICTION].to_numpy()
        if len(rating) < 2 or (rating == rating[0]).all():
            continue
        gains.append(ndcg(2.0**rating - 1, predicted))
        pairs.append(pairwise_accuracy(rating, predicted))
    return np.array(gains), np.array(pairs)


def plain(measured: dict[str, Measured]) -> dict[str, dict[str, float]]:
    """Return figures as dictionaries, for JSON."""
    return {name: dict(vars(figure)) for name, figure in measured.items()}


def ndcg(gain: NDArray[np.float64], worth: NDArray[np.float64], top: int = TOP) -> float:
    """Return the normalised discounted cumulative gain of a ranking (Järvelin 2002)."""
    discount = 1 / np.log2(np.arange(2, min(top, len(gain)) + 2))
    order = np.argsort(-worth, kind="stable")[: len(discount)]
    best = np.sort(gain)[::-1][: len(discount)]
    return float((gain[order] * discount).sum() / (best * discount).sum())


def pairwise_accuracy(rating: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the share of pairs with different ratings that are predicted in the right order."""
    right, tied, pairs = 0, 0, 0
    for level in np.unique(rating)[1:]:
        above, below = predicted[rating == level], np.sort(predicted[rating < level])
        less = int(np.searchsorted(below, above, side="left").sum())
        right += less
        tied += int(np.searchsorted(below, above, side="right").sum()) - less
        pairs += len(above) * len(below)
    return (right + 0.5 * tied) / pairs


def mean_over_users(values: NDArray[np.float64]) -> Measured:
    """Return the mean of one figure per user, with its interval."""
    return _measured(lambda w: (w @ values) / w.sum(axis=1), len(values))


def _measured(figure: Figure, users: int) -> Measured:
    return Measured(float(figure(np.ones((1, users)))[0]), *bootstrap(figure, users))
