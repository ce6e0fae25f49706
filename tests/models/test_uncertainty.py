"""How far a prediction may be off, and how likely a movie is to be liked."""

from collections.abc import Mapping

import numpy as np
import pytest

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.protocols import answer_events
from foreseen.evaluation.splits import cut
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.predictor import ProbabilisticPredictor
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on

QUICK: Mapping[str, Mapping[str, object]] = {
    "bias": {},
    "history": {"networks": 1, "loop": {"epochs": 2}},
}


@pytest.mark.parametrize("name", QUICK)
def test_later_ratings_lie_in_their_intervals_and_are_liked_as_often_as_foretold(
    small: Tables, name: str
) -> None:
    past, later = cut(small.ratings, 0.9)
    log = InteractionLog.of(past, Catalogue.of(small.movies))
    settings = parse_settings(name, QUICK[name])
    model = train_on(log, name, settings, 0, next_item=UNTRAINED).observe(later)
    events, _ = answer_events(model, later, later["timestamp"].to_numpy().astype(np.int64))
    rating = events["rating"].to_numpy()
    inside = (rating >= events["low"].to_numpy()) & (rating <= events["high"].to_numpy())
    assert 0.7 < inside.mean() < 0.9
    liked, foretold = rating >= 4, events["liked"].to_numpy()
    assert ((foretold >= 0) & (foretold <= 1)).all()
    assert abs(foretold.mean() - liked.mean()) < 0.12
    # Better than to say the same of every movie.
    assert np.mean((foretold - liked) ** 2) < np.var(liked)


def test_a_model_with_a_distribution_tells_its_own_width(small: Tables) -> None:
    past, later = cut(small.ratings, 0.9)
    log = InteractionLog.of(past, Catalogue.of(small.movies))
    settings = parse_settings("history", QUICK["history"])
    model = train_on(log, "history", settings, 0, next_item=UNTRAINED).observe(later)
    assert isinstance(model.predictor, ProbabilisticPredictor)
    user = model.log.users.rows(later["userId"].to_numpy()[:200])
    movie = model.log.catalogue.movies.rows(later["movieId"].to_numpy()[:200])
    before = later["timestamp"].to_numpy()[:200].astype(np.int64)
    queries = Queries(user, user, movie, before)
    answers = model.predict_queries(queries)
    predict_proba = model.predictor.predict_proba(model.log, queries, answers.encoded)
    levels = model.predictor.levels
    mean = predict_proba @ levels
    spread = np.sqrt(((levels[None, :] - mean[:, None]) ** 2 * predict_proba).sum(axis=1))
    np.testing.assert_allclose(predict_proba.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(answers.rating, np.clip(mean, *model.scale), atol=1e-5)
    np.testing.assert_allclose(answers.half, model.uncertainty.reach * spread, rtol=1e-3)
    np.testing.assert_allclose(answers.liked, predict_proba[:, levels >= 4].sum(axis=1))
