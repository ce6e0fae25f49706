"""The scale of ratings: how the ratings of a source become stars, and predictions its units.

Models see stars, from `LOWEST_RATING` to `HIGHEST_RATING`. Ratings on a scale within that range are
stars already; others are mapped linearly, end to end.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foreseen.data.schema import HIGHEST_RATING, LOWEST_RATING, RATING
from foreseen.errors import InputError

Kind = Literal["ratings", "binary", "unary"]

_KNOWN: Final = (
    (0, 5), (1, 10), (0.5, 10), (0, 10), (0, 20), (0, 100),
    (-5, 5), (-10, 10), (-100, 100),
)  # fmt: skip
"""Lowest and highest rating of the scales that are recognised after stars, in this order."""
_STEPS: Final = (1.0, 0.5, 0.25, 0.1)
_FEW: Final = 3
_SMALL_SHARE: Final = 0.1
_MAX_BAD_SHARE: Final = 0.01
_NUMBER: Final = r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,6})?"


@dataclass(frozen=True)
class RatingScale:
    """A scale of ratings, from `low` to `high`.

    Attributes:
        low, high: The lowest and the highest rating.
        step: Distance of neighbouring ratings; None if they are continuous.
        kind: `binary` if there are only two ratings, against and for, and `unary` if there is only
            one: such data have no ratings to predict.
    """

    low: float = LOWEST_RATING
    high: float = HIGHEST_RATING
    step: float | None = 0.5
    kind: Kind = "ratings"

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(f"a scale should end above its start. Received: {self}")

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the scale that a text such as 1:10 or 0:5:0.5 describes.

        Raises:
            InputError: If it describes none.
        """
        match = re.fullmatch(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?", text.strip())
        if match is None or not float(match[1]) < float(match[2]):
            raise InputError(
                "a scale should be LOW:HIGH or LOW:HIGH:STEP, such as 1:10 or 0:5:0.5. "
                f"Received: '{text[:60]}'"
            )
        low, high = float(match[1]), float(match[2])
        step = None if match[3] is None else float(match[3])
        if step is not None and not 0 < step <= high - low:
            raise InputError(f"the step of a scale should lie within it. Received: '{text[:60]}'")
        return cls(low, high, step)

    @property
    def has_ratings(self) -> bool:
        """Whether there are ratings to predict: more than two different ones."""
        return self.kind == "ratings"

    @property
    def is_stars(self) -> bool:
        """Whether its ratings are stars already."""
        return self.low >= LOWEST_RATING and self.high <= HIGHEST_RATING and self.has_ratings

    @property
    def per_star(self) -> float:
        """Units of the scale in one star."""
        if self.is_stars:
            return 1.0
        return (self.high - self.low) / (HIGHEST_RATING - LOWEST_RATING)

    def check_has_ratings(self, remedy: str) -> None:
        """Check that there are ratings to predict.

        Args:
            remedy: What to do if not.

        Raises:
            InputError: If there are only likes or views.
        """
        if not self.has_ratings:
            message = "the data have likes or views, without ratings to predict"
            raise InputError(f"{message}; {remedy}")

    def contains(self, ratings: ArrayLike) -> NDArray[np.bool_]:
        """Return whether each rating is on the scale."""
        values = np.asarray(ratings, dtype=np.float64)
        return (values >= self.low) & (values <= self.high)

    def to_stars(self, ratings: ArrayLike) -> NDArray[np.float64]:
        """Return ratings of the scale in stars."""
        values = np.asarray(ratings, dtype=np.float64)
        if self.is_stars:
            return values
        return LOWEST_RATING + (values - self.low) / self.per_star

    def from_stars(self, stars: ArrayLike) -> NDArray[np.float64]:
        """Return stars as ratings of the scale."""
        values = np.asarray(stars, dtype=np.float64)
        if self.is_stars:
            return values
        return self.low + (values - LOWEST_RATING) * self.per_star

    def rating_of(self, stars: float) -> float:
        """Return the rating of the scale that was stored as stars, without rounding errors."""
        if self.is_stars:
            return float(stars)
        value = float(self.from_stars(stars))
        if self.step is None:
            return round(value, 9)
        return round(self.low + round((value - self.low) / self.step) * self.step, 9)


STARS: Final = RatingScale()
"""The scale of most data sets: half a star to five stars."""


def detect_scale(ratings: NDArray[np.float64]) -> RatingScale:
    """Return the first usual scale that contains the ratings, but for a hundredth of them.

    The first one is that of stars. Another one needs at least three ratings that are not stars,
    and a tenth of all, so that a typing error does not change the meaning of all other ratings.

    Raises:
        InputError: If there is no such scale.
    """
    # Far faster than np.unique, which sorts all ratings.
    counted = pl.Series(RATING, ratings).value_counts().sort(RATING)
    values, counts = counted[RATING].to_numpy(), counted["count"].to_numpy().astype(np.int64)
    implicit = _implicit(values, counts)
    if implicit is not None:
        return implicit
    if len(values) > 2 and values[0] >= 0 and values[-1] <= 1 and np.any(values % 1 != 0):
        return RatingScale(0, 1, _step(values, 0))
    outside = ~STARS.contains(values)
    if _are_errors(values[outside], int(counts[outside].sum()), len(ratings)):
        return RatingScale(step=_step(values[~outside], 0) or STARS.step)
    for low, high in _KNOWN:
        inside = (values >= low) & (values <= high)
        if counts[~inside].sum() <= _MAX_BAD_SHARE * len(ratings):
            return RatingScale(low, high, _step(values[inside], low))
    raise InputError(
        f"the ratings, from {values[0]:g} to {values[-1]:g}, are on no usual scale; give it with "
        "--scale LOW:HIGH"
    )


def _are_errors(outside: NDArray[np.float64], count: int, total: int) -> bool:
    """Return whether ratings that are not stars are few enough to be errors."""
    if count < _FEW:
        return count * 2 <= total
    return count < _SMALL_SHARE * total and bool(np.any(outside != 0))


def _implicit(values: NDArray[np.float64], counts: NDArray[np.int64]) -> RatingScale | None:
    """Return the scale of likes, dislikes and watches; None if there are ratings."""
    present = set(values.tolist())
    if present == {1.0} and counts.sum() > 1:
        return RatingScale(0, 1, 1, "unary")
    if present == {0.0, 1.0}:
        return RatingScale(0, 1, 1, "binary")
    if present in ({-1.0, 1.0}, {-1.0, 0.0, 1.0}):
        return RatingScale(-1, 1, 1, "binary")
    return None


def _step(values: NDArray[np.float64], low: float) -> float | None:
    """Return the largest usual step that all ratings are multiples of, from the lowest."""
    for step in _STEPS:
        steps = (values - low) / step
        if np.allclose(steps, np.round(steps), atol=1e-6):
            return step
    return None
