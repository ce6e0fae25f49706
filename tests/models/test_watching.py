"""What is watched next: learned from the order of histories, known only as of the moment."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.candidates.generator import CANDIDATE_FEATURES, Popularity, find_candidates
from foreseen.candidates.next_item import (
    UNTRAINED,
    NextItemModel,
    candidate_queries,
    fit_next_item,
    sample_examples,
)
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.spec import parse_settings
from foreseen.models.train import train


@pytest.fixture(scope="module")
def series() -> InteractionLog:
    """Eighty people who go through a series in order, each from a place of their own."""
    generator = np.random.default_rng(0)
    firsts = generator.integers(1, 31, 80).tolist()
    rows = [
        (user + 1, first + n, 4.0, 100_000 * user + 60 * n)
        for user, first in enumerate(firsts)
        for n in range(8)
    ]
    frame = pl.DataFrame(rows, schema=RATINGS_SCHEMA, orient="row")
    tables = tables_of(frame)
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


@pytest.fixture(scope="module")
def learned(series: InteractionLog) -> NextItemModel:
    return fit_next_item(sample_examples(series, seed=0))


def test_the_next_of_a_series_leads(series: InteractionLog, learned: NextItemModel) -> None:
    own = series.histories
    hits = 0
    for user in range(50, 80):
        before = int(own.times[own.starts[user] + 3]) + 1
        follows, _ = learned.shares(series, series, 80, before)
        hits += int(np.argmax(follows[user])) == int(own.movie[own.starts[user] + 4])
    assert hits >= 24


def test_shares_sum_to_one_and_the_unknown_movie_has_none(
    series: InteractionLog, learned: NextItemModel
) -> None:
    for shares in learned.shares(series, series, 80, series.end):
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert (shares[:, -1] == 0).all()
        assert (shares[:, :-1] >= 0).all()


def test_what_is_watched_already_is_no_candidate(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    popularity = Popularity.of(log, log.end)
    for user in (0, 3, 20):
        candidates = find_candidates(log, log, user, log.end, popularity)
        own = log.histories
        assert not np.isin(
            candidates.movies, own.movie[own.starts[user] : own.starts[user + 1]]
        ).any()
        assert candidates.values.shape == (len(candidates.movies), len(CANDIDATE_FEATURES))
        assert np.isfinite(candidates.values).all()


def test_scrambling_the_future_leaves_the_shares_as_they_are(small: Tables) -> None:
    moment = int(small.ratings["timestamp"][small.ratings.height // 2])
    future = small.ratings["timestamp"].to_numpy() >= moment
    rating = small.ratings["rating"].to_numpy().copy()
    rating[future] = 5.5 - rating[future]
    other = small.ratings.with_columns(pl.Series("rating", rating))
    logs = [
        InteractionLog.of(frame, Catalogue.of(small.movies)) for frame in (small.ratings, other)
    ]
    learned = fit_next_item(sample_examples(logs[0], seed=0))
    first, second = (learned.shares(log, log, 10, moment) for log in logs)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_a_newcomer_is_shown_what_is_popular(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    learned = fit_next_item(sample_examples(log, seed=0))
    user = int(log.histories.times[log.histories.starts[:-1]].argmax())
    before = int(log.histories.times[log.histories.starts[user]])
    _, p_next_liked = learned.shares(log, log, user + 1, before)
    views = Popularity.of(log, before).views
    best = np.argsort(-p_next_liked[user, :-1])[:10]
    assert views[best].mean() > 5 * views.mean()


def test_what_is_foretold_of_candidates_is_told_beyond_their_worth(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    candidates = find_candidates(log, log, 3, log.end, Popularity.of(log, log.end))
    worth = candidates.values[:, CANDIDATE_FEATURES.index("movie_bias")]
    told = candidates.foretold(worth + 0.25)
    np.testing.assert_allclose(told.values[:, CANDIDATE_FEATURES.index("factor_rating")], 0.25)
    assert not candidates.values[:, CANDIDATE_FEATURES.index("factor_rating")].any()


def test_questions_ask_for_each_candidate_as_of_the_cut(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    questions = sample_examples(log, seed=0)
    asked = candidate_queries(questions)
    count = len(questions[0].candidates.movies)
    np.testing.assert_array_equal(asked.movie[:count], questions[0].candidates.movies)
    assert (asked.before[:count] == questions[0].before).all()
    assert len(asked) == sum(len(own.candidates.movies) for own in questions)


def test_a_log_without_a_question_is_learned_nothing_from() -> None:
    nothing = candidate_queries([])
    assert len(nothing) == 0
    learned = fit_next_item([], np.empty(0))
    assert not any(learned.liked.values)
    assert learned == fit_next_item([])


def test_what_foretells_who_likes_what_raises_it(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    questions = sample_examples(log, seed=0)
    generator = np.random.default_rng(0)
    liked = np.concatenate([question.liked for question in questions])
    learned = fit_next_item(questions, 3 + liked + 0.3 * generator.standard_normal(len(liked)))
    place = CANDIDATE_FEATURES.index("factor_rating")
    assert learned.liked.values[place] > 0.5
    assert fit_next_item(questions).liked.values[place] == 0


def test_what_the_ensemble_foretells_moves_its_lists_and_only_its(small: Tables) -> None:
    place = CANDIDATE_FEATURES.index("factor_rating")
    quick = {
        "networks": 1,
        "folds": 2,
        "factors": [{"sweeps": 8, "burn_in": 4, "samples": 2, "rank": 3}],
        "loop": {"epochs": 1},
    }
    model = train(small, "ensemble", parse_settings("ensemble", quick))
    assert model.next_item.liked.values[place] != 0
    assert train(small, "bias").next_item.liked.values[place] == 0
    log = model.log
    first_stage_scores = model.first_stage_scores(log, 5, log.end)
    assert first_stage_scores is not None
    told, untold = (
        model.next_item.shares(log, log, 5, log.end, own) for own in (first_stage_scores, None)
    )
    assert not np.allclose(told[1], untold[1])
    scores = model.score([model.history(int(log.users.ids[4]))], log.catalogue.movies.ids)
    np.testing.assert_allclose(scores.p_next_liked[0], told[1][4, :-1], rtol=1e-9)
    assert UNTRAINED.shares(log, log, 5, log.end, first_stage_scores)[1].shape == told[1].shape


def test_films_of_a_series_are_told_how_the_others_were_liked(small: Tables) -> None:
    log = InteractionLog.of(small.ratings, Catalogue.of(small.movies))
    popularity, series, own = Popularity.of(log, log.end), log.catalogue.franchises, log.histories
    places = [CANDIDATE_FEATURES.index(name) for name in ("series_watched", "series_liked")]
    met = 0
    for user in range(0, len(log.users), 5):
        rows = slice(int(own.starts[user]), int(own.starts[user + 1]))
        mean = own.rating[rows].mean()
        candidates = find_candidates(log, log, user, log.end, popularity)
        for movie, told in zip(candidates.movies, candidates.values[:, places], strict=True):
            same = series[own.movie[rows]] == series[movie]
            surplus = float((own.rating[rows][same] - mean).sum())
            expected = (np.log1p(same.sum()), surplus / (same.sum() + 1))
            np.testing.assert_allclose(told, expected, atol=1e-9)
            met += int(same.any())
    assert met > 20
