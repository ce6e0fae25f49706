"""Fractal expansion of a real log (Belletti et al., 2019).

The indicator matrix of the log is reduced to a small matrix with similar singular values. Each
entry of the small matrix becomes a copy of the log, which keeps each rating with the probability of
the entry. So popular groups of movies and active groups of users repeat the popularity of movies
and the activity of users at a larger scale.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from foreseen.compute.truncated_svd import sparse_matrix, truncated_svd
from foreseen.data.canonical import Tables
from foreseen.data.schema import GENRES, MOVIE, RATING, TIMESTAMP, TITLE, USER, YEAR


def expand(
    tables: Tables, users: int, movies: int, seed: int = 0
) -> tuple[Iterator[pl.DataFrame], pl.DataFrame]:
    """Return blocks of the ratings of an expanded log, one per copy of the users, and its movies.

    Args:
        tables: The real log.
        users: Copies of each user.
        movies: Copies of each movie.
        seed: Random seed.
    """
    ratings = tables.decoded().ratings.sort(USER, TIMESTAMP, MOVIE)
    catalogue = tables.decoded().movies.sort(MOVIE)
    ids = ratings[USER].unique().sort()
    user = ids.search_sorted(ratings[USER]).to_numpy().astype(np.int64)
    movie = catalogue[MOVIE].search_sorted(ratings[MOVIE]).to_numpy().astype(np.int64)
    kept = reduced(user, movie, (len(ids), catalogue.height), (users, movies))

    def blocks() -> Iterator[pl.DataFrame]:
        for copy in range(users):
            generator = np.random.default_rng([seed, copy])
            parts: list[pl.DataFrame] = []
            for column in range(movies):
                rows = np.flatnonzero(generator.random(len(user)) < kept[copy, column])
                part = {
                    USER: 1 + copy * len(ids) + user[rows],
                    MOVIE: 1 + column * catalogue.height + movie[rows],
                }
                values = ratings.select(RATING, TIMESTAMP)[rows.tolist()]
                parts.append(pl.DataFrame(part).hstack(values))
            yield pl.concat(parts).sort(USER, MOVIE)

    year = pl.when(pl.col(YEAR).is_null()).then(pl.lit("")).otherwise(pl.format(" ({})", YEAR))
    titled = catalogue.select(
        (pl.col(TITLE).fill_null("Movie") + year).alias(TITLE), pl.col(GENRES).list.join("|")
    )
    table = pl.concat([titled] * movies).with_row_index(MOVIE, offset=1)
    return blocks(), table


def reduced(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    shape: tuple[int, int],
    size: tuple[int, int],
) -> NDArray[np.float64]:
    """Return a matrix of probabilities whose singular values resemble those of a sparse matrix.

    Args:
        row: Rows of the ones of the sparse matrix.
        column: Their columns.
        shape: Shape of the sparse matrix.
        size: Shape of the result.
    """
    matrix = sparse_matrix(row, column, np.ones(len(row)), shape)
    rank = min(size)
    values, right = truncated_svd(matrix, rank)
    left = (matrix @ torch.from_numpy(right)).numpy() / values
    small = _averaged(left, size[0]) * values @ _averaged(right, size[1]).T
    least, most = float(small.min()), float(small.max())
    return (small - least) / (most - least) if most > least else np.ones(size)


def _averaged(vectors: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return orthonormal columns from the means of `count` groups of consecutive rows."""
    groups = np.array_split(vectors, count)
    means = np.stack([group.mean(axis=0) if len(group) else vectors[0] for group in groups])
    return np.linalg.qr(means)[0]
