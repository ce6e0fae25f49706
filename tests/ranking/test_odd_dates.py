"""Rankings and predictions after ratings with dates far from those of the rest of the log."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of

from foreseen.candidates.next_item import UNTRAINED
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.hybrid import HybridSettings
from foreseen.models.train import train_on
from foreseen.ranking.recommend import recommend

YEAR = 365 * 86_400
STRANGER = 9_000_000
ODD_USER, ODD_MOVIE = 6_000_000, 1


@pytest.fixture(scope="module")
def model(log: InteractionLog) -> Model:
    loop = HybridSettings().loop.model_copy(update={"epochs": 3})
    return train_on(log, "hybrid", HybridSettings(loop=loop), 0, next_item=UNTRAINED)


def rating_at(second: int) -> pl.DataFrame:
    return ratings_of((ODD_USER, ODD_MOVIE, 4.0, second))


@pytest.mark.parametrize("years", [10, 80])
def test_one_rating_dated_years_later_leaves_rankings_and_predictions_as_they_were(
    model: Model, years: int
) -> None:
    observed = model.observe(rating_at(model.log.end + years * YEAR))
    users = [STRANGER, *(int(user) for user in model.log.users.ids[:3])]
    for user in users:
        movies = model.log.catalogue.movies.ids
        movies = movies[movies != ODD_MOVIE]
        before, after = (m.score([m.history(user)], movies) for m in (model, observed))
        assert np.abs(after.predictions.mean - before.predictions.mean).max() <= 0.15
        top, top_after = (
            {entry.movie for entry in recommend(m, [user], k=20)[0].recommendations}
            for m in (model, observed)
        )
        assert len(top & top_after) >= 17


def test_a_prediction_before_a_rating_with_a_later_date_does_not_change(model: Model) -> None:
    end = model.log.end
    observed = model.observe(rating_at(end + 10 * YEAR))
    movies = model.log.catalogue.movies.ids
    before, after = (m.score([History.empty()], movies, end - 1) for m in (model, observed))
    np.testing.assert_array_equal(after.predictions.mean, before.predictions.mean)
