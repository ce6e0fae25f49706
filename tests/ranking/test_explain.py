"""Sentences and influences."""

import numpy as np
import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features.interaction_log import InteractionLog, UserContext
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.train import train
from foreseen.ranking.explain import explain, influences


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    return train(small, "bias")


def context_of(model: Model, history: History) -> UserContext:
    return UserContext(model.log.view_of([history]), 0, model.log.end, history)


def test_an_influence_is_the_difference_of_predictions_with_and_without_the_rating(
    model: Model,
) -> None:
    history = model.history(int(model.log.users.ids[3]))
    ids, before = model.log.catalogue.movies, model.log.end
    movies = np.array([318, 1])
    found = influences(model, context_of(model, history), ids.rows(movies))
    for movie, entries in zip(movies, found, strict=True):
        assert sorted(entry.movie for entry in entries) == sorted(history.movies)
        strongest = entries[0]
        assert abs(strongest.effect) == max(abs(entry.effect) for entry in entries)
        candidate = np.array([movie])
        whole = model.score([history], candidate, before - 1).predictions.mean.item()
        rest = history.without(int(strongest.movie))
        less = model.score([rest], candidate, before - 1).predictions.mean.item()
        assert strongest.effect == pytest.approx(whole - less, abs=1e-6)


def test_no_ratings_have_no_influences(model: Model) -> None:
    rows = np.array([0, 1], dtype=np.int32)
    assert influences(model, context_of(model, History.empty()), rows) == [[], []]


def test_only_the_latest_ratings_are_tried(model: Model) -> None:
    history = model.history(int(model.log.users.ids[3]))
    found = influences(model, context_of(model, history), np.array([0], dtype=np.int32), most=2)
    latest = set(history.movies[-2:].tolist())
    assert {entry.movie for entry in found[0]} == latest


def test_a_sentence_gives_the_mean_and_the_number_of_ratings() -> None:
    rows = [(1, 7, 4.0, 10), (2, 7, 3.0, 20), (1, 8, 5.0, 30)]
    tables = tables_of(ratings_of(*rows))
    catalogue = Catalogue.of(tables.movies).extended(np.array([9]))
    log = InteractionLog.of(tables.ratings, catalogue)
    context = UserContext(log.view_of([History.empty()]), 0, log.end, History.empty())
    sentences = explain(context, log.catalogue.movies.rows([7, 8, 9]))
    assert [sentence.split(",")[0] for sentence in sentences] == [
        "2 people rate it 3.5", "1 person rates it 5.0", "no ratings yet",
    ]  # fmt: skip
    assert all(sentence.endswith("you have no ratings yet") for sentence in sentences)
