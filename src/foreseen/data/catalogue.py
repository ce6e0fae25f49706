"""The movies as arrays: ids, titles, years of release, genres."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foreseen.data.identifiers import IdMap
from foreseen.data.schema import GENRES, MOVIE, TITLE, YEAR, untitled
from foreseen.data.franchises import series_of


@dataclass(frozen=True)
class Catalogue:
    """The known movies; C is their number, G the number of genres.

    Attributes:
        movies: Movie ids to rows.
        table: The canonical movies, one row per movie in row order.
        genre_names: The G genres, in alphabetical order, fixed when the catalogue was made.
    """

    movies: IdMap
    table: pl.DataFrame
    genre_names: tuple[str, ...]

    @classmethod
    def of(cls, movies: pl.DataFrame, genre_names: Sequence[str] | None = None) -> Self:
        """Return the catalogue of a canonical movies table, sorted by id."""
        if genre_names is None:
            rows: list[list[str]] = movies[GENRES].to_list()
            genre_names = sorted({name for names in rows for name in names})
        return cls(IdMap(movies[MOVIE].to_numpy().astype(np.int64)), movies, tuple(genre_names))

    def __len__(self) -> int:
        return len(self.movies)

    def extended(self, ids: ArrayLike) -> Self:
        """Return a catalogue that holds `ids` too; movies new to it have no title or genres."""
        grown = self.movies.extended(ids)
        if grown is self.movies:
            return self
        new = grown.ids[len(self.movies) :]
        table = pl.concat([self.table, untitled(pl.Series(MOVIE, new))])
        return replace(self, movies=grown, table=table)

    @cached_property
    def genres(self) -> NDArray[np.float32]:
        """Indicators of shape (C + 1) x G; the last row is that of an unknown movie."""
        matrix = np.zeros((len(self) + 1, len(self.genre_names)), dtype=np.float32)
        places = {name: column for column, name in enumerate(self.genre_names)}
        for row, names in enumerate(self.genre_lists):
            for name in names:
                if name in places:
                    matrix[row, places[name]] = 1
        return matrix

    @cached_property
    def genre_lists(self) -> list[tuple[str, ...]]:
        """The names of each movie's genres, as the source lists them."""
        return [tuple(names or ()) for names in self.table[GENRES].to_list()]

    @cached_property
    def genre_weights(self) -> NDArray[np.float64]:
        """Genres with rare ones weighing more, each movie's of length one, of shape C x G."""
        genres = self.genres[:-1].astype(np.float64)
        weighted = genres * np.log((len(genres) + 1) / (genres.sum(axis=0) + 1))
        length = np.sqrt((weighted**2).sum(axis=1, keepdims=True))
        return weighted / np.maximum(length, 1e-9)

    @cached_property
    def genre_likeness(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """How alike movies are in genres: what two share of what either has (Jaccard, 1901).

        Returns:
            Each movie's kind, of shape C + 1, movies of the same genres being of one kind; and
            the likeness of any two of the K kinds, of shape K x K.
        """
        kinds, kind = np.unique(self.genres, axis=0, return_inverse=True)
        shared = (kinds @ kinds.T).astype(np.float64)
        number = kinds.sum(axis=1).astype(np.float64)
        either = number[:, None] + number[None, :] - shared
        return kind.astype(np.int32), shared / np.maximum(either, 1)

    @cached_property
    def series(self) -> NDArray[np.int32]:
        """The series each movie is of, as a number, of shape C + 1; the unknown movie's is -1."""
        return np.append(series_of(self.table[TITLE].to_list()), np.int32(-1))

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """Years of release, of shape C + 1; NaN where unknown, as for the last, unknown movie."""
        years = self.table[YEAR].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return np.append(years, np.nan)

    @cached_property
    def titles(self) -> list[str]:
        """Titles in row order; a movie without one is called by its id."""
        named = self.table.select(
            pl.col(TITLE).fill_null(pl.format("movie {}", pl.col(MOVIE)))
        ).to_series()
        return named.to_list()
