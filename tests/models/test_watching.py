"""What is watched next: learned from the order of histories, known only as of the moment."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import tables_of

from foreseen.canonical import Tables
from foreseen.catalogue import Catalogue
from foreseen.features.candidates import CANDIDATE_FEATURES, Popularity, find_candidates
from foreseen.features.timeline import Timeline
from foreseen.models.watching import Watching, fit_watching
from foreseen.schema import RATINGS_SCHEMA


@pytest.fixture(scope="module")
def series() -> Timeline:
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
    return Timeline.of(tables.ratings, Catalogue.of(tables.movies))


@pytest.fixture(scope="module")
def learned(series: Timeline) -> Watching:
    return fit_watching(series, seed=0)


def test_the_next_of_a_series_leads(series: Timeline, learned: Watching) -> None:
    own = series.histories
    hits = 0
    for user in range(50, 80):
        before = int(own.times[own.starts[user] + 3]) + 1
        follows, _ = learned.shares(series, series, 80, before)
        hits += int(np.argmax(follows[user])) == int(own.movie[own.starts[user] + 4])
    assert hits >= 24


def test_shares_sum_to_one_and_the_unknown_movie_has_none(
    series: Timeline, learned: Watching
) -> None:
    for shares in learned.shares(series, series, 80, series.end):
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert (shares[:, -1] == 0).all()
        assert (shares[:, :-1] >= 0).all()


def test_what_is_watched_already_is_no_candidate(small: Tables) -> None:
    log = Timeline.of(small.ratings, Catalogue.of(small.movies))
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
    logs = [Timeline.of(frame, Catalogue.of(small.movies)) for frame in (small.ratings, other)]
    learned = fit_watching(logs[0], seed=0)
    first, second = (learned.shares(log, log, 10, moment) for log in logs)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_a_newcomer_is_shown_what_is_popular(small: Tables) -> None:
    log = Timeline.of(small.ratings, Catalogue.of(small.movies))
    learned = fit_watching(log, seed=0)
    user = int(log.histories.times[log.histories.starts[:-1]].argmax())
    before = int(log.histories.times[log.histories.starts[user]])
    _, welcome = learned.shares(log, log, user + 1, before)
    views = Popularity.of(log, before).views
    best = np.argsort(-welcome[user, :-1])[:10]
    assert views[best].mean() > 5 * views.mean()
