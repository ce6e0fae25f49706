"""Ranking at once gives what scoring everything gives."""

import numpy as np
import pytest

from foreseen.data.canonical import Tables
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.ranking.explain import influences
from foreseen.ranking.recommend import WORTH, rank
from foreseen.ranking.two_stage import TwoStageScorer

QUICK: dict[str, object] = {
    "networks": 1,
    "folds": 2,
    "factors": [{"sweeps": 8, "burn_in": 4, "samples": 2, "rank": 4}],
    "loop": {"epochs": 1},
}


@pytest.fixture(scope="module", params=["bias", "ensemble"])
def model(request: pytest.FixtureRequest, small: Tables) -> Model:
    settings = parse_settings(request.param, QUICK if request.param == "ensemble" else None)
    return train(small, request.param, settings)


@pytest.mark.parametrize("by", ["rating", "likely", "blend"])
def test_the_best_are_those_of_the_whole_ranking(model: Model, by: str) -> None:
    movies = model.log.catalogue.movies
    before = model.log.end
    for user in map(int, model.log.users.ids[::12]):
        history = model.history(user)
        watched = np.zeros(len(movies), dtype=np.bool_)
        watched[movies.rows(history.movies)] = True
        scores = model.score([history], movies.ids, before - 1)
        own = TwoStageScorer(model, history, before)
        chosen = own.best(by, watched, 12)  # pyright: ignore[reportArgumentType]
        whole = rank(WORTH[by](scores)[0], watched, 12)  # pyright: ignore[reportArgumentType]
        np.testing.assert_array_equal(chosen, whole)
        for name in ("rating", "low", "high", "likely", "welcome", "doubt"):
            given, full = getattr(own.scores, name)[0, chosen], getattr(scores, name)[0, chosen]
            np.testing.assert_allclose(given, full, atol=1e-9)


def test_a_shortlist_grows_when_little_is_left_of_the_first(model: Model) -> None:
    history = model.history(int(model.log.users.ids[0]))
    size = len(model.log.catalogue)
    kept = np.ones(size, dtype=np.bool_)
    kept[-30:] = False
    chosen = TwoStageScorer(model, history, model.log.end).best("rating", kept, 50)
    assert set(chosen) == set(range(size - 30, size))


def test_all_films_of_a_series_are_asked_about_where_one_is_rated(small: Tables) -> None:
    """What is said of them at a glance leads nowhere near: they are corrected like no others."""
    model = train(small, "ensemble", parse_settings("ensemble", QUICK))
    catalogue = model.log.catalogue
    series = catalogue.franchises[:-1]
    first = int(np.flatnonzero(np.bincount(series) > 1)[0])
    films = np.flatnonzero(series == first)
    end = model.log.end
    history = History(catalogue.movies.ids[films[:1]], np.array([5.0]), np.array([end - 1]))
    left_out = np.zeros(len(catalogue), dtype=np.bool_)
    left_out[films[0]] = True
    own = TwoStageScorer(model, history, end)
    own.best("rating", left_out, 1)
    assert np.isfinite(own.scores.rating[0, films[1:]]).all()


def test_an_influence_is_what_removing_the_rating_takes_away(model: Model) -> None:
    history = model.history(int(model.log.users.ids[3]))
    before = model.log.end
    movies = np.array([318, 1])
    found = influences(model, history, movies, before)
    ids = model.log.catalogue.movies
    for movie, own in zip(movies, found, strict=True):
        assert sorted(entry.movie for entry in own) == sorted(history.movies)
        strongest = own[0]
        assert abs(strongest.effect) == max(abs(entry.effect) for entry in own)
        whole = model.score([history], ids.ids[ids.rows([movie])], before - 1).rating.item()
        rest = history.without(strongest.movie)
        less = model.score([rest], ids.ids[ids.rows([movie])], before - 1).rating.item()
        assert strongest.effect == pytest.approx(whole - less, abs=1e-6)
