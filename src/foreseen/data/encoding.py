"""From the ids and ratings of a source to those that models use, and back.

Models use whole numbers for ids and stars for ratings. An id that is a whole number is used as it
is. Any other id gets a code, in a range of its own, and its text is stored.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.identifiers import UNKNOWN, WHOLE_NUMBER
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.schema import MOVIE, RATING, USER

Id = int | str
"""A user or a movie, as its source has it."""

FIRST_CODE: Final = 2**52
"""The first code of an id that is not used as it is; the last one is below twice this."""
USER_LIMIT: Final = 1_000_000_000
"""Ids of users from here to `FIRST_CODE` are those of the accounts of a server."""
_EXACT: Final = 2**53


def as_id(text: str) -> Id:
    """Return a text as an id: as a number if it is a whole one that JSON can hold exactly."""
    return int(text) if re.fullmatch(WHOLE_NUMBER, text) and int(text) < _EXACT else text


@dataclass(frozen=True)
class IdCodes:
    """The codes of ids of one kind; ids that are whole numbers below `limit` are their own codes.

    The code of another id is a hash of its text, so that it is the same in every data set.

    Attributes:
        limit: Larger whole numbers get a code like any other text.
        names: The ids with a code, as text.
    """

    limit: int
    names: tuple[str, ...] = ()

    @cached_property
    def _codes(self) -> dict[str, int]:
        codes: dict[str, int] = {}
        taken: set[int] = set()
        for name in self.names:
            digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
            code = FIRST_CODE + int.from_bytes(digest) % FIRST_CODE
            while code in taken:
                code = FIRST_CODE + (code + 1) % FIRST_CODE
            taken.add(code)
            codes[name] = code
        return codes

    @cached_property
    def _names(self) -> dict[int, str]:
        return {code: name for name, code in self._codes.items()}

    def extended(self, columns: Iterable[pl.Series]) -> Self:
        """Return codes that also cover the ids of some columns; present codes stay."""
        new: set[str] = set()
        for column in columns:
            if self._is_plain(column):
                continue
            text = column.cast(pl.String).unique()
            new.update(text.filter(_own_codes(text, self.limit).is_null()).drop_nulls().to_list())
        new.difference_update(self.names)
        return type(self)(self.limit, (*self.names, *sorted(new))) if new else self

    def encode(self, ids: pl.Series) -> pl.Series:
        """Return the code of each id, `UNKNOWN` for one without; of type Int64."""
        if self._is_plain(ids):
            return ids.cast(pl.Int64)
        text = ids.cast(pl.String)
        own = _own_codes(text, self.limit)
        if self.names:
            names = pl.Series(list(self._codes), dtype=pl.String)
            codes = pl.Series(list(self._codes.values()), dtype=pl.Int64)
            own = own.fill_null(
                text.replace_strict(names, codes, default=UNKNOWN, return_dtype=pl.Int64)
            )
        return own.fill_null(UNKNOWN)

    def code(self, identifier: Id) -> int:
        """Return the code of one id; `UNKNOWN` if it has none."""
        text = str(identifier)
        if re.fullmatch(WHOLE_NUMBER, text) and int(text) < self.limit:
            return int(text)
        return self._codes.get(text, UNKNOWN)

    def decode(self, codes: pl.Series) -> pl.Series:
        """Return the ids of codes: of type Int64 if all are whole numbers, else String."""
        if not (codes >= FIRST_CODE).any():
            return codes
        known = pl.Series(list(self._names), dtype=pl.Int64)
        names = pl.Series(list(self._names.values()), dtype=pl.String)
        text = codes.replace_strict(known, names, default=codes.cast(pl.String))
        return text.cast(pl.Int64) if bool(text.str.contains(WHOLE_NUMBER).all()) else text

    def identifier(self, code: int) -> Id:
        """Return the id of one code: a whole number if JSON can hold it exactly, else text."""
        return as_id(self._names.get(int(code), str(int(code))))

    def _is_plain(self, ids: pl.Series) -> bool:
        largest = ids.max() if ids.dtype.is_integer() else None
        return ids.dtype.is_integer() and (not isinstance(largest, int) or largest < self.limit)


def _own_codes(text: pl.Series, limit: int) -> pl.Series:
    """Return the ids that are used as they are; null for others."""
    whole = text.set(~text.str.contains(WHOLE_NUMBER), None).cast(pl.Int64, strict=False)
    return whole.set(whole >= limit, None)


@dataclass(frozen=True)
class Encoding:
    """How the ids and ratings of a data set are encoded.

    Attributes:
        users, movies: The codes of its ids.
        scale: The scale of its ratings.
    """

    users: IdCodes = field(default_factory=lambda: IdCodes(USER_LIMIT))
    movies: IdCodes = field(default_factory=lambda: IdCodes(FIRST_CODE))
    scale: RatingScale = STARS

    def extended(self, tables: Sequence[pl.DataFrame]) -> "Encoding":
        """Return an encoding that also covers the ids of some tables."""
        users = self.users.extended(table[USER] for table in tables if USER in table.columns)
        movies = self.movies.extended(table[MOVIE] for table in tables if MOVIE in table.columns)
        return Encoding(users, movies, self.scale)

    def encode(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table with codes for ids, and stars for ratings."""
        return self._with(table, self.users.encode, self.movies.encode, self.scale.to_stars)

    def decode(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table with the ids and ratings of the source."""
        return self._with(table, self.users.decode, self.movies.decode, self._source_ratings)

    def _source_ratings(self, stars: NDArray[np.float64]) -> NDArray[np.float64]:
        values = self.scale.from_stars(stars)
        return values if self.scale.is_stars else np.round(values, 9)

    @staticmethod
    def _with(
        table: pl.DataFrame,
        users: Callable[[pl.Series], pl.Series],
        movies: Callable[[pl.Series], pl.Series],
        ratings: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> pl.DataFrame:
        columns: list[pl.Series] = []
        for name, convert in ((USER, users), (MOVIE, movies)):
            if name in table.columns:
                columns.append(convert(table[name]).alias(name))
        if RATING in table.columns:
            values = table[RATING].to_numpy().astype(np.float64)
            columns.append(pl.Series(RATING, ratings(values)))
        return table.with_columns(columns)
