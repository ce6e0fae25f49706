"""Metrics on the scale of the data."""

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.evaluation.units import in_units

DOCUMENT = {
    "model": "bias",
    "rmse": {"value": 1.0, "low": 0.5, "high": 1.5},
    "ndcg10": {"value": 0.7, "low": 0.6, "high": 0.8},
    "activity": [{"activity": "1-5", "rmse": {"value": 2.0, "low": 1.0, "high": 3.0}}],
    "calibration": [{"predicted": 4.0, "given": 3.5}],
    "figures": {"rmse": 0.25, "pairwise": 0.5},
}


def test_errors_are_converted_and_other_metrics_kept() -> None:
    found = in_units([DOCUMENT], RatingScale(1, 10, 1))[0]
    assert found["rmse"] == {"value": 2.0, "low": 1.0, "high": 3.0}
    assert found["ndcg10"] == DOCUMENT["ndcg10"]
    assert found["activity"][0]["rmse"]["value"] == 4.0
    assert found["calibration"] == [{"predicted": 8.0, "given": 7.0}]
    assert found["figures"] == {"rmse": 0.5, "pairwise": 0.5}


def test_metrics_in_stars_stay_as_they_are() -> None:
    assert in_units(DOCUMENT, STARS) is DOCUMENT
