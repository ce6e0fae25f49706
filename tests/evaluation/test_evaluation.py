from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.errors import InputError
from foreseen.evaluation.metrics import (
    bootstrap,
    ndcg,
    order_quality,
    paired_differences,
    pairwise_accuracy,
    rating_errors,
    recovered_fraction,
)
from foreseen.evaluation.protocols import GLOBAL_MEAN, PROTOCOLS, with_activity
from foreseen.evaluation.ranking_metrics import list_quality, wanted_by
from foreseen.evaluation.report import summarise_all, write_report
from foreseen.evaluation.splits import cut, fold_in, leave_last_out, random_folds
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.ranking.recommend import recommend


def test_errors_are_those_computed_by_hand() -> None:
    answers = pl.DataFrame(
        {"userId": [1, 1, 2], "rating": [4.0, 2.0, 5.0], "prediction": [3.0, 2.0, 3.0]}
    )
    errors = rating_errors(answers)
    assert errors["rmse"].value == pytest.approx(np.sqrt(5 / 3))
    assert errors["mae"].value == pytest.approx(1)
    assert errors["rmse_user"].value == pytest.approx((np.sqrt(0.5) + 2) / 2)
    assert errors["rmse"].low <= errors["rmse"].value <= errors["rmse"].high


def test_ndcg_and_pairs_are_those_computed_by_hand() -> None:
    rating = np.array([3.0, 5.0, 1.0])
    predicted = np.array([0.9, 0.5, 0.1])
    gain = 2**rating - 1
    ideal = gain[1] + gain[0] / np.log2(3) + gain[2] / 2
    assert ndcg(gain, predicted) == pytest.approx(
        (gain[0] + gain[1] / np.log2(3) + gain[2] / 2) / ideal
    )
    assert pairwise_accuracy(rating, predicted) == pytest.approx(2 / 3)
    assert pairwise_accuracy(rating, np.zeros(3)) == 0.5


def test_paired_differences_are_those_computed_by_hand() -> None:
    rating = [4.0, 2.0, 5.0, 1.0]
    events = pl.DataFrame({"userId": [1, 1, 2, 2], "rating": rating})
    first = events.with_columns(pl.Series("prediction", [4.0, 3.0, 4.0, 1.0]))
    second = events.with_columns(pl.Series("prediction", [2.0, 4.0, 4.0, 3.0]))
    found = paired_differences(first, second)
    assert found["rmse"].value == pytest.approx(np.sqrt(13 / 4) - np.sqrt(2 / 4))
    assert found["rmse_user"].value == pytest.approx(
        (2 + np.sqrt(2.5)) / 2 - (np.sqrt(0.5) + np.sqrt(0.5)) / 2
    )
    assert found["ndcg10"].value < 0
    frozen = events.with_columns(pl.Series("prediction", [1.0, 5.0, 1.0, 5.0]))
    whole = recovered_fraction(frozen, first, first)
    assert whole is not None
    assert whole.value == pytest.approx(1)
    assert recovered_fraction(first, first, second) is None


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_pairs_in_order_are_those_counted_one_by_one(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    rating = generator.integers(1, 11, count) / 2
    rating[0] = 0.0
    predicted = np.round(generator.normal(size=count), 1)
    points = [
        0.5 * ((predicted[a] > predicted[b]) + float(predicted[a] >= predicted[b]))
        for a in range(count)
        for b in range(count)
        if rating[a] > rating[b]
    ]
    assert pairwise_accuracy(rating, predicted) == pytest.approx(np.mean(points))


def test_users_whose_ratings_are_all_alike_tell_nothing_about_order() -> None:
    answers = pl.DataFrame({"userId": [1, 1], "rating": [4.0, 4.0], "prediction": [3.0, 2.0]})
    assert order_quality(answers) == {}


def test_the_interval_narrows_with_users() -> None:
    def width(users: int) -> float:
        values = np.random.default_rng(0).normal(size=users)
        low, high = bootstrap(lambda w: (w @ values) / w.sum(axis=1), users)
        return high - low

    assert width(400) < 0.6 * width(50)


@given(st.integers(0, 1000), st.integers(20, 120))
@settings(max_examples=30, deadline=None)
def test_fold_in_reveals_half_of_each_new_user_and_hides_the_rest(seed: int, count: int) -> None:
    ratings = tables_of(random_ratings(seed, count, users=20)).ratings
    try:
        split = fold_in(ratings)
    except InputError:
        return
    old = set(split.known["userId"].to_list())
    assert not old & set(split.revealed["userId"].to_list())
    assert split.known.height == int(0.8 * count)
    for frame in split.revealed.partition_by("userId"):
        user = frame["userId"][0]
        hidden = split.hidden.filter(pl.col("userId") == user)
        assert frame.height == max(1, (frame.height + hidden.height) // 2)
        if hidden.height:
            assert frame["timestamp"].to_numpy().max() <= hidden["timestamp"].to_numpy().min()


def test_a_cut_keeps_time_order_and_loses_nothing() -> None:
    ratings = tables_of(random_ratings(1, 50)).ratings
    past, later = cut(ratings, 0.9)
    assert (past.height, later.height) == (45, 5)
    assert past["timestamp"][-1] <= later["timestamp"][0]
    with pytest.raises(InputError):
        cut(ratings.head(1), 0.9)


def test_activity_buckets_hold_their_edges() -> None:
    frame = with_activity(pl.DataFrame({"known": [0, 1, 5, 6, 20, 21, 100, 101]}))
    assert frame["activity"].to_list() == [
        "0", "1-5", "1-5", "6-20", "6-20", "21-100", "21-100", ">100",
    ]  # fmt: skip


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_a_protocol_answers_every_event_and_is_reported(
    protocol: str, small: Tables, tmp_path: Path
) -> None:
    summaries = summarise_all(
        [
            answers
            for name, chosen in ((GLOBAL_MEAN, None), ("bias", parse_settings("bias")))
            for answers in PROTOCOLS[protocol](small)(name, chosen, 0)
        ]
    )
    by_model = {(s["model"], s["setting"]): s for s in summaries}
    for (name, setting), summary in by_model.items():
        if name != GLOBAL_MEAN:
            assert summary["rmse"]["value"] < by_model[GLOBAL_MEAN, setting]["rmse"]["value"]
            assert sum(part["events"] for part in summary["cells"]) == summary["events"]
            assert sum(part["events"] for part in summary["activity"]) == summary["events"]
        else:
            paired = summary["less_best"]["rmse"]
            gap = summary["rmse"]["value"] - by_model["bias", setting]["rmse"]["value"]
            assert paired["value"] == pytest.approx(gap)
            assert paired["low"] < paired["value"] < paired["high"]
    write_report(protocol, "test", summaries, tmp_path)
    assert "data:image/png" in (tmp_path / "report.html").read_text()
    assert {file.name for file in tmp_path.iterdir()} == {
        "metrics.json", "activity.csv", "activity.png", "report.html",
    }  # fmt: skip


def test_events_of_the_same_second_do_not_know_each_other() -> None:
    past = [(user, movie, 3.0, 100 + user) for user in range(9) for movie in range(10)]
    late = [(50, movie, 5.0, 1000) for movie in range(10)]
    tables = tables_of(ratings_of(*past, *late))
    live = PROTOCOLS["stream"](tables)("bias", parse_settings("bias"), 0)[0].events
    assert live["known"].to_list() == [0] * 10
    assert live["prediction"].n_unique() == 1


@given(seed=st.integers(0, 500), count=st.integers(2, 150))
def test_leaving_the_last_out_splits_off_one_rating_of_each_user_who_has_two(
    seed: int, count: int
) -> None:
    ratings = tables_of(random_ratings(seed, count)).ratings
    several = ratings.group_by("userId").len().filter(pl.col("len") > 1)
    if several.is_empty():
        return
    known, last, tied = leave_last_out(ratings)
    assert sorted(last["userId"]) == sorted(several["userId"])
    assert pl.concat([known, last]).sort(ratings.columns).equals(ratings.sort(ratings.columns))
    latest = known.group_by("userId").agg(latest=pl.col("timestamp").max())
    both = last.join(latest, on="userId")
    assert (both["timestamp"] >= both["latest"]).all()
    assert tied == (both["timestamp"] == both["latest"]).sum()


def test_folds_are_of_even_size_and_the_same_each_time() -> None:
    ratings = random_ratings(0, 103)
    folds = random_folds(ratings)
    assert sorted(folds.value_counts()["count"]) == [20, 20, 21, 21, 21]
    assert folds.equals(random_folds(ratings))


def test_lists_are_measured_as_by_hand(small: Tables) -> None:
    known, last, _ = leave_last_out(small.ratings)
    model = train(replace(small, ratings=known), "bias")
    wanted = wanted_by(model, last, least=0)
    measured = list_quality(model, wanted)
    assert measured["likely"]["users"] == len(wanted) == 60
    hits: list[float] = []
    gains: list[float] = []
    for ranking, user in zip(
        recommend(model, [w.user for w in wanted], k=10, by="likely"), wanted, strict=True
    ):
        top = [entry.movie for entry in ranking.recommendations]
        hits.append(user.next in top)
        gains.append(1 / np.log2(top.index(user.next) + 2) if user.next in top else 0)
    assert measured["likely"]["next_hit10"]["value"] == pytest.approx(np.mean(hits))
    assert measured["likely"]["ndcg10"]["value"] == pytest.approx(np.mean(gains))
    assert 0 < measured["blend"]["coverage"] < 1


def test_what_users_did_not_like_later_is_not_wanted(small: Tables) -> None:
    past, later = cut(small.ratings, 0.9)
    model = train(replace(small, ratings=past), "bias")
    wanted = wanted_by(model, later)
    liked = later.filter(pl.col("rating") >= 4)
    assert {w.user for w in wanted} == set(liked["userId"])
    assert sum(len(w.relevant) for w in wanted) == liked.height


@pytest.mark.parametrize("protocol", ["random", "leave-last-out", "calendar-ranking"])
def test_the_other_protocols_answer_every_held_out_rating(protocol: str, small: Tables) -> None:
    mean, own = (
        PROTOCOLS[protocol](small)(name, settings, 0)[0]
        for name, settings in ((GLOBAL_MEAN, None), ("bias", parse_settings("bias")))
    )
    assert mean.events.height == own.events.height > 50
    assert rating_errors(own.events)["rmse"].value < rating_errors(mean.events)["rmse"].value
    assert np.isfinite(own.events["prediction"].to_numpy()).all()
