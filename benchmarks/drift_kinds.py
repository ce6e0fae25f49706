"""Changes of known kind, injected into a log in which nothing else changes.

A change has a shape over time and a strength. It alters ratings or which ratings there are, from a
moment on, and states which findings name it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import (
    MOVIE,
    MOVIES_SCHEMA,
    RATING,
    RATINGS_SCHEMA,
    TIME_ORDER,
    TIMESTAMP,
    USER,
)
from foreseen.drift.occurrences import earlier_occurrences
from foreseen.features.user_statistics import decade_name

SHAPES: Final = ("abrupt", "gradual", "recurring")
STRENGTHS: Final = {"weak": 0.5, "medium": 0.75, "strong": 1.0}
YEAR: Final = 365.25 * 86_400
_PERIOD: Final = 0.05
"""Share of the log after which a recurring change ends and begins again."""
_COMMON: Final = 0.08
"""Least share of the ratings of a group of movies that changes."""
_ACTIVE: Final = 100
_FLOOD: Final = 0.2

Floats = NDArray[np.float64]
Expected = Mapping[str, set[str] | None]


@dataclass(frozen=True)
class Injected:
    """A log with one change.

    Attributes:
        ratings: The log.
        movies: Its movies.
        affected: Whether the change affects each rating, of shape E.
        begins: The second at which the change begins.
        expected: Labels of the findings that name the change, by kind; None for any label.
    """

    ratings: pl.DataFrame
    movies: pl.DataFrame
    affected: NDArray[np.bool_]
    begins: int
    expected: Expected


@dataclass(frozen=True)
class _Case:
    """A log before the change, and when and how strongly it is to change."""

    ratings: pl.DataFrame
    movies: pl.DataFrame
    catalogue: Catalogue
    on: NDArray[np.bool_]
    begins: int
    size: float
    generator: np.random.Generator

    @property
    def rating(self) -> Floats:
        return self.ratings[RATING].to_numpy().astype(np.float64)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row of each rating's movie in the catalogue."""
        return self.catalogue.movies.rows(self.ratings[MOVIE].to_numpy()).astype(np.int64)

    def genre(self) -> tuple[NDArray[np.bool_], str]:
        """Return whether each rating is of a common genre drawn at random, and its name."""
        genres = self.catalogue.genres[self.rows] > 0
        common = np.flatnonzero(genres.mean(axis=0) >= _COMMON)
        one = int(self.generator.choice(common))
        return genres[:, one], self.catalogue.genre_names[one]

    def rated(self, values: Floats, affected: NDArray[np.bool_], expected: Expected) -> Injected:
        """Return the case with other ratings: whole stars stay whole, half stars stay half."""
        half = np.where(self.rating % 1 > 0, 0.5, 0.0)
        rounded = np.floor(values - half + self.generator.random(len(values))) + half
        values = np.clip(rounded, 0.5 + (half == 0) / 2, 5 - half)
        values = np.where(affected & self.on, values, self.rating)
        ratings = self.ratings.with_columns(pl.Series(RATING, values))
        return Injected(ratings, self.movies, affected & self.on, self.begins, expected)


def _all(case: _Case) -> NDArray[np.bool_]:
    return np.ones(len(case.on), dtype=np.bool_)


def _offset(case: _Case) -> Injected:
    """All ratings fall by up to half a star."""
    expected = {
        "level": {"all", "all with half stars", "all against half stars"},
    }
    step = 0.5 * case.size
    # A quarter of a star is half a star for half of the ratings.
    lower = np.floor(2 * step + case.generator.random(len(case.on))) / 2
    moved = np.where(case.on, np.clip(case.rating - lower, 0.5, 5), case.rating)
    ratings = case.ratings.with_columns(pl.Series(RATING, moved))
    return Injected(ratings, case.movies, case.on, case.begins, expected)


def _narrow(case: _Case) -> Injected:
    """All ratings move towards 3.5."""
    moved = 3.5 + (1 - 0.6 * case.size) * (case.rating - 3.5)
    return case.rated(moved, _all(case), {"scale": {"width"}, "agreement": {"all"}})


def _wide(case: _Case) -> Injected:
    """All ratings move away from 3.5."""
    moved = 3.5 + (1 + 0.6 * case.size) * (case.rating - 3.5)
    return case.rated(moved, _all(case), {"scale": {"width"}, "agreement": {"all"}})


def _noise(case: _Case) -> Injected:
    """All ratings become less exact."""
    moved = case.rating + case.generator.normal(0, case.size, len(case.on))
    return case.rated(moved, _all(case), {"error": None, "spread": None})


def _halves(case: _Case) -> Injected:
    """Half stars appear on a scale of whole stars."""
    whole = np.clip(np.ceil(case.rating), 1, 5)
    lowered = case.on & (case.generator.random(len(case.on)) < 0.5 * case.size)
    ratings = case.ratings.with_columns(pl.Series(RATING, np.where(lowered, whole - 0.5, whole)))
    return Injected(ratings, case.movies, case.on, case.begins, {"scale": {"half stars"}})


def _turned(case: _Case) -> Injected:
    """A share of the users, half if strong, rates 6 less the original rating."""
    users = case.ratings[USER].to_numpy()
    every = np.unique(users)
    turned = case.generator.permutation(every)[: int(0.5 * case.size * len(every))]
    expected = {"agreement": None}
    return case.rated(6 - case.rating, np.isin(users, turned), expected)


def _taste(case: _Case) -> Injected:
    """One genre is rated up to a star lower."""
    selected, name = case.genre()
    return case.rated(case.rating - case.size, selected, {"taste": {name}})


def _decade(case: _Case) -> Injected:
    """The movies of a decade are rated up to a star lower."""
    year = case.catalogue.years[case.rows]
    decades = (np.nan_to_num(year, nan=0) // 10 * 10).astype(np.int64)
    values, counts = np.unique(decades[decades > 0], return_counts=True)
    common = values[(counts >= _COMMON * len(decades)) & (values < 2010)]
    decade = int(case.generator.choice(common))
    names = {name for name in map(decade_name, range(20)) if f"{decade}s" in name}
    expected = {"taste": {f"films of {name}" for name in names}}
    return case.rated(case.rating - case.size, decades == decade, expected)


def _movie(case: _Case) -> Injected:
    """One of the ten movies with most ratings is rated up to two stars lower."""
    movies, counts = np.unique(case.ratings[MOVIE].to_numpy(), return_counts=True)
    chosen = int(case.generator.choice(movies[np.argsort(-counts)[:10]]))
    title = case.movies.filter(pl.col(MOVIE) == chosen)["title"][0]
    selected = case.ratings[MOVIE].to_numpy() == chosen
    return case.rated(case.rating - 2 * case.size, selected, {"movie": {str(title)}})


def _popular(case: _Case) -> Injected:
    """The share of a genre grows up to threefold."""
    selected, name = case.genre()
    dropped = ~selected & case.on & (case.generator.random(len(case.on)) < case.size * 2 / 3)
    kept = pl.Series(~dropped)
    affected = (selected & case.on)[~dropped]
    return Injected(
        case.ratings.filter(kept), case.movies, affected, case.begins, {"share": {name}}
    )


def _flood(case: _Case) -> Injected:
    """Up to a fifth of the ratings go to movies that are new in the catalogue."""
    moved = case.on & (case.generator.random(len(case.on)) < _FLOOD * case.size)
    first = int(case.movies[MOVIE].max() or 0) + 1  # pyright: ignore[reportArgumentType]
    # Three ratings each, in order of time.
    fresh = first + np.arange(int(moved.sum())) // 3
    movie = case.ratings[MOVIE].to_numpy().astype(np.int64)
    originals = movie[moved][::3]
    movie[moved] = fresh
    copies = (
        pl.DataFrame({MOVIE: originals, "fresh": np.unique(fresh)})
        .cast({MOVIE: MOVIES_SCHEMA[MOVIE]})
        .join(case.movies, on=MOVIE, how="left", maintain_order="left")
        .with_columns(pl.col("fresh").cast(MOVIES_SCHEMA[MOVIE]).alias(MOVIE))
        .select(case.movies.columns)
    )
    ratings = case.ratings.with_columns(pl.Series(MOVIE, movie)).cast(RATINGS_SCHEMA)
    movies = pl.concat([case.movies, copies]).sort(MOVIE)
    # Ratings of one second are ordered by the movie.
    order = ratings.with_columns(pl.Series("moved", moved)).sort(TIME_ORDER)
    return Injected(
        order.drop("moved"), movies, order["moved"].to_numpy(), case.begins, {"catalogue": None}
    )


def _newcomers(case: _Case) -> Injected:
    """Users who arrive after the change rate up to a star lower."""
    first = case.ratings.select(pl.col(TIMESTAMP).min().over(USER)).to_series().to_numpy()
    expected = {"level": {"new users"}}
    return case.rated(case.rating - case.size, first >= case.begins, expected)


def _active(case: _Case) -> Injected:
    """Users with a hundred ratings or more rate up to a star lower."""
    earlier = earlier_occurrences(case.ratings[USER].to_numpy().astype(np.int64))
    expected = {"level": {"known users", "active users"}}
    return case.rated(case.rating - case.size, earlier >= _ACTIVE, expected)


KINDS: Final[Mapping[str, Callable[[_Case], Injected]]] = {
    "offset": _offset,
    "narrow scale": _narrow,
    "wide scale": _wide,
    "noise": _noise,
    "half stars": _halves,
    "turned group": _turned,
    "genre's taste": _taste,
    "decade's taste": _decade,
    "one movie": _movie,
    "popularity": _popular,
    "new movies": _flood,
    "newcomers": _newcomers,
    "active users": _active,
}


def inject(
    ratings: pl.DataFrame, movies: pl.DataFrame, kind: str, shape: str, strength: str, seed: int
) -> Injected:
    """Return a log with one change, which begins after 40 % to 70 % of the ratings.

    Args:
        ratings: A log in which nothing changes.
        movies: Its movies.
        kind: One of `KINDS`.
        shape: "abrupt"; "gradual", over a year or a tenth of the log, whichever is longer in
            ratings; or "recurring", on and off for a twentieth of the log each.
        strength: One of `STRENGTHS`.
        seed: Random seed.
    """
    generator = np.random.default_rng([seed, *kind.encode()])
    count = ratings.height
    times = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    begin = int(generator.uniform(0.4, 0.7) * count)
    since = np.arange(count) - begin
    share = (since >= 0).astype(np.float64)
    if shape == "gradual":
        share = np.clip((times - times[begin]) / YEAR, 0, 1)
    elif shape == "recurring":
        share *= np.floor(since / (_PERIOD * count)) % 2 == 0
    on = (since >= 0) & (generator.random(count) < share)
    case = _Case(
        ratings, movies, Catalogue.of(movies), on, int(times[begin]), STRENGTHS[strength], generator
    )
    return KINDS[kind](case)
