"""What is shown of one movie: its card, its ratings by year, similar movies."""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foreseen.data.encoding import Id
from foreseen.data.schema import TITLE
from foreseen.data.title_keys import article_first
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.serving.snapshot import ModelSnapshot

_SIMILARITY_DAMPING: Final = 10.0
_GENRE_WEIGHT: Final = 0.05
_TRAILING_PARENTHESES: Final = re.compile(r"(\s*\([^()]*\))+$")


@dataclass(frozen=True)
class MovieCard:
    """A movie as the API and the pages show it.

    Attributes:
        movie: Id as in the source.
        title: With its article in front and without alternative titles.
        year: Of release; None if unknown.
        genres: In the order of the source.
        views: Number of ratings.
        mean: Mean rating; None if there are no ratings.
    """

    movie: Id
    title: str
    year: int | None
    genres: tuple[str, ...]
    views: int
    mean: float | None


class RatingYear(NamedTuple):
    """The ratings of a movie in one calendar year (UTC)."""

    year: int
    ratings: int
    mean: float


def movie_card(snapshot: ModelSnapshot, row: int) -> MovieCard:
    """Return the card of a movie by its row in the catalogue."""
    catalogue = snapshot.model.log.catalogue
    title = catalogue.table[TITLE][row]
    year = catalogue.years[row]
    views, scale = int(snapshot.views[row]), snapshot.encoding.scale
    return MovieCard(
        movie=snapshot.encoding.movies.identifier(snapshot.ids[row]),
        title=_display_title(title) if title else snapshot.model.titles[row],
        year=None if np.isnan(year) else int(year),
        genres=catalogue.genre_lists[row],
        views=views,
        mean=float(scale.from_stars(snapshot.means[row])) if views else None,
    )


def _display_title(title: str) -> str:
    return article_first(_TRAILING_PARENTHESES.sub("", title) or title)


def ratings_by_year(snapshot: ModelSnapshot, row: int) -> list[RatingYear]:
    """Return the ratings of a movie by calendar year, oldest first."""
    log = snapshot.model.log
    by_movie = log.by_movie
    raters = by_movie.positions[by_movie.starts[row] : by_movie.starts[row + 1]]
    times = log.histories.times[raters]
    rating = snapshot.encoding.scale.from_stars(log.histories.rating[raters])
    years = times.astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970
    return [
        RatingYear(int(year), int((years == year).sum()), float(rating[years == year].mean()))
        for year in np.unique(years)
    ]


def most_similar(snapshot: ModelSnapshot, row: int, k: int) -> list[int]:
    """Return the rows of the k movies most similar to one, best first.

    The similarity is a damped cosine over the users who liked the movies, plus a small weight of
    the cosine over genres.
    """
    log = snapshot.model.log
    by_movie, histories = log.by_movie, log.histories
    raters = by_movie.positions[by_movie.starts[row] : by_movie.starts[row + 1]]
    likers = by_movie.users[raters[histories.rating[raters] >= LIKED_FROM]]
    starts = histories.starts[likers]
    counts = histories.starts[likers + 1] - starts
    # Positions of all ratings of these users.
    first: NDArray[np.int64] = np.cumsum(counts) - counts
    positions = np.repeat(starts - first, counts) + np.arange(counts.sum(), dtype=np.int64)
    liked = positions[histories.rating[positions] >= LIKED_FROM]
    both = np.bincount(histories.movie[liked], minlength=len(snapshot.ids))
    damped = (snapshot.like_counts + _SIMILARITY_DAMPING) * (len(likers) + _SIMILARITY_DAMPING)
    genres = log.catalogue.genre_weights
    similarity = both / np.sqrt(damped) + _GENRE_WEIGHT * (genres @ genres[row])
    similarity[row] = -np.inf
    return [int(other) for other in np.argsort(-similarity, kind="stable")[:k]]
