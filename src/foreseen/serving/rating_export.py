"""The user's ratings as a table in the layout that Letterboxd imports."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from foreseen.data.schema import IMDB, MOVIE, TITLE, TMDB, YEAR
from foreseen.data.sources.personal_fields import imdb_digits
from foreseen.data.title_keys import article_first
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating

COLUMNS: Final = ("tmdbID", "imdbID", "Title", "Year", "Rating10", "WatchedDate")
"""See https://letterboxd.com/about/importing-data/."""
_LOWEST_POINTS: Final = 1
_HIGHEST_POINTS: Final = 10


def ratings_csv(snapshot: ModelSnapshot, ratings: Sequence[StoredRating]) -> str:
    """Return ratings as a table that Letterboxd and `foreseen import` read.

    Ratings are rounded to half stars, and times to UTC days, because the layout has no finer ones.
    A movie that has neither a title nor an id of IMDb or TMDB is left out: nothing identifies it
    elsewhere.

    Args:
        snapshot: The snapshot with the movies.
        ratings: The ratings, in the order of the rows.
    """
    table = snapshot.model.log.catalogue.table
    titles = {
        movie: (title, year)
        for movie, title, year in table.select(MOVIE, TITLE, YEAR).iter_rows()
        if title is not None
    }
    links = _links(snapshot)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in ratings:
        imdb, tmdb = links.get(entry.movie, ("", ""))
        title, year = titles.get(entry.movie, ("", None))
        if not (title or imdb or tmdb):
            continue
        points = int(np.clip(round(2 * entry.rating), _LOWEST_POINTS, _HIGHEST_POINTS))
        day = datetime.fromtimestamp(entry.rated, UTC).date().isoformat()
        writer.writerow([tmdb, imdb, article_first(title), year or "", points, day])
    return text.getvalue()


def _links(snapshot: ModelSnapshot) -> dict[int, tuple[str, str]]:
    """Return the ids of IMDb and TMDB by movie, empty where there is none."""
    if snapshot.links is None:
        return {}
    rows = snapshot.links.select(MOVIE, IMDB, TMDB).iter_rows()
    return {movie: (_imdb_id(imdb or ""), tmdb or "") for movie, imdb, tmdb in rows}


def _imdb_id(text: str) -> str:
    digits = imdb_digits(text)
    return "" if digits is None else f"tt{digits:0>7}"
