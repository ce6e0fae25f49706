"""Tables of ratings that no known service wrote: columns found by common names, or named."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.sources.export_tables import MAX_LINES, Row, TableLayout, table_header
from foreseen.data.sources.personal import Entry, LayoutError, read_entry
from foreseen.data.sources.personal_fields import parse_rating_number
from foreseen.data.sources.titles import split_title
from foreseen.data.text import excerpt, split_rows
from foreseen.errors import DataError, InputError

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "title": (
        *("title", "name", "movie", "film", "movietitle", "moviename", "filmtitle", "filmname"),
        *("titel", "titre", "titolo", "titulo", "título", "originaltitle", "primarytitle"),
    ),
    "year": (
        *("year", "releaseyear", "movieyear", "startyear", "released", "release", "releasedate"),
        *("jahr", "année", "annee", "anno", "año", "ano"),
    ),
    "rating": (
        *("rating", "myrating", "yourrating", "userrating", "yourating", "score", "myscore"),
        *("userscore", "stars", "points", "rate", "vote", "grade", "rating10", "ratingoutof10"),
        *("note", "bewertung", "voto", "nota", "valoración", "puntuación", "wertung"),
    ),
    "date": (
        *("date", "daterated", "ratedat", "ratingdate", "ratedon", "rated", "timestamp", "time"),
        *("watcheddate", "datewatched", "watchedat", "watchedon", "watched", "lastwatched"),
        *("lastwatchedat", "seen", "viewed", "created", "createdat", "dateadded"),
        *("datum", "fecha", "data"),
    ),
    "imdb": ("imdb", "imdbid", "const", "tconst"),
    "tmdb": ("tmdb", "tmdbid"),
    "type": ("type", "titletype", "mediatype", "category", "kind"),
}
"""Names of the columns by what they are, in lower case without spaces and punctuation."""
_KEYS: Final = tuple(_NAMES)
_SCALES: Final = (
    STARS,
    *(RatingScale(*ends, None) for ends in ((0, 5), (1, 10), (0, 10), (0, 100))),
)
"""The scales that are recognised, the first one that contains all ratings."""


def parse_columns(text: str) -> dict[str, str]:
    """Return the column names in a text such as `title=name,rating=score`, by what they are.

    Raises:
        InputError: If it has another form.
    """
    columns: dict[str, str] = {}
    for part in text.split(","):
        key, _, name = (piece.strip().lower() for piece in part.partition("="))
        if key not in _KEYS or not name or key in columns:
            raise InputError(
                f"columns should be given as in title=name,rating=score, each of "
                f"{', '.join(_KEYS)} at most once. Received: '{excerpt(text)}'"
            )
        columns[key] = name
    return columns


def fits(data: bytes, name: str) -> bool:
    """Return whether a file has a column of titles, or of IMDb or TMDB ids, and one of ratings.

    Raises:
        DataError: If it is not text, or empty.
    """
    return _is_complete(_find_columns(table_header(data, name)[2]))


def read_columns(
    data: bytes,
    name: str,
    columns: Mapping[str, str] | None = None,
    scale: RatingScale | None = None,
) -> Iterator[Entry]:
    """Yield the entries of a table.

    Args:
        data: Content of the file.
        name: Its name in messages.
        columns: Names of columns by `title`, `year`, `rating`, `date`, `imdb`, `tmdb` or `type`;
            others are found by common names.
        scale: Scale of the ratings; by default it is recognised.

    Raises:
        LayoutError: If it lacks a column.
        DataError: If it cannot be split into rows, or the scale is not recognised.
    """
    found = _columns_of(data, name, columns or {})
    scale = scale or recognise_scale(data, name, columns)
    convert = partial(_entry, found, scale)
    yield from TableLayout("a table of ratings", ((found["rating"],),), convert).read(data, name)


def recognise_scale(
    data: bytes, name: str, columns: Mapping[str, str] | None = None
) -> RatingScale:
    """Return the smallest usual scale that contains all ratings of a table.

    Raises:
        LayoutError: If it lacks a column.
        DataError: If it cannot be split into rows, or there is no such scale.
    """
    column = _columns_of(data, name, columns or {})["rating"]
    separator, line, header = table_header(data, name)
    position = header.index(column)
    low, high = STARS.high, STARS.low
    for number, fields in split_rows(data, name, separator, MAX_LINES):
        if number <= line or position >= len(fields):
            continue
        try:
            rating = parse_rating_number(fields[position])
        except ValueError:
            continue
        low, high = min(low, rating), max(high, rating)
    for scale in _SCALES:
        if scale.low <= low and high <= scale.high:
            return scale
    raise DataError(
        f"{name}: the ratings, from {low:g} to {high:g}, are on no usual scale; give it with "
        "--scale LOW:HIGH"
    )


def _columns_of(data: bytes, name: str, columns: Mapping[str, str]) -> dict[str, str]:
    _, line, header = table_header(data, name)
    for column in columns.values():
        if column not in header:
            found = excerpt(", ".join(header), 200)
            message = f"{name}, line {line}: no column '{excerpt(column)}'; this has {found}"
            raise LayoutError(message)
    found = _find_columns(header) | dict(columns)
    if not _is_complete(found):
        raise LayoutError(
            f"{name}, line {line}: columns of titles and ratings are needed; name them with "
            f"--columns title=NAME,rating=NAME. Received: {excerpt(', '.join(header), 200)}"
        )
    return found


def _find_columns(header: list[str]) -> dict[str, str]:
    by_name = {re.sub(r"[\W_]", "", column): column for column in reversed(header)}
    return {
        key: next(by_name[name] for name in names if name in by_name)
        for key, names in _NAMES.items()
        if any(name in by_name for name in names)
    }


def _is_complete(columns: Mapping[str, str]) -> bool:
    return "rating" in columns and not columns.keys().isdisjoint({"title", "imdb", "tmdb"})


def _entry(columns: Mapping[str, str], scale: RatingScale, line: int, row: Row) -> Entry:
    values = {key: row[column] for key, column in columns.items()}
    title, year = values.get("title", ""), values.get("year", "")
    if not year:
        title, number = split_title(title)
        year = str(number or "")
    return read_entry(
        line,
        title,
        values["rating"],
        scale,
        year=year,
        date=values.get("date", ""),
        imdb=values.get("imdb", ""),
        tmdb=values.get("tmdb", ""),
        title_type=values.get("type", ""),
    )
