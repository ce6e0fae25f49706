"""The movie catalogue as arrays: ids, titles, release years, genres, franchises."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foreseen.data.franchises import franchises_of
from foreseen.data.identifiers import IdMap
from foreseen.data.schema import GENRES, MOVIE, TITLE, YEAR, placeholder_movies


@dataclass(frozen=True)
class Catalogue:
    """C movies with G genres.

    Attributes:
        movies: Map from movie ids to rows.
        table: The canonical movies table, in row order.
        genre_names: The G genres in alphabetical order, fixed at creation.
    """

    movies: IdMap
    table: pl.DataFrame
    genre_names: tuple[str, ...]

    @classmethod
    def of(cls, movies: pl.DataFrame, genre_names: Sequence[str] | None = None) -> Self:
        """Return the catalogue of a canonical movies table, which is sorted by id."""
        if genre_names is None:
            rows: list[list[str]] = movies[GENRES].to_list()
            genre_names = sorted({name for names in rows for name in names})
        return cls(IdMap(movies[MOVIE].to_numpy().astype(np.int64)), movies, tuple(genre_names))

    def __len__(self) -> int:
        return len(self.movies)

    def extended(self, ids: ArrayLike) -> Self:
        """Return a catalogue that also contains `ids`; new movies have no title, year or genres."""
        movies = self.movies.extended(ids)
        if movies is self.movies:
            return self
        new = movies.ids[len(self.movies) :]
        table = pl.concat([self.table, placeholder_movies(pl.Series(MOVIE, new))])
        return replace(self, movies=movies, table=table)

    @cached_property
    def genres(self) -> NDArray[np.float32]:
        """0/1 indicators of shape (C + 1) x G; the last row stands for an unknown movie."""
        matrix = np.zeros((len(self) + 1, len(self.genre_names)), dtype=np.float32)
        columns = {name: column for column, name in enumerate(self.genre_names)}
        for row, names in enumerate(self.genre_lists):
            for name in names:
                if name in columns:
                    matrix[row, columns[name]] = 1
        return matrix

    @cached_property
    def genre_lists(self) -> list[tuple[str, ...]]:
        """Genre names of each movie, in the order of the source."""
        return [tuple(names or ()) for names in self.table[GENRES].to_list()]

    @cached_property
    def genre_weights(self) -> NDArray[np.float64]:
        """L2-normalised genre indicators with inverse document frequencies, of shape C x G."""
        genres = self.genres[:-1].astype(np.float64)
        weighted = genres * np.log((len(genres) + 1) / (genres.sum(axis=0) + 1))
        length = np.sqrt((weighted**2).sum(axis=1, keepdims=True))
        return weighted / np.maximum(length, 1e-9)

    @cached_property
    def genre_similarity(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Jaccard similarity of movies by genres (Jaccard, 1901).

        Returns:
            Each movie's row in the K distinct sets of genres, of shape C + 1; and the similarity
            of each pair of sets, of shape K x K.
        """
        genre_sets, row = np.unique(self.genres, axis=0, return_inverse=True)
        shared = (genre_sets @ genre_sets.T).astype(np.float64)
        size = genre_sets.sum(axis=1).astype(np.float64)
        union = size[:, None] + size[None, :] - shared
        return row.astype(np.int32), shared / np.maximum(union, 1)

    @cached_property
    def franchises(self) -> NDArray[np.int32]:
        """Franchise number of each movie, of shape C + 1; -1 for the unknown movie."""
        return np.append(franchises_of(self.table[TITLE].to_list()), np.int32(-1))

    @cached_property
    def _series(self) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Where the movies of each franchise of several begin in a list of them, and the list."""
        franchises = self.franchises[:-1]
        counts = np.bincount(franchises)
        rows = np.flatnonzero(counts[franchises] > 1)
        counts[counts < 2] = 0
        starts = np.append(0, np.cumsum(counts)).astype(np.int64)
        return starts, rows[np.argsort(franchises[rows], kind="stable")]

    def of_same_franchises(self, movies: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the rows of all movies of the franchises of some movies that have several.

        Args:
            movies: Rows of movies of the catalogue.
        """
        starts, rows = self._series
        franchises = np.unique(self.franchises[movies])
        franchises = franchises[franchises >= 0]
        first, last = starts[franchises], starts[franchises + 1]
        several = np.flatnonzero(last > first)
        parts = [rows[first[number] : last[number]] for number in several]
        return np.sort(np.concatenate([np.empty(0, dtype=np.intp), *parts]))

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """Release years, of shape C + 1; NaN where unknown, as in the last row."""
        years = self.table[YEAR].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return np.append(years, np.nan)

    @cached_property
    def titles(self) -> list[str]:
        """Titles in row order, of shape C; a movie without a title is named by its id."""
        named = self.table.select(
            pl.col(TITLE).fill_null(pl.format("movie {}", pl.col(MOVIE)))
        ).to_series()
        return named.to_list()
