"""Readers of personal exports as delimited tables: Letterboxd, IMDb, MovieLens."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from foreseen.data.sources.fields import parse_id, parse_number
from foreseen.data.sources.personal import (
    Entry,
    PersonalRating,
    SkippedEntry,
    UnreadableEntry,
    checked_timestamp,
    clean_title,
    imdb_digits,
    parse_stars,
    parse_timestamp,
    parse_year,
    tmdb_digits,
)
from foreseen.data.sources.titles import split_title
from foreseen.data.text import excerpt, first_row, split_rows
from foreseen.errors import DataError

MAX_LINES: Final = 1_000_000
_POINTS_PER_STAR: Final = 2.0
_SEPARATORS: Final = (",", ";", "\t")
_MAX_ENTRY_TEXT: Final = 200
# Title types of IMDb that are no films, in the languages of its pages.
_NO_FILM: Final = re.compile(
    r"seri|s[eé]rie|epis[oó]|[eé]pis|folge|podcast|game|spiel|gioco|jue|jogo|jeu"
)
_MINI_SERIES: Final = re.compile(r"mini|limited")

Row = Mapping[str, str]


@dataclass(frozen=True)
class TableLayout:
    """The columns of a service's table.

    Attributes:
        name: What the file is.
        required: Columns that it has; of several names for one, each in a tuple.
        convert: Returns the entry of a row, given its line.
    """

    name: str
    required: tuple[tuple[str, ...], ...]
    convert: Callable[[int, Row], Entry]

    def fits(self, header: list[str]) -> bool:
        """Return whether a header has the columns."""
        return all(any(name in header for name in names) for names in self.required)


def read_table(data: bytes, name: str, layout: TableLayout, hint: str) -> Iterator[Entry]:
    """Yield the entries of a table.

    Args:
        data: Content of the file.
        name: Its name in messages.
        layout: Its layout.
        hint: End of the message if it has another one.

    Raises:
        DataError: If it cannot be split into rows, or lacks a column.
    """
    separator, line, header = table_header(data, name)
    if not layout.fits(header):
        columns = ", ".join(names[0] for names in layout.required)
        found = excerpt(", ".join(header), 200) or "nothing"
        message = f"{name}, line {line}: {layout.name} has the columns {columns}; this has {found}"
        raise DataError(message + hint)
    for number, fields in split_rows(data, name, separator, MAX_LINES):
        if number <= line:
            continue
        values = [field.strip() for field in fields] + [""] * (len(header) - len(fields))
        try:
            yield layout.convert(number, dict(zip(header, values, strict=False)))
        except ValueError as error:
            text = excerpt(separator.join(fields), _MAX_ENTRY_TEXT)
            yield UnreadableEntry(number, text, str(error))


def table_header(data: bytes, name: str) -> tuple[str, int, list[str]]:
    """Return the separator, the line and the columns in lower case of a table's header."""
    rows = {separator: first_row(data, name, separator) for separator in _SEPARATORS}
    separator = max(_SEPARATORS, key=lambda one: len(rows[one][1]))
    line, header = rows[separator]
    return separator, line, [field.lower() for field in header]


def _first(row: Row, *names: str) -> str:
    """Return the first value that is not empty among several columns."""
    return next((row[name] for name in names if row.get(name)), "")


def _letterboxd(line: int, row: Row) -> Entry:
    points = row.get("rating10", "")
    if not points and not row.get("rating"):
        return SkippedEntry("not rated")
    return PersonalRating(
        line,
        clean_title(_first(row, "name", "title")),
        parse_year(row.get("year", "")),
        parse_stars(points, _POINTS_PER_STAR) if points else parse_stars(row["rating"]),
        parse_timestamp(_first(row, "date", "watcheddate", "watched date")),
        imdb=imdb_digits(row.get("imdbid", "")),
        tmdb=tmdb_digits(row.get("tmdbid", "")),
    )


def _imdb(line: int, row: Row) -> Entry:
    points = _first(row, "your rating", "you rated")
    title_type = row.get("title type", "")
    is_film = not _NO_FILM.search(title_type.lower())
    if not points:
        return SkippedEntry("not rated")
    if not is_film and not _MINI_SERIES.search(title_type.lower()):
        return SkippedEntry(clean_title(title_type))
    title = clean_title(row.get("title", ""))
    original = clean_title(row.get("original title", ""))
    return PersonalRating(
        line,
        title,
        parse_year(row.get("year", "")),
        parse_stars(points, _POINTS_PER_STAR),
        _imdb_timestamp(_first(row, "date rated", "date added", "created")),
        imdb=imdb_digits(row["const"]),
        original_title=original if original != title else None,
    )


def _imdb_timestamp(text: str) -> int | None:
    try:
        # The format before 2017: Sat Mar  4 00:00:00 2017.
        moment = datetime.strptime(text, "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007
    except ValueError:
        return parse_timestamp(text)
    return checked_timestamp(int(moment.replace(tzinfo=UTC).timestamp()))


def _movielens(line: int, row: Row) -> Entry:
    movie = parse_id("movie_id", _first(row, "movie_id", "movieid"))
    if not row["rating"] or parse_number("rating", row["rating"]) < 0:
        return SkippedEntry("not rated")
    title, year = split_title(clean_title(row.get("title", "")))
    return PersonalRating(
        line,
        title,
        year,
        parse_stars(row["rating"]),
        parse_timestamp(row.get("timestamp", "")),
        imdb=imdb_digits(row.get("imdb_id", "")),
        tmdb=tmdb_digits(row.get("tmdb_id", "")),
        movie=movie,
    )


LETTERBOXD: Final = TableLayout(
    "Letterboxd's ratings.csv", (("name", "title"), ("rating", "rating10")), _letterboxd
)
IMDB: Final = TableLayout("IMDb's ratings.csv", (("const",), ("your rating", "you rated")), _imdb)
MOVIELENS: Final = TableLayout(
    "a MovieLens export", (("movie_id", "movieid"), ("rating",)), _movielens
)
