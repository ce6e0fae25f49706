"""The factor model and folding in, against answers worked out another way."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.ensemble.model import EnsemblePredictor
from foreseen.models.factors.bayesian_mf import Factors, FactorSettings, fit_factors
from foreseen.models.factors.fold_in import fold_in
from foreseen.models.factors.side_information import side_information, user_features
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

QUICK = FactorSettings(rank=3, directions=2, sweeps=30, burn_in=15, samples=5)


@pytest.fixture(scope="module")
def factors(log: InteractionLog) -> Factors:
    return fit_factors(QUICK, log.catalogue, log.user, log.movie, log.rating, seed=0)


def test_planted_factors_are_found_and_a_newcomer_is_foretold() -> None:
    generator = np.random.default_rng(0)
    users, movies = 80, 40
    taste, kind = generator.normal(size=users), generator.choice([-1.0, 1.0], size=movies)
    cells = [(u, m) for u in range(users) for m in range(movies) if generator.random() < 0.6]
    truth = {(u, m): float(np.clip(3 + taste[u] * kind[m], 0.5, 5)) for u, m in cells}
    rows = [(u + 1, m + 1, truth[u, m], 1000 * u + m) for u, m in cells]
    frame = pl.DataFrame(rows, schema=["userId", "movieId", "rating", "timestamp"], orient="row")
    tables = tables_of(frame.cast({"userId": pl.Int64, "movieId": pl.Int64}))
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    old = log.user < 60
    fitted = fit_factors(
        QUICK, log.catalogue, log.user[old], log.movie[old], log.rating[old], seed=1
    )
    queries = log.rating_queries()
    late = np.flatnonzero(log.user >= 60)
    known = np.array([(log.timestamp[n] % 1000) > 20 for n in late])
    asked = late[known]
    foretold = fold_in(fitted, log, queries.part(asked)).rating
    error = np.sqrt(np.mean((foretold - log.rating[asked]) ** 2))
    assert error < 0.5 * log.rating[asked].std()


def test_folding_in_is_the_exact_posterior_mean(log: InteractionLog, factors: Factors) -> None:
    user, movie = 7, 25
    ends = np.array([log.end])
    own = log.histories
    rows = slice(int(own.starts[user]), int(own.starts[user + 1]))
    watched, rating = own.movie[rows], own.rating[rows]
    about = user_features(
        np.array([0, len(watched)]), watched, factors.content, int(factors.directions[0])
    )[0]
    answers: list[float] = []
    for s in range(len(factors.movies)):
        vectors: NDArray[np.float64] = factors.movies[s].astype(np.float64)
        design = np.column_stack([np.ones(len(watched)), vectors[watched, 1:]])
        residual = rating - factors.level[0] - vectors[watched, 0]
        prior: NDArray[np.float64] = factors.user_precisions[s]
        noise = float(factors.noise_precisions[s])
        moment: NDArray[np.float64] = (
            prior @ (about @ factors.user_means[s]) + noise * design.T @ residual
        )
        precision: NDArray[np.float64] = prior + noise * design.T @ design
        x = np.linalg.solve(precision, moment).astype(np.float64)
        probe = np.append(1.0, vectors[movie, 1:])
        answers.append((factors.level[0] + vectors[movie, 0] + probe @ x).item())
    one = np.array([user], np.int32)
    query = Queries(one, one, np.array([movie], np.int32), ends)
    assert fold_in(factors, log, query).rating[0] == pytest.approx(np.mean(answers))


def test_answers_do_not_depend_on_what_else_is_asked(log: InteractionLog, factors: Factors) -> None:
    queries = log.rating_queries()
    together = fold_in(factors, log, queries)
    rows = np.array([5, 900, 17, 4000])
    alone = fold_in(factors, log, queries.part(rows))
    np.testing.assert_array_equal(alone.rating, together.rating[rows])
    np.testing.assert_array_equal(alone.values, together.values[rows])


def test_a_nobody_and_an_unknown_movie_are_answered(log: InteractionLog, factors: Factors) -> None:
    nobody = np.array([-1], dtype=np.int32)
    query = Queries(nobody, nobody, nobody, np.array([log.end]))
    folded = fold_in(factors, log, query)
    assert np.isfinite(folded.rating).all()
    assert np.isfinite(folded.values).all()


def test_the_more_is_known_of_a_user_the_surer_the_factors(
    log: InteractionLog, factors: Factors
) -> None:
    own = log.histories
    user = int(np.argmax(np.diff(own.starts)))
    times = own.times[own.starts[user] : own.starts[user + 1]]
    # Of seldom watched movies the movie's own vector is what is doubtful.
    movies = np.argsort(-np.bincount(log.movie))[:100].astype(np.int32)
    row = np.full(100, user, dtype=np.int32)
    spreads = [
        float(fold_in(factors, log, Queries(row, row, movies, moment)).values[:, 0].mean())
        for moment in (np.full(100, times[0]), np.full(100, times[-1] + 1))
    ]
    assert spreads[1] < 0.8 * spreads[0]


def test_refreshed_factors_know_nothing_after_a_questions_moment(small: Tables) -> None:
    """Factors follow later ratings; scrambling those from a moment on changes nothing before it."""
    quick = {"networks": 1, "folds": 2, "loop": {"epochs": 1}}
    settings = parse_settings("ensemble", {**quick, "factors": [QUICK.model_dump()]})
    place = small.ratings.height // 2
    base, later = small.ratings[:place], small.ratings[place:]
    model = train_on(InteractionLog.of(base, Catalogue.of(small.movies)), "ensemble", settings, 0)
    moment = int(later["timestamp"][int(0.6 * later.height)])
    future = later["timestamp"].to_numpy() >= moment
    rating = later["rating"].to_numpy().copy()
    rating[future] = np.random.default_rng(0).permutation(rating[future])
    one = model.observe(later)
    other = model.observe(later.with_columns(pl.Series("rating", rating)))
    asked = later.filter(pl.col("timestamp") <= moment).drop("rating")
    first, second = one.predict(asked)["prediction"], other.predict(asked)["prediction"]
    np.testing.assert_array_equal(first.to_numpy(), second.to_numpy())
    predictor = one.predictor
    assert isinstance(predictor, EnsemblePredictor)
    assert len(predictor.factors.versions) > 5
    frozen = model.predict(asked)["prediction"].to_numpy()
    assert (first.to_numpy() != frozen).any()


def test_who_watches_alike_stands_alike_along_the_watch_directions() -> None:
    """Two crowds that share no movie: the first direction tells them apart."""
    tables = tables_of(
        pl.DataFrame(
            [(u, m, 3.0, u) for u in range(1, 41) for m in range(1, 11) if (u + m) % 2 == 0],
            schema=["userId", "movieId", "rating", "timestamp"],
            orient="row",
        ).cast({"userId": pl.Int64, "movieId": pl.Int64})
    )
    log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
    side = side_information(log.catalogue, log.user.astype(np.intp), log.movie, 1)
    own = log.histories
    along = user_features(own.starts, own.movie, side.content, side.directions)[:, -1]
    odd = along[log.users.ids % 2 == 1]
    even = along[log.users.ids % 2 == 0]
    assert abs(odd.mean() - even.mean()) > 5 * (odd.std() + even.std())
    none = side_information(log.catalogue, log.user.astype(np.intp), log.movie, 0)
    assert none.directions == 0
