"""Features are as of the moment of the query and equal their formulas."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.identifiers import UNKNOWN
from foreseen.features.encoder import FEATURES, encode, taste
from foreseen.features.interaction_log import MOVIE_DAMPING, PRIOR_MEAN, InteractionLog
from foreseen.features.queries import Queries


def log_of(tables: Tables) -> InteractionLog:
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


def queries_at(log: InteractionLog, rows: pl.DataFrame) -> Queries:
    return log.queries(rows, rows["timestamp"].to_numpy().astype(np.int64))


@pytest.fixture(scope="module")
def genre_log() -> InteractionLog:
    """A user who rates two crime films of the 1990s with five stars, two war films with one."""
    movies = pl.DataFrame(
        {
            "movieId": [1, 2, 3, 4, 5],
            "title": list("abcde"),
            "year": [1994, 1995, 1955, 1956, 1994],
            "genres": [["Crime"], ["Crime"], ["War"], ["War"], ["Crime"]],
        }
    ).cast({"year": pl.Int32})
    rows = [(1, 1, 5.0, 10), (1, 2, 5.0, 20), (1, 3, 1.0, 30), (1, 4, 1.0, 40)]
    return log_of(tables_of(ratings_of(*rows), movies))


@given(st.integers(0, 10_000), st.integers(0, 49), st.sampled_from(["shuffle", "delete", "add"]))
@settings(max_examples=40, deadline=None)
def test_ratings_at_or_after_the_moment_do_not_change_features_by_a_bit(
    seed: int, step: int, change: str
) -> None:
    ratings = random_ratings(seed, 150).sort("timestamp", "userId", "movieId")
    catalogue = Catalogue.of(tables_of(ratings).movies)
    moment = 1_000_000_000 + step * 1000
    past = ratings.filter(pl.col("timestamp") < moment)
    future = ratings.filter(pl.col("timestamp") >= moment)
    if change == "shuffle":
        shuffled = np.random.default_rng(seed).permutation(future["rating"].to_numpy())
        future = future.with_columns(pl.Series("rating", shuffled))
    elif change == "delete":
        future = future.head(0)
    else:
        extra = random_ratings(seed + 1, 40).with_columns(
            pl.col("userId") + 100, pl.lit(moment, pl.Int64).alias("timestamp")
        )
        future = pl.concat([future, extra])
    pairs = ratings.with_columns(pl.lit(moment, pl.Int64).alias("timestamp"))
    logs = [InteractionLog.of(rows, catalogue) for rows in (ratings, pl.concat([past, future]))]
    first, second = (encode(log.view, queries_at(log, pairs)) for log in logs)
    # A user or movie without a past has the features of an unknown one in both logs.
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.expected, second.expected)


def test_features_are_finite_also_for_unknown_users_and_movies(log: InteractionLog) -> None:
    assert np.isfinite(encode(log.view, log.rating_queries()).values).all()
    unknown = np.array([UNKNOWN], dtype=np.int32)
    for moment in (0, log.end, 4_000_000_000):
        query = Queries(unknown, unknown, unknown, np.array([moment], dtype=np.int64))
        encoded = encode(log.view, query)
        assert np.isfinite(encoded.values).all()
        assert np.isfinite(encoded.expected).all()


def test_features_do_not_depend_on_the_other_queries(log: InteractionLog) -> None:
    queries = log.rating_queries()
    whole = encode(log.view, queries)
    rows = np.array([5, 900, 17, 4000, 17])
    part = encode(log.view, queries.part(rows))
    np.testing.assert_array_equal(part.values, whole.part(rows).values)
    np.testing.assert_array_equal(part.expected, whole.expected[rows])


def test_views_and_item_bias_equal_their_formulas() -> None:
    log = log_of(tables_of(ratings_of((1, 7, 5.0, 100), (2, 7, 4.0, 200), (3, 7, 1.0, 300))))
    pairs = ratings_of((9, 7, 3.0, 300), (9, 7, 3.0, 301), (9, 7, 3.0, 100))
    encoded = encode(log.view, queries_at(log, pairs))
    np.testing.assert_allclose(np.expm1(encoded.column("movie_views")), [2, 3, 0], rtol=1e-6)
    # Each user rated for the first time, so the offsets are from the global mean of their time.
    mean_first, mean_second = PRIOR_MEAN, (PRIOR_MEAN + 5) / 2
    bias = ((5 - mean_first) + (4 - mean_second)) / (2 + MOVIE_DAMPING)
    assert encoded.column("movie_bias")[0] == pytest.approx(bias)
    assert encoded.column("movie_bias")[2] == 0
    mean = (PRIOR_MEAN + 5 + 4) / 3
    assert encoded.expected[0] == pytest.approx(mean + bias)


def test_affinity_is_positive_for_genres_rated_above_the_users_mean(
    genre_log: InteractionLog,
) -> None:
    pairs = ratings_of((1, 5, 3.0, 50), (1, 3, 3.0, 50), (2, 5, 3.0, 50))
    encoded = encode(genre_log.view, queries_at(genre_log, pairs))
    crime, war, unknown_user = encoded.column("genre_affinity")
    assert crime > 0.3
    assert war < -0.3
    assert unknown_user == 0
    decade = encoded.column("decade_affinity")
    assert decade[0] > 0 > decade[1]


def test_taste_equals_the_affinity_to_a_movie_of_one_genre(genre_log: InteractionLog) -> None:
    row, moment = np.zeros(1, np.int32), np.array([50])
    by_genre, by_decade = taste(genre_log.view.statistics(row, moment))
    names = genre_log.catalogue.genre_names
    encoded = encode(genre_log.view, queries_at(genre_log, ratings_of((1, 5, 3.0, 50))))
    assert by_genre[0, names.index("Crime")] == pytest.approx(encoded.column("genre_affinity")[0])
    assert by_decade[0, 7] == pytest.approx(encoded.column("decade_affinity")[0])


def test_every_feature_is_documented_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    assert not [name for name in FEATURES if f"`{name}`" not in guide]
