"""Staleness: the same test ratings, predicted by models trained at different ages."""

from foreseen.data.canonical import Tables
from foreseen.drift.staleness import staleness
from foreseen.models.spec import parse_settings


def test_the_error_of_older_models_is_compared_with_the_youngest(small: Tables) -> None:
    young, old = staleness(small, "bias", parse_settings("bias"), 0, (0, 365))
    assert (young["days"], old["days"]) == (0, 365)
    assert small.ratings.height * 0.8 < young["learned_from"] <= small.ratings.height * 0.9
    assert old["learned_from"] < young["learned_from"]
    assert young["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    difference = old["rmse"]["value"] - young["rmse"]["value"]
    assert abs(old["difference"]["value"] - difference) < 1e-12


def test_ages_that_leave_too_few_training_ratings_are_left_out(small: Tables) -> None:
    assert staleness(small, "bias", parse_settings("bias"), 0, (100_000,)) == []
