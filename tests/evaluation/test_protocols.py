from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.schema import TIMESTAMP
from foreseen.errors import InputError
from foreseen.evaluation import cross_validation
from foreseen.evaluation.metrics import rating_errors
from foreseen.evaluation.protocols import (
    GLOBAL_MEAN,
    PROTOCOLS,
    evaluate_fold_in,
    evaluator_of,
)
from foreseen.evaluation.report import summarise_all
from foreseen.evaluation.results import (
    FIVE_FOLDS,
    FROZEN,
    LIVE,
    ONE_DAY_DELAY,
    Result,
    predict_events,
)
from foreseen.evaluation.segments import ACTIVITY, CELLS
from foreseen.evaluation.splits import cut, fold_in, random_folds
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.installed import model_spec
from foreseen.models.predictions import Predictions
from foreseen.models.predictor import Settings
from foreseen.models.spec import Capabilities, ModelSpec, parse_settings
from foreseen.models.train import train

BIAS = parse_settings("bias")
RANKING = ["foldin", "leave-last-out", "calendar-ranking"]


def evaluate(protocol: str, tables: Tables) -> Mapping[str, list[Result]]:
    """Return the results of the global mean and of `bias`, by setting."""
    evaluator = PROTOCOLS[protocol](tables)
    results = [*evaluator(GLOBAL_MEAN, None, 0), *evaluator("bias", BIAS, 0)]
    settings = dict.fromkeys(result.setting for result in results)
    return {name: [r for r in results if r.setting == name] for name in settings}


@pytest.mark.parametrize("protocol", ["stream", *RANKING, "random"])
def test_a_protocol_predicts_every_test_rating_better_than_the_mean(
    protocol: str, small: Tables
) -> None:
    for mean, bias in evaluate(protocol, small).values():
        assert (mean.model, bias.model) == (GLOBAL_MEAN, "bias")
        assert mean.events.height == bias.events.height > 50
        assert mean.events.select("userId", "movieId").equals(
            bias.events.select("userId", "movieId")
        )
        assert np.isfinite(bias.events["prediction"].to_numpy()).all()
        assert rating_errors(bias.events)["rmse"].value < rating_errors(mean.events)["rmse"].value
        assert set(bias.events["cell"]) <= set(CELLS)
        assert set(bias.events["activity"]) <= set(ACTIVITY)
        assert (mean.ranking is not None) == (protocol in RANKING)
        assert (bias.ranking is not None) == (protocol in RANKING)


def test_ratings_of_the_same_second_are_not_used_to_predict_each_other() -> None:
    past = [(user, movie, 3.0, 100 + user) for user in range(9) for movie in range(10)]
    late = [(50, movie, 5.0, 1000) for movie in range(10)]
    tables = tables_of(ratings_of(*past, *late))
    live = PROTOCOLS["stream"](tables)("bias", BIAS, 0)[0].events
    assert live["known"].to_list() == [0] * 10
    assert live["prediction"].n_unique() == 1


def test_stream_settings_differ_in_how_many_ratings_are_observed(small: Tables) -> None:
    results = {r.setting: r.events for r in PROTOCOLS["stream"](small)("bias", BIAS, 0)}
    assert list(results) == [LIVE, ONE_DAY_DELAY, FROZEN]
    live, delayed, frozen = (events["known"].to_numpy() for events in results.values())
    assert (live >= delayed).all()
    assert (live >= frozen).all()
    assert live.sum() > delayed.sum() > 0


def test_changing_later_ratings_leaves_earlier_predictions_identical(small: Tables) -> None:
    _, later = cut(small.ratings, 0.9)
    changed_from = int(later[TIMESTAMP][later.height // 2])
    rating = pl.when(pl.col(TIMESTAMP) >= changed_from).then(0.5).otherwise("rating")
    changed = replace(small, ratings=small.ratings.with_columns(rating=rating))
    original, altered = (
        PROTOCOLS["stream"](tables)("bias", BIAS, 0)[0].events.filter(
            pl.col(TIMESTAMP) <= changed_from
        )
        for tables in (small, changed)
    )
    assert original["prediction"].equals(altered["prediction"])


def test_fold_in_is_the_same_without_ranking_metrics(small: Tables) -> None:
    split = fold_in(small.ratings)
    model = train(replace(small, ratings=split.known), "bias")
    whole = evaluate_fold_in(model, split, "bias")
    events_only = evaluate_fold_in(model, split, "bias", ranking=False)
    assert whole.ranking is not None
    assert events_only.ranking is None
    assert whole.events.equals(events_only.events)


def test_predicting_events_adds_columns_only(small: Tables) -> None:
    past, later = cut(small.ratings, 0.9)
    model = train(replace(small, ratings=past), "bias").observe(later)
    before = later[TIMESTAMP].to_numpy().astype(np.int64)
    predicted = predict_events(model, later, before)
    assert predicted.select(later.columns).equals(later)
    assert predicted.columns == [*later.columns, "prediction", "low", "high", "liked"]


def test_random_folds_use_the_transductive_variant_of_a_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Constant:
        def predict(self, log: InteractionLog, queries: Queries) -> Predictions:
            del log
            return Predictions(*(np.full(len(queries), 2.5) for _ in range(6)))

    def fit(settings: Settings, log: InteractionLog, seed: int) -> Constant:
        assert settings == BIAS
        assert len(log.rating) == 96
        assert seed == 7
        return Constant()

    def spec(name: str) -> ModelSpec:
        return replace(model_spec(name), capabilities=Capabilities(transductive=fit))

    monkeypatch.setattr(cross_validation, "model_spec", spec)
    tables = tables_of(random_ratings(0, 120))
    (result,) = PROTOCOLS["random"](tables)("bias", BIAS, 7)
    assert (result.model, result.setting) == ("bias", FIVE_FOLDS)
    assert result.events.height == 120
    assert set(result.events["prediction"]) == {2.5}


def test_a_log_without_liked_later_ratings_has_no_ranking_metrics() -> None:
    rows = [(user, movie, 2.0, 10 * user + movie) for user in range(1, 15) for movie in range(1, 5)]
    (results,) = evaluate("calendar-ranking", tables_of(ratings_of(*rows))).values()
    assert results[1].ranking == {}
    assert summarise_all(results)[1]["lists"] == {}


def test_fewer_ratings_than_folds_are_refused() -> None:
    tables = tables_of(random_ratings(0, 4))
    with pytest.raises(InputError, match="4 ratings are too few for 5 folds"):
        evaluate("random", tables)
    with pytest.raises(InputError, match="4 ratings are too few for 10 folds"):
        evaluator_of("random", tables, "", folds=10)


def test_each_of_ten_folds_is_predicted_from_the_other_nine() -> None:
    tables = tables_of(random_ratings(0, 120))
    (mean,) = evaluator_of("random", tables, "", folds=10)(GLOBAL_MEAN, None, 0)
    assert mean.setting == "10 folds"
    assert mean.events.height == 120
    assert mean.events["prediction"].n_unique() > 5
    rating = tables.ratings["rating"]
    fold = random_folds(tables.ratings, 10)
    expected = {float(rating.filter(fold != number).to_numpy().mean()) for number in range(10)}
    assert set(mean.events["prediction"]) == expected
