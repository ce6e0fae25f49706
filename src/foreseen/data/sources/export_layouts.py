"""The tables that services export, one function each."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.sources.export_tables import Row, TableLayout, first_of
from foreseen.data.sources.fields import parse_number
from foreseen.data.sources.personal import (
    Entry,
    FilmList,
    PersonalRating,
    SkippedEntry,
    read_entry,
)
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
SIMKL_LISTS: Final[Mapping[str, FilmList]] = {"completed": "seen", "plantowatch": "watchlist"}
"""The lists of Simkl by the status of a film; others are skipped."""


def letterboxd_entry(line: int, row: Row, film_list: FilmList | None = None) -> Entry:
    """Return an entry of Letterboxd.

    Args:
        line: Line in the file.
        row: The row.
        film_list: The list that the file is by its name.

    Raises:
        ValueError: If a field is not valid, or neither a rating, nor a date, nor the name of the
            file says whether the film is seen or saved.
    """
    points = row.get("rating10", "")
    rating = points or row.get("rating", "")
    watched = first_of(row, "watcheddate", "watched date")
    unrated = film_list or ("seen" if watched else None)
    if unrated is None and "rating" not in row and "rating10" not in row:
        raise ValueError(
            "it has neither a rating nor the date it was watched; name the file watched.csv or "
            "watchlist.csv"
        )
    logged = row.get("date", "")
    return read_entry(
        line,
        first_of(row, "name", "title"),
        rating,
        POINTS if points else STARS,
        year=row.get("year", ""),
        date=logged or watched if rating else watched or logged,
        imdb=row.get("imdbid", ""),
        tmdb=row.get("tmdbid", ""),
        unrated=unrated,
    )


def imdb_entry(line: int, row: Row, film_list: FilmList | None = None) -> Entry:
    """Return an entry of IMDb; in a list, which has positions, a film without a rating is saved.

    Args:
        line: Line in the file.
        row: The row.
        film_list: The list that the file is by its name.

    Raises:
        ValueError: If a field is not valid.
    """
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
        unrated=film_list or ("watchlist" if "position" in row else None),
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
        stars=parse_stars(row["rating"]),
        timestamp=parse_timestamp(row.get("timestamp", "")),
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
        unrated=SIMKL_LISTS.get(row.get("watchlist", "")),
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
    # Ratings have no date; the history and the watchlist have no ratings.
    watched, added = row.get("watchedat", ""), row.get("addedat", "")
    return read_entry(
        line,
        row["title"],
        row.get("userrating", ""),
        POINTS,
        year=row.get("year", ""),
        date=watched or added,
        imdb=row["imdbid"],
        tmdb=row["tmdbid"],
        unrated="seen" if "watchedat" in row else "watchlist" if "addedat" in row else None,
    )


LETTERBOXD: Final = TableLayout(
    "Letterboxd's ratings.csv",
    (("name", "title"), ("rating", "rating10")),
    letterboxd_entry,
    ("letterboxd uri", "letterboxduri", "rating10"),
)
IMDB: Final = TableLayout(
    "IMDb's ratings.csv", (("const",), ("your rating", "you rated", "position")), imdb_entry
)
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
