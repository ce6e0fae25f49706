"""No feature knows the future, and each is what its formula says."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features.encoder import FEATURES, encode
from foreseen.features.examples import training_examples
from foreseen.features.interaction_log import MOVIE_DAMPING, PRIOR_MEAN, InteractionLog
from foreseen.features.queries import History, Queries
from foreseen.features.user_statistics import release_decades


def indexed(ratings: pl.DataFrame, movies: pl.DataFrame) -> InteractionLog:
    return InteractionLog.of(ratings, Catalogue.of(movies))


def ask(log: InteractionLog, rows: pl.DataFrame) -> Queries:
    user = log.users.rows(rows["userId"].to_numpy())
    movie = log.catalogue.movies.rows(rows["movieId"].to_numpy())
    return Queries(user, user, movie, rows["timestamp"].to_numpy().astype(np.int64))


@given(st.integers(0, 10_000), st.integers(0, 49), st.sampled_from(["scramble", "delete", "add"]))
@settings(max_examples=40, deadline=None)
def test_nothing_at_or_after_a_moment_changes_a_feature_at_it(
    seed: int, step: int, change: str
) -> None:
    ratings = random_ratings(seed, 150).sort("timestamp", "userId", "movieId")
    movies = tables_of(ratings).movies
    moment = 1_000_000_000 + step * 1000
    past = ratings.filter(pl.col("timestamp") < moment)
    future = ratings.filter(pl.col("timestamp") >= moment)
    generator = np.random.default_rng(seed)
    if change == "scramble":
        shuffled = generator.permutation(future["rating"].to_numpy())
        future = future.with_columns(pl.Series("rating", shuffled))
    elif change == "delete":
        future = future.head(0)
    else:
        extra = random_ratings(seed + 1, 40).with_columns(
            pl.col("userId") + 100, pl.lit(moment, pl.Int64).alias("timestamp")
        )
        future = pl.concat([future, extra])
    before = indexed(ratings, movies)
    after = indexed(pl.concat([past, future]), movies)
    asked = ratings.with_columns(pl.lit(moment, pl.Int64).alias("timestamp"))
    first, second = encode(before, ask(before, asked)), encode(after, ask(after, asked))
    # A user or movie without a past has features of its own: those of the unknown.
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.expected, second.expected)


def test_features_are_finite_for_every_rating_and_for_the_unknown(log: InteractionLog) -> None:
    assert np.isfinite(encode(log, log.rating_queries()).values).all()
    nobody = np.array([-1], dtype=np.int32)
    for moment in (0, log.end, 4_000_000_000):
        query = Queries(nobody, nobody, nobody, np.array([moment], dtype=np.int64))
        encoded = encode(log, query)
        assert np.isfinite(encoded.values).all()
        assert np.isfinite(encoded.expected).all()


def test_views_and_worth_follow_their_formulas() -> None:
    ratings = ratings_of((1, 7, 5.0, 100), (2, 7, 4.0, 200), (3, 7, 1.0, 300))
    log = indexed(ratings, tables_of(ratings).movies)
    asked = ratings_of((9, 7, 3.0, 300), (9, 7, 3.0, 301), (9, 7, 3.0, 100))
    encoded = encode(log, ask(log, asked))
    np.testing.assert_allclose(np.expm1(encoded.column("movie_views")), [2, 3, 0], rtol=1e-6)
    # Both first ratings were above the level of their time; nobody's kindness was known.
    level_first, level_second = PRIOR_MEAN, (PRIOR_MEAN + 5) / 2
    worth = ((5 - level_first) + (4 - level_second)) / (2 + MOVIE_DAMPING)
    assert encoded.column("movie_bias")[0] == pytest.approx(worth)
    assert encoded.column("movie_bias")[2] == 0


def test_a_user_who_rates_a_genre_above_their_own_level_has_an_affinity_to_it() -> None:
    movies = pl.DataFrame(
        {
            "movieId": [1, 2, 3, 4, 5],
            "title": list("abcde"),
            "year": [1994, 1995, 1955, 1956, 1994],
            "genres": [["Crime"], ["Crime"], ["War"], ["War"], ["Crime"]],
        }
    )
    rows = [(1, 1, 5.0, 10), (1, 2, 5.0, 20), (1, 3, 1.0, 30), (1, 4, 1.0, 40)]
    tables = tables_of(ratings_of(*rows), movies.cast({"year": pl.Int32}))
    log = indexed(tables.ratings, tables.movies)
    asked = ratings_of((1, 5, 3.0, 50), (1, 3, 3.0, 50), (2, 5, 3.0, 50))
    encoded = encode(log, ask(log, asked))
    crime, war, stranger = encoded.column("genre_affinity")
    assert crime > 0.3
    assert war < -0.3
    assert stranger == 0
    assert encoded.column("decade_affinity")[0] > encoded.column("decade_affinity")[1]


def test_an_explicit_history_gives_the_same_features_as_the_log(log: InteractionLog) -> None:
    user = int(log.users.ids[5])
    own = log.ratings.filter(pl.col("userId") == user)
    history = History(
        own["movieId"].to_numpy(), own["rating"].to_numpy(), own["timestamp"].to_numpy(), user
    )
    view = log.view_of([history])
    moment = int(own["timestamp"].to_numpy()[len(own) // 2])
    movies = np.arange(50, dtype=np.int32)
    before = np.full(50, moment, dtype=np.int64)
    row = np.full(50, 5, dtype=np.int32)
    from_log = encode(log, Queries(row, row, movies, before))
    from_history = encode(view, Queries(np.zeros(50, np.int32), row, movies, before))
    np.testing.assert_array_equal(from_log.values, from_history.values)


def test_a_pair_rated_again_counts_as_rated_anew() -> None:
    ratings = ratings_of((1, 7, 5.0, 100), (2, 7, 4.0, 200))
    log = indexed(ratings, tables_of(ratings).movies)
    again = log.with_ratings(ratings_of((1, 7, 2.0, 300), (3, 8, 1.0, 400)))
    assert again.ratings.rows() == [(2, 7, 4.0, 200), (1, 7, 2.0, 300), (3, 8, 1.0, 400)]
    assert log.ratings.height == 2


def test_eras_are_decades_and_an_unknown_year_has_none() -> None:
    years = np.array([1899, 1929, 1930, 1999, 2000, 2016, 2030, np.nan])
    assert release_decades(years).tolist() == [0, 0, 1, 7, 8, 9, 9, -1]


def test_training_questions_are_never_asked_after_their_answers(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    examples = training_examples(log, seed=3)
    assert len(examples) == 3 * small.ratings.height
    at_once, lists, ahead = (examples.queries.before[kind::3] for kind in range(3))
    given = examples.given[::3]
    assert (at_once == given).all()
    assert (lists <= given).all()
    assert (lists < given).mean() > 0.5
    assert (ahead == given - 86_399).all()
    learn, later = examples.split(0.9)
    assert learn.given.max() < later.given.min()


def test_a_list_is_asked_for_the_second_after_a_rating(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    examples = training_examples(log, seed=0)
    just_rated = examples.encoded.column("user_just_rated")[1::3] > 0
    known = examples.encoded.column("user_ratings")[1::3] > 0
    assert just_rated[known].mean() > 0.9


def test_every_feature_is_explained_in_the_guide() -> None:
    from pathlib import Path

    guide = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    missing = [name for name in FEATURES if f"`{name}`" not in guide]
    assert not missing
