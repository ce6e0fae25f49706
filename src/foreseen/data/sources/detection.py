"""Recognition of the format of a delimited file by its first row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from foreseen.data.schema import GENRES, IMDB, MOVIE, RATING, TIMESTAMP, TITLE, TMDB, USER, YEAR
from foreseen.data.sources.fields import parse_field
from foreseen.data.text import excerpt, first_row
from foreseen.errors import DataError

SEPARATORS: Final = (",", "\t", ";", "::", "|")
ALIASES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("userid", "user_id", "user", "uid"), USER),
    **dict.fromkeys(("movieid", "movie_id", "movie", "itemid", "item_id", "item", "iid"), MOVIE),
    **dict.fromkeys(("rating", "stars", "score", "book_rating"), RATING),
    **dict.fromkeys(("timestamp", "time", "ts", "unix_timestamp", "date", "datetime"), TIMESTAMP),
}
"""Columns of ratings by the names that they have in files."""
MOVIE_ALIASES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("movieid", "movie_id", "itemid", "item_id", "item", "movie", "id"), MOVIE),
    **dict.fromkeys(("title", "movie_title", "name"), TITLE),
    **dict.fromkeys(("genres", "genre", "class"), GENRES),
    **dict.fromkeys(("year", "release_year"), YEAR),
    **dict.fromkeys(("imdbid", "imdb_id"), IMDB),
    **dict.fromkeys(("tmdbid", "tmdb_id"), TMDB),
}
"""Columns of movies by the names that they have in files."""
_ORDER: Final = (USER, MOVIE, RATING, TIMESTAMP)


def columns_of(header: Iterable[str], aliases: Mapping[str, str]) -> dict[str, int]:
    """Return the position of each column that a header names, in any letter case.

    RecBole writes the type after the name: `user_id:token`.
    """
    positions: dict[str, int] = {}
    for position, name in enumerate(header):
        plain = name.strip().lower().partition(":")[0].replace("-", "_").replace(" ", "_")
        if plain in aliases:
            positions.setdefault(aliases[plain], position)
    return positions


def separator_of(data: bytes, file: str, aliases: Mapping[str, str]) -> str | None:
    """Return the separator by which the first row names most columns; None if it names none.

    Raises:
        DataError: If the file is empty or not text.
    """
    counts = {
        separator: len(columns_of(first_row(data, file, separator)[1], aliases))
        for separator in SEPARATORS
    }
    best = max(SEPARATORS, key=lambda separator: counts[separator])
    return best if counts[best] > 1 else None


def columns_without_header(
    data: bytes, file: str, required: int
) -> tuple[str, tuple[str, ...]] | None:
    """Return the separator and the columns of a file whose first row is user, movie, rating...

    Args:
        data: Content of the file.
        file: Its name in messages.
        required: Number of columns that the first row should have.
    """
    for separator in SEPARATORS:
        fields = first_row(data, file, separator)[1]
        if len(fields) >= required and _is_row(fields):
            names = [*_ORDER[: len(fields)]]
            return separator, (*names, *("",) * (len(fields) - len(names)))
    return None


def _is_row(fields: Sequence[str]) -> bool:
    return all(_is_valid(name, field) for name, field in zip(_ORDER[:3], fields, strict=False))


def _is_valid(name: str, field: str) -> bool:
    try:
        parse_field(name, field)
    except ValueError:
        return False
    return True


def missing_columns(
    header: Sequence[str], positions: Mapping[str, int], required: Sequence[str], file: str
) -> DataError | None:
    """Return the error for a header without a required column; None if it has them all."""
    missing = [name for name in required if name not in positions]
    if not missing:
        return None
    found = excerpt(", ".join(header), 200) or "nothing"
    return DataError(
        f"{file}, line 1: no column {', '.join(missing)}; the header should have "
        f"{', '.join(required)}. Received: {found}"
    )
