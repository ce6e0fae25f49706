"""What the sequence network reads of a movie, and the vectors that its training starts from."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.truncated_svd import sparse_matrix, truncated_svd
from foreseen.data.catalogue import Catalogue
from foreseen.models.sequence.events import Events, co_occurring_movies

_YEARS: Final = 12
_DAMPING: Final = 5.0
_SMOOTHING: Final = 0.75
_PRIOR: Final = 1.0
_POWER_ITERATIONS: Final = 2
_LEAST_NORM: Final = 0.3


@dataclass(frozen=True)
class TrainingStatistics:
    """Statistics of the movies in the ratings that a network was trained on.

    Attributes:
        count: Number of ratings, of shape C.
        total: Sum of rating less the mean of all, of shape C.
        years: Release years that the years are described by, ascending, of shape 12.
    """

    count: NDArray[np.float64]
    total: NDArray[np.float64]
    years: NDArray[np.float64]

    @classmethod
    def of(
        cls, catalogue: Catalogue, movie: NDArray[np.int64], rating: NDArray[np.float64]
    ) -> "TrainingStatistics":
        """Return the statistics of E ratings of the movies of a catalogue."""
        size = len(catalogue)
        centred = rating - rating.mean()
        total = np.bincount(movie, centred, minlength=size).astype(np.float64)
        known = catalogue.years[:-1][np.isfinite(catalogue.years[:-1])]
        shares = (np.arange(_YEARS) + 0.5) / _YEARS
        years = np.quantile(known, shares) if len(known) else np.zeros(_YEARS)
        return cls(np.bincount(movie, minlength=size).astype(np.float64), total, years)

    def of_rows(self, rows: NDArray[np.int64]) -> "TrainingStatistics":
        """Return the statistics of N movies, by their rows; zeros for rows below zero."""
        found = rows >= 0
        count = np.where(found, self.count[rows], 0.0)
        return TrainingStatistics(count, np.where(found, self.total[rows], 0.0), self.years)


def movie_attributes(catalogue: Catalogue, statistics: TrainingStatistics) -> NDArray[np.float32]:
    """Return genres, smooth functions of the year, log count, mean and a constant, C x F."""
    years = catalogue.years[:-1, None]
    width = np.maximum(np.gradient(statistics.years), 1.0)
    near = np.exp(-0.5 * ((years - statistics.years) / width) ** 2)
    count, total = statistics.count, statistics.total
    return np.column_stack(
        [
            catalogue.genres[:-1],
            np.nan_to_num(near),
            np.log1p(count) / 3 - 1,
            total / (count + _DAMPING),
            np.ones(len(count)),
        ]
    ).astype(np.float32)


def co_occurrence_vectors(events: Events, movies: int, width: int) -> NDArray[np.float32]:
    """Return singular vectors of the movies' positive pointwise mutual information, C x width.

    Rows of rated movies have a mean square of about one. The method is of Levy and Goldberg (2014).
    """
    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    weights: list[NDArray[np.float64]] = []
    for earlier, later, weight in co_occurring_movies(events):
        rows += [earlier, later]
        columns += [later, earlier]
        weights += [np.full(2 * len(later), weight)]
    shape = (movies, movies)
    counts = sparse_matrix(
        np.concatenate(rows), np.concatenate(columns), np.concatenate(weights), shape
    )
    row, column = (index.numpy() for index in counts.indices())
    count: NDArray[np.float64] = counts.values().numpy()
    total = np.bincount(row, count, minlength=movies)
    smooth = total**_SMOOTHING
    smooth /= max(smooth.sum(), 1e-12)
    # The prior count shrinks pairs that occur once.
    information = np.log((count + _PRIOR) / (total[row] * smooth[column] + _PRIOR))
    kept = information > 0
    vectors = np.zeros((movies, width))
    rank = min(width, movies - 2)
    if rank > 0 and kept.any():
        matrix = sparse_matrix(row[kept], column[kept], information[kept], shape)
        scale, leading = truncated_svd(matrix, rank, _POWER_ITERATIONS)
        vectors[:, :rank] = leading * np.sqrt(scale)
        norm = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(norm, max(_LEAST_NORM * norm[norm > 0].mean(), 1e-12))
    # Rotated, so that attention heads share the leading directions.
    basis, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((width, width)))
    return (vectors @ basis * np.sqrt(width)).astype(np.float32)
