"""Two-stage scoring returns the ranking of scoring all movies."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foreseen.compute.threads import one_thread
from foreseen.data.canonical import Tables
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.ranking.rank import CRITERIA, By, rank
from foreseen.ranking.two_stage import TwoStageScorer

QUICK: dict[str, object] = {
    "folds": 2,
    "factors": [{"sweeps": 8, "burn_in": 4, "samples": 2, "rank": 4}],
    "loop": {"epochs": 1},
}


@pytest.fixture(scope="module", params=["bias", "ensemble"])
def model(request: pytest.FixtureRequest, small: Tables) -> Model:
    settings = parse_settings(request.param, QUICK if request.param == "ensemble" else None)
    return train(small, request.param, settings)


@pytest.mark.parametrize("by", CRITERIA)
def test_the_best_movies_are_those_of_the_full_ranking(model: Model, by: By) -> None:
    movies = model.log.catalogue.movies
    before = model.log.end
    for user in map(int, model.log.users.ids[::12]):
        history = model.history(user)
        watched = np.zeros(len(movies), dtype=np.bool_)
        watched[movies.rows(history.movies)] = True
        scores = model.score([history], movies.ids, before - 1)
        scorer = TwoStageScorer(model, history, before)
        chosen = scorer.best(by, watched, 12)
        np.testing.assert_array_equal(chosen, rank(CRITERIA[by](scores)[0], watched, 12))
        for name in ("mean", "low", "high", "standard_error"):
            two_stage = getattr(scorer.scores.predictions, name)[0, chosen]
            full = getattr(scores.predictions, name)[0, chosen]
            np.testing.assert_allclose(two_stage, full, atol=1e-9)
        for name in ("likely", "p_next_liked"):
            two_stage, full = getattr(scorer.scores, name), getattr(scores, name)
            np.testing.assert_allclose(two_stage[0, chosen], full[0, chosen], atol=1e-9)


def test_a_pool_changes_no_ranking(model: Model) -> None:
    watched = np.zeros(len(model.log.catalogue), dtype=np.bool_)
    # As a server, which keeps its libraries to one thread.
    with one_thread(), ThreadPoolExecutor(1) as pool:
        for user in map(int, model.log.users.ids[:5]):
            history = model.history(user)
            alone = TwoStageScorer(model, history, model.log.end)
            beside = TwoStageScorer(model, history, model.log.end, pool=pool)
            for by in CRITERIA:
                chosen = beside.best(by, watched, 12)
                np.testing.assert_array_equal(chosen, alone.best(by, watched, 12))
            for name in ("likely", "p_next_liked"):
                found, expected = getattr(beside.scores, name), getattr(alone.scores, name)
                np.testing.assert_array_equal(found, expected)


def test_more_movies_are_predicted_where_most_of_the_first_are_excluded(model: Model) -> None:
    history = model.history(int(model.log.users.ids[0]))
    size = len(model.log.catalogue)
    kept = np.ones(size, dtype=np.bool_)
    kept[-30:] = False
    chosen = TwoStageScorer(model, history, model.log.end).best("rating", kept, 50)
    assert set(chosen) == set(range(size - 30, size))


def test_all_films_of_a_rated_franchise_are_predicted(small: Tables) -> None:
    """Their corrections are larger than those of any other movie."""
    model = train(small, "ensemble", parse_settings("ensemble", QUICK))
    catalogue = model.log.catalogue
    franchises = catalogue.franchises[:-1]
    first = int(np.flatnonzero(np.bincount(franchises) > 1)[0])
    films = np.flatnonzero(franchises == first)
    end = model.log.end
    history = History(catalogue.movies.ids[films[:1]], np.array([5.0]), np.array([end - 1]))
    excluded = np.zeros(len(catalogue), dtype=np.bool_)
    excluded[films[0]] = True
    scorer = TwoStageScorer(model, history, end)
    scorer.best("rating", excluded, 1)
    assert np.isfinite(scorer.scores.predictions.mean[0, films[1:]]).all()


def test_an_exact_scorer_predicts_all_movies_at_once(model: Model) -> None:
    history = model.history(int(model.log.users.ids[0]))
    scorer = TwoStageScorer(model, history, model.log.end, exact=True)
    scores = model.score([history], model.log.catalogue.movies.ids, model.log.end - 1)
    mean = scorer.scores.predictions.mean
    np.testing.assert_allclose(mean, scores.predictions.mean, atol=1e-9)
