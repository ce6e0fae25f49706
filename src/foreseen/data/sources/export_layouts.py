"""The tables that services export, one function each."""

from datetime import UTC, datetime
from typing import Final

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.sources.export_tables import Row, TableLayout, first_of
from foreseen.data.sources.fields import parse_number
from foreseen.data.sources.personal import Entry, PersonalRating, SkippedEntry, read_entry
from foreseen.data.sources.personal_fields import (
    clean_title,
    imdb_digits,
    is_ambiguous_date,
    parse_stars,
    parse_timestamp,
    tmdb_digits,
)
from foreseen.data.sources.titles import split_title

POINTS: Final = RatingScale(1, 10, 1)
"""The scale of IMDb, Trakt, Simkl and Movary."""
TMDB_POINTS: Final = RatingScale(0.5, 10, 0.5)
_MAX_ID_DIGITS: Final = 15


def _letterboxd(line: int, row: Row) -> Entry:
    points = row.get("rating10", "")
    return read_entry(
        line,
        first_of(row, "name", "title"),
        points or row.get("rating", ""),
        POINTS if points else STARS,
        year=row.get("year", ""),
        date=first_of(row, "date", "watcheddate", "watched date"),
        imdb=row.get("imdbid", ""),
        tmdb=row.get("tmdbid", ""),
    )


def _imdb(line: int, row: Row) -> Entry:
    return read_entry(
        line,
        row.get("title", ""),
        first_of(row, "your rating", "you rated"),
        POINTS,
        year=row.get("year", ""),
        date=_imdb_date(first_of(row, "date rated", "date added", "created")),
        imdb=row["const"],
        title_type=row.get("title type", ""),
        original_title=row.get("original title", ""),
    )


def _imdb_date(text: str) -> str:
    try:
        # The format before 2017: Sat Mar  4 00:00:00 2017.
        moment = datetime.strptime(text, "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007
    except ValueError:
        return text
    return moment.replace(tzinfo=UTC).isoformat()


def _movielens(line: int, row: Row) -> Entry:
    movie = first_of(row, "movie_id", "movieid")
    if not movie:
        raise ValueError("movie_id is missing")
    if not row["rating"] or parse_number("rating", row["rating"]) < 0:
        return SkippedEntry("not rated")
    title, year = split_title(clean_title(row.get("title", "")))
    is_number = movie.isascii() and movie.isdecimal() and len(movie) <= _MAX_ID_DIGITS
    return PersonalRating(
        line,
        title,
        year,
        parse_stars(row["rating"]),
        parse_timestamp(row.get("timestamp", "")),
        imdb=imdb_digits(row.get("imdb_id", "")),
        tmdb=tmdb_digits(row.get("tmdb_id", "")),
        movie=int(movie) if is_number else None,
        has_ambiguous_date=is_ambiguous_date(row.get("timestamp", "")),
    )


def _simkl(line: int, row: Row) -> Entry:
    return read_entry(
        line,
        row["title"],
        row["rating"],
        POINTS,
        year=row.get("year", ""),
        date=row.get("watcheddate", ""),
        imdb=first_of(row, "imdb", "imdb_id"),
        tmdb=row.get("tmdb", ""),
        title_type=row.get("type", ""),
    )


def _tmdb(line: int, row: Row) -> Entry:
    if first_of(row, "season number", "episode number"):
        return SkippedEntry("episode")
    return read_entry(
        line,
        row["name"],
        row["your rating"],
        TMDB_POINTS,
        year=row.get("release date", ""),
        date=row.get("date rated", ""),
        imdb=row.get("imdb id", ""),
        tmdb=row["tmdb id"],
        title_type=row.get("type", ""),
    )


def _movary(line: int, row: Row) -> Entry:
    return read_entry(
        line,
        row["title"],
        row.get("userrating", ""),
        POINTS,
        year=row.get("year", ""),
        imdb=row["imdbid"],
        tmdb=row["tmdbid"],
    )


LETTERBOXD: Final = TableLayout(
    "Letterboxd's ratings.csv",
    (("name", "title"), ("rating", "rating10")),
    _letterboxd,
    ("letterboxd uri", "letterboxduri", "rating10"),
)
IMDB: Final = TableLayout("IMDb's ratings.csv", (("const",), ("your rating", "you rated")), _imdb)
MOVIELENS: Final = TableLayout(
    "a MovieLens export", (("movie_id", "movieid"), ("rating",)), _movielens
)
SIMKL: Final = TableLayout("Simkl's CSV", (("title",), ("rating",), ("simkl_id",)), _simkl)
TMDB: Final = TableLayout(
    "TMDB's ratings export", (("tmdb id",), ("name",), ("your rating",)), _tmdb
)
MOVARY: Final = TableLayout(
    "Movary's CSV",
    (("title",), ("tmdbid",), ("imdbid",), ("userrating", "watchedat", "addedat")),
    _movary,
)
