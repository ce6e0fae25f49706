"""Predicted ratings with their uncertainty, as every part after the models reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foreseen.features.encoder import Encoded
from foreseen.models.uncertainty import Uncertainty


@dataclass(frozen=True)
class Predictions:
    """Predictions in stars; all arrays of the same shape, N queries or B users x C movies.

    Attributes:
        mean: Predicted rating, on the scale of the data.
        low, high: The interval that contains the rating in four cases of five.
        deviation: Standard deviation of the error.
        liked: Probability of a rating of four stars or more.
        standard_error: Standard error of user and item bias, which more ratings reduce.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    deviation: NDArray[np.float64]
    liked: NDArray[np.float64]
    standard_error: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        mean: NDArray[np.float64],
        deviation: NDArray[np.float64] | None,
        liked: NDArray[np.float64] | None,
        encoded: Encoded,
        uncertainty: Uncertainty,
        scale: tuple[float, float],
    ) -> Self:
        """Return predictions on a scale.

        Args:
            mean: Expected ratings, not clipped, of shape N.
            deviation: Standard deviations of the model, of shape N; None to use `uncertainty`.
            liked: Probabilities of the model, of shape N; None to use `uncertainty`.
            encoded: Features of the queries.
            uncertainty: Of the model.
            scale: Lowest and highest rating.
        """
        mean = np.clip(mean, *scale)
        if deviation is None:
            deviation = uncertainty.deviation(encoded)
        half = uncertainty.reach * deviation
        return cls(
            mean,
            np.clip(mean - half, *scale),
            np.clip(mean + half, *scale),
            deviation,
            uncertainty.liked(mean, deviation) if liked is None else liked,
            uncertainty.standard_error(encoded),
        )

    @classmethod
    def joined(cls, parts: Sequence["Predictions"]) -> Self:
        """Return the predictions of consecutive queries as one; none for no parts."""
        if not parts:
            return cls(*(np.empty(0) for _ in range(6)))
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def part(self, rows: NDArray[np.intp] | slice) -> Self:
        """Return the predictions of some of the queries."""
        return type(self)(*(values[rows] for values in vars(self).values()))

    def reshaped(self, shape: tuple[int, ...]) -> Self:
        """Return the same predictions in another shape."""
        return type(self)(*(values.reshape(shape) for values in vars(self).values()))


@dataclass(frozen=True)
class Scores:
    """Scores of B users and C movies; all arrays of shape B x C.

    Attributes:
        predictions: Predicted ratings.
        group_influence: How far a coordinated group of users could have raised the prediction.
        likely: Probability that the movie is among the next ten that the user watches.
        p_next_liked: Probability that the movie is the next one that the user watches and likes.
    """

    predictions: Predictions
    group_influence: NDArray[np.float64]
    likely: NDArray[np.float64]
    p_next_liked: NDArray[np.float64]
