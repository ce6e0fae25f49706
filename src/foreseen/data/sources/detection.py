"""Recognition of the format of a delimited file by its first row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from foreseen.data.schema import GENRES, IMDB, MOVIE, RATING, TIMESTAMP, TITLE, TMDB, USER, YEAR
from foreseen.data.sources.fields import parse_field
from foreseen.data.text import excerpt, first_row
from foreseen.errors import DataError

SEPARATORS: Final = (",", "\t", ";", "::", "|")
ALIASES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("userid", "user_id", "user", "uid", "username", "user_name"), USER),
    **dict.fromkeys(("reviewerid", "reviewer_id", "customerid", "customer_id"), USER),
    **dict.fromkeys(("movieid", "movie_id", "movie", "itemid", "item_id", "item", "iid"), MOVIE),
    **dict.fromkeys(("filmid", "film_id", "film", "asin", "parent_asin", "isbn"), MOVIE),
    **dict.fromkeys(("bookid", "book_id", "animeid", "anime_id", "business_id"), MOVIE),
    **dict.fromkeys(("productid", "product_id", "gameid", "game_id", "jokeid", "joke_id"), MOVIE),
    **dict.fromkeys(("rating", "stars", "score", "book_rating", "overall"), RATING),
    **dict.fromkeys(("user_rating", "my_rating", "my_score"), RATING),
    **dict.fromkeys(("timestamp", "time", "ts", "unix_timestamp", "date", "datetime"), TIMESTAMP),
    **dict.fromkeys(("rating_timestamp", "unixreviewtime", "unix_review_time"), TIMESTAMP),
    **dict.fromkeys(("created_at", "rated_at"), TIMESTAMP),
}
"""Columns of ratings by the names that they have in files."""
MOVIE_ALIASES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("movieid", "movie_id", "itemid", "item_id", "item", "movie", "id"), MOVIE),
    **dict.fromkeys(("filmid", "film_id", "film", "asin", "parent_asin", "isbn"), MOVIE),
    **dict.fromkeys(("bookid", "book_id", "animeid", "anime_id", "business_id"), MOVIE),
    **dict.fromkeys(("title", "movie_title", "book_title", "name"), TITLE),
    **dict.fromkeys(("genres", "genre", "class"), GENRES),
    **dict.fromkeys(("year", "release_year", "year_of_publication"), YEAR),
    **dict.fromkeys(("original_publication_year",), YEAR),
    **dict.fromkeys(("imdbid", "imdb_id"), IMDB),
    **dict.fromkeys(("tmdbid", "tmdb_id"), TMDB),
}
"""Columns of movies by the names that they have in files."""
_ORDER: Final = (USER, MOVIE, RATING, TIMESTAMP)
_NAME_COLUMNS: Final = "or name its columns: --columns user=NAME,item=NAME,rating=NAME"


@dataclass(frozen=True)
class FileFormat:
    """The format of a delimited file.

    Attributes:
        separator: Text between two fields.
        columns: Canonical names of the columns, empty for others; None to recognise them by the
            header.
        has_header: Whether the first row is a header.
    """

    separator: str
    columns: tuple[str, ...] | None = None
    has_header: bool = True


COMMA: Final = FileFormat(",")


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


def format_of(data: bytes, file: str) -> FileFormat:
    """Return the format of a ratings file; commas and a header if it is not recognised.

    Raises:
        DataError: If the file is empty or not text.
    """
    separator = separator_of(data, file, ALIASES)
    if separator is not None:
        return FileFormat(separator)
    found = columns_without_header(data, file, len(_ORDER) - 1)
    return COMMA if found is None else FileFormat(*found, has_header=False)


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
    remedy = f"; {_NAME_COLUMNS}" if RATING in required else ""
    return DataError(
        f"{file}, line 1: no column {', '.join(missing)}; the header should have "
        f"{', '.join(required)}{remedy}. Received: {found}"
    )


def other_separator(text: str, width: int) -> str | None:
    """Return the separator that splits a row of one field into `width` fields; None if none does.

    Args:
        text: The row, which has one field by the separator of its file.
        width: Number of fields, at least two.
    """
    others = (separator for separator in SEPARATORS if len(text.split(separator)) == width)
    return next(others, None)
