"""A user's taste: residuals by genre and decade, ratings by year, and interval widths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from foreseen.features.encoder import taste
from foreseen.features.queries import History, Queries
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating

_LEADING_GENRES: Final = 4
_WIDTH_MOVIES: Final = 100
"""Most rated movies that interval widths are averaged over."""
_WIDTH_STEPS: Final = (0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 1000)
"""Numbers of ratings that interval widths are computed for."""


@dataclass(frozen=True)
class TasteProfile:
    """The taste of a user.

    Attributes:
        genres: (name, ratings, mean residual), most rated first.
        decades: (number of the release decade, ratings, mean residual), oldest first.
        years: (year of rating, ratings, mean rating, share of each leading genre), oldest first.
        mean: Mean rating; None if there are no ratings.
        interval_widths: (number of ratings, half the mean width of the interval).
    """

    genres: list[tuple[str, int, float]]
    decades: list[tuple[int, int, float]]
    years: list[tuple[int, int, float, dict[str, float]]]
    mean: float | None
    interval_widths: list[tuple[int, float]]


def taste_profile(snapshot: ModelSnapshot, ratings: Sequence[StoredRating]) -> TasteProfile:
    """Return the taste of a user with these ratings, oldest first."""
    history, scale = snapshot.history(ratings), snapshot.encoding.scale
    per_star = scale.per_star
    view = snapshot.model.log.view_of([history])
    statistics = view.statistics(np.zeros(1, np.int32), np.array([snapshot.now], np.int64))
    by_genre, by_decade = taste(statistics)
    counts = statistics.genre_counts[0]
    decade_counts = statistics.decade_counts[0]
    names = view.catalogue.genre_names
    order = [int(n) for n in np.argsort(-counts, kind="stable") if counts[n] > 0]
    decades = [int(n) for n in np.flatnonzero(decade_counts > 0)]
    return TasteProfile(
        genres=[(names[n], int(counts[n]), float(by_genre[0, n]) * per_star) for n in order],
        decades=[(n, int(decade_counts[n]), float(by_decade[0, n]) * per_star) for n in decades],
        years=_by_year(snapshot, ratings, [names[n] for n in order[:_LEADING_GENRES]]),
        mean=float(scale.from_stars(np.mean(history.ratings))) if ratings else None,
        interval_widths=interval_widths(snapshot, history),
    )


def _by_year(
    snapshot: ModelSnapshot, ratings: Sequence[StoredRating], leading: Sequence[str]
) -> list[tuple[int, int, float, dict[str, float]]]:
    catalogue = snapshot.model.log.catalogue
    moments = np.array([entry.rated for entry in ratings], dtype="datetime64[s]")
    years = moments.astype("datetime64[Y]").astype(np.int64) + 1970
    given = snapshot.encoding.scale.from_stars([entry.rating for entry in ratings])
    genres = catalogue.genres[catalogue.movies.rows([entry.movie for entry in ratings])]
    by_year: list[tuple[int, int, float, dict[str, float]]] = []
    for year in np.unique(years):
        part = years == year
        shares = {
            name: float(genres[part, catalogue.genre_names.index(name)].mean()) for name in leading
        }
        by_year.append((int(year), int(part.sum()), float(given[part].mean()), shares))
    return by_year


def interval_widths(snapshot: ModelSnapshot, history: History) -> list[tuple[int, float]]:
    """Return half the mean width of the intervals given the first n ratings, for several n.

    Returns:
        (n, half width), over the most rated movies, ending with all ratings. The
        intervals are not clipped to the scale: clipping would narrow those of high predictions.
    """
    count = len(history.movies)
    steps = sorted({*(n for n in _WIDTH_STEPS if n < count), count})
    movies = np.argsort(-snapshot.views, kind="stable")[:_WIDTH_MOVIES].astype(np.int32)
    view = snapshot.model.log.view_of([history.part(slice(n)) for n in steps])
    predictions = snapshot.model.predict_queries(
        Queries.grid(len(steps), movies, snapshot.now), view
    )
    half = snapshot.model.uncertainty.reach * predictions.deviation
    widths = half.reshape(len(steps), len(movies)).mean(axis=1)
    per_star = snapshot.encoding.scale.per_star
    return [(n, float(width) * per_star) for n, width in zip(steps, widths, strict=True)]
