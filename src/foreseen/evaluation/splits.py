"""Splits of a rating log. Logs are sorted by (timestamp, userId, movieId)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.schema import TIMESTAMP, USER
from foreseen.errors import InputError

TRAIN_SHARE: Final = 0.8
TEST_FROM: Final = 0.9


@dataclass(frozen=True)
class FoldIn:
    """A split by time, with the ratings of new users split into a revealed and a hidden half.

    Attributes:
        known: Ratings to fit on.
        revealed: The first half of every new user's ratings, at least one.
        hidden: The rest of them.
    """

    known: pl.DataFrame
    revealed: pl.DataFrame
    hidden: pl.DataFrame


def cut(ratings: pl.DataFrame, share: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a log in time order after the first floor(share n) ratings.

    Raises:
        InputError: If either part would be empty.
    """
    # Guard against 0.9 * 10 = 9.000000000000002 and the like.
    position = int(share * ratings.height + 1e-9)
    if not 0 < position < ratings.height:
        raise InputError(f"{ratings.height} ratings are too few to cut at {share:.0%}")
    return ratings[:position], ratings[position:]


def fold_in(ratings: pl.DataFrame, share: float = TRAIN_SHARE) -> FoldIn:
    """Split a log by time and reveal half of each user who has no rating before the cut.

    Raises:
        InputError: If there are too few ratings, no new users, or none of them has two ratings.
    """
    known, later = cut(ratings, share)
    new = later.join(known.select(USER).unique(), on=USER, how="anti", maintain_order="left")
    if new.is_empty():
        raise InputError(f"no user begins after the first {share:.0%} of the ratings")
    position = pl.int_range(pl.len()).over(USER)
    half = pl.max_horizontal(pl.len().over(USER) // 2, 1)
    revealed = new.filter(position < half)
    hidden = new.filter(position >= half)
    if hidden.is_empty():
        raise InputError(
            f"no user who begins after the first {share:.0%} of the ratings has two ratings, one "
            "to reveal and one to predict; use another protocol, such as stream"
        )
    return FoldIn(known, revealed, hidden)


def revealed_until(split: FoldIn) -> NDArray[np.int64]:
    """Return, for each hidden rating, the second of its user's last revealed rating."""
    last = split.revealed.group_by(USER).agg(until=pl.col(TIMESTAMP).max())
    joined = split.hidden.join(last, on=USER, how="left", maintain_order="left")
    return joined["until"].to_numpy().astype(np.int64)


def last_of_users(ratings: pl.DataFrame, share: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off the last ratings of each user, a share of them rounded down.

    Raises:
        InputError: If no user has enough ratings.
    """
    position = pl.int_range(pl.len()).over(USER)
    count = pl.len().over(USER)
    marked = ratings.with_columns((position >= count - (share * count).floor()).alias("last"))
    last = marked.filter("last").drop("last")
    if last.is_empty():
        raise InputError(f"no user has enough ratings to leave out {share:.0%} of them")
    return marked.filter(~pl.col("last")).drop("last"), last


def leave_last_out(ratings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Split off the last rating of each user with two or more, in the order of the table.

    Returns:
        All other ratings, the last ones, and how many of those share their second with another
        rating of the same user.

    Raises:
        InputError: If no user has two ratings.
    """
    position = pl.int_range(pl.len()).over(USER)
    count = pl.len().over(USER)
    marked = ratings.with_columns(
        (position == count - 1).and_(count > 1).alias("last"),
        (pl.col(TIMESTAMP) == pl.col(TIMESTAMP).shift(1).over(USER)).fill_null(False).alias("tied"),
    )
    last = marked.filter("last")
    if last.is_empty():
        raise InputError("no user has two ratings, of which the last could be left out")
    known = marked.filter(~pl.col("last")).drop("last", "tied")
    return known, last.drop("last", "tied"), int(last["tied"].sum())


def random_folds(ratings: pl.DataFrame, folds: int = 5, seed: int = 0) -> pl.Series:
    """Return the fold of every rating, at random; fold sizes differ by one at most."""
    order = np.random.default_rng(seed).permutation(ratings.height)
    fold = np.empty(ratings.height, dtype=np.int64)
    fold[order] = np.arange(ratings.height) % folds
    return pl.Series("fold", fold)
