"""Rankings as text, JSON and HTML."""

import json

import pytest

from foreseen.ranking.results import Ranking, Recommendation


def recommendation(prediction: float | None) -> Recommendation:
    low, high = (None, None) if prediction is None else (prediction - 1, prediction + 0.5)
    return Recommendation(
        "tt0114369", "Seven <b>", 1995, ("Crime",), prediction, low, high, 0.125, "why & how", ()
    )


@pytest.mark.parametrize("prediction", [4.25, None])
def test_a_ranking_can_be_written_as_json(prediction: float | None) -> None:
    ranking = Ranking("zoë", True, (recommendation(prediction),))
    document = json.loads(json.dumps(ranking.as_json()))
    assert document["userId"] == "zoë"
    assert document["recommendations"][0]["movieId"] == "tt0114369"
    assert document["recommendations"][0]["prediction"] == prediction


def test_a_ranking_reads_as_a_list_of_titles() -> None:
    assert str(Ranking(7, True, (recommendation(4.25),))).splitlines() == [
        "user 7",
        "  1. Seven <b> (1995)  4.25 (3.2 to 4.8)",
    ]
    assert str(Ranking(7, False, (recommendation(None),))).splitlines() == [
        "user 7 (no ratings)",
        "  1. Seven <b> (1995)  12.5%",
    ]


def test_text_in_html_is_escaped() -> None:
    html = Ranking("<i>", True, (recommendation(4.25),))._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert "Seven &lt;b&gt; (1995)" in html
    assert "why &amp; how" in html
    assert "user &lt;i&gt;" in html
