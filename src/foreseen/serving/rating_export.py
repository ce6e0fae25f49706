"""The user's ratings and lists as tables in the layout that Letterboxd imports."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from foreseen.data.schema import MOVIE, TITLE, YEAR
from foreseen.data.sources.personal import FilmList
from foreseen.data.title_keys import article_first
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import ListedMovie, StoredRating

_FILM: Final = ("tmdbID", "imdbID", "Title", "Year")
COLUMNS: Final = (*_FILM, "Rating10", "WatchedDate")
"""See https://letterboxd.com/about/importing-data/."""
LIST_COLUMNS: Final[dict[FilmList, tuple[str, ...]]] = {
    "seen": (*_FILM, "WatchedDate"),
    # Letterboxd's own watchlist.csv has the date in this column; its import ignores it.
    "watchlist": (*_FILM, "WatchedDate", "Date"),
}
_LOWEST_POINTS: Final = 1
_HIGHEST_POINTS: Final = 10
_Cell = str | int


def ratings_csv(snapshot: ModelSnapshot, ratings: Sequence[StoredRating]) -> str:
    """Return ratings as a table that Letterboxd and `foreseen import` read.

    Ratings are rounded to half stars, and times to UTC days, because the layout has no finer ones.
    A movie that has neither a title nor an id of IMDb or TMDB is left out: nothing identifies it
    elsewhere.

    Args:
        snapshot: The snapshot with the movies.
        ratings: The ratings, in the order of the rows.
    """
    rows = (
        (
            entry.movie,
            (
                int(np.clip(round(2 * entry.rating), _LOWEST_POINTS, _HIGHEST_POINTS)),
                _day(entry.rated),
            ),
        )
        for entry in ratings
    )
    return _table(snapshot, COLUMNS, rows)


def list_csv(snapshot: ModelSnapshot, film_list: FilmList, entries: Sequence[ListedMovie]) -> str:
    """Return a list of movies as a table, with the same limits as `ratings_csv`.

    Imports read it by the name `seen.csv` or `watchlist.csv`.

    Args:
        snapshot: The snapshot with the movies.
        film_list: The list.
        entries: The movies, in the order of the rows.
    """
    rows = (
        (entry.movie, (_day(entry.at),) if film_list == "seen" else ("", _day(entry.at)))
        for entry in entries
    )
    return _table(snapshot, LIST_COLUMNS[film_list], rows)


def _table(
    snapshot: ModelSnapshot,
    columns: Sequence[str],
    rows: Iterable[tuple[int, tuple[_Cell, ...]]],
) -> str:
    """Return a table of movies by id, each with further cells."""
    movies = snapshot.model.log.catalogue.table
    titles = {
        movie: (title, year)
        for movie, title, year in movies.select(MOVIE, TITLE, YEAR).iter_rows()
        if title is not None
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for movie, cells in rows:
        imdb, tmdb = snapshot.external_ids.get(movie, ("", ""))
        title, year = titles.get(movie, ("", None))
        if title or imdb or tmdb:
            writer.writerow([tmdb, imdb, article_first(title), year or "", *cells])
    return text.getvalue()


def _day(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).date().isoformat()
