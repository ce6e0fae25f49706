"""Protocols on the next movie, against cases computed by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.conftest import random_ratings, ratings_of, tables_of, write_folder, zip_folder

from foreseen.data.canonical import Tables, load_data
from foreseen.errors import InputError
from foreseen.evaluation import next_item, temporal_splits
from foreseen.evaluation.evaluator import GLOBAL_MEAN, TrainingData
from foreseen.evaluation.next_item import last_60_days, leave_last, time_to_split
from foreseen.evaluation.rankings import history_of
from foreseen.evaluation.results import (
    ALL,
    LAST,
    LAST_DAYS,
    MOMENT_KNOWN,
    MOMENT_UNKNOWN,
    SUCCESSIVE,
)
from foreseen.evaluation.splits import leave_last_out
from foreseen.features.examples import DAY
from foreseen.models.spec import parse_settings

# User 1 rates 9, then 8, 3 and 5 in one second; user 2 rates 3, then 9 and 2 in one second.
LINES = """userId,movieId,rating,timestamp
1,8,4,200
2,9,3,150
1,3,5,200
1,9,4,100
2,2,2,150
1,5,1,200
2,3,3,140
"""


@pytest.mark.parametrize("is_zip", [False, True])
@pytest.mark.parametrize(
    ("keep_order", "last", "history"),
    [(False, {1: 8, 2: 9}, [9, 3, 5]), (True, {1: 5, 2: 2}, [9, 8, 3])],
)
def test_ties_are_by_movie_id_or_in_the_order_of_the_file(
    keep_order: bool, last: dict[int, int], history: list[int], is_zip: bool, tmp_path: Path
) -> None:
    source = write_folder(tmp_path / "set", LINES)
    source = zip_folder(source, tmp_path / "set.zip") if is_zip else source
    tables = load_data(source, keep_order=keep_order)
    known, found, tied = leave_last_out(tables.ratings)
    assert dict(found.select("userId", "movieId").iter_rows()) == last
    assert tied == 2
    log = TrainingData(tables, known).log
    assert history_of(log, 1).movies.tolist() == history
    view = log.view_of([history_of(log, 1)])
    assert log.catalogue.movies.ids[view.histories.movie].tolist() == history


@pytest.mark.parametrize("keep_order", [False, True])
def test_models_are_fitted_to_the_order_of_the_tables(keep_order: bool, tmp_path: Path) -> None:
    ratings = random_ratings(0, 400, users=25, movies=40).sample(fraction=1, shuffle=True, seed=0)
    source = write_folder(tmp_path, ratings.write_csv())
    tables = load_data(source, keep_order=keep_order)
    model = TrainingData(tables, tables.ratings).fit("bias", parse_settings("bias"), 0)
    ordered = ratings.sort("timestamp", *([] if keep_order else ["movieId"]), maintain_order=True)
    more = ratings_of((3, 50, 3.0, int(ordered["timestamp"][-1])), (3, 45, 4.0, model.log.end))
    for fitted, expected in (
        (model, ordered), (model.with_ratings(more), pl.concat([ordered, more]))
    ):  # fmt: skip
        movies = expected.sort("timestamp", maintain_order=True).filter(userId=3)["movieId"]
        assert fitted.history(3).movies.tolist() == movies.to_list()


def test_the_built_in_data_set_is_read_in_its_order(real: Tables) -> None:
    tables = load_data("ml-latest-small", keep_order=True)
    assert tables.in_file_order
    assert tables.ratings.equals(real.ratings)


def test_both_settings_predict_the_same_and_rank_as_of_their_moment() -> None:
    tables = tables_of(random_ratings(0, 400, users=25, movies=40))
    evaluate = leave_last(tables)
    for unknown, known in (
        evaluate(GLOBAL_MEAN, None, 0), evaluate("bias", parse_settings("bias"), 0)
    ):  # fmt: skip
        assert (unknown.setting, known.setting) == (MOMENT_UNKNOWN, MOMENT_KNOWN)
        assert unknown.events.equals(known.events)
        assert unknown.tied == known.tied == leave_last_out(tables.ratings)[2]
        assert unknown.rankings is not None
        assert known.rankings is not None
        assert unknown.rankings["userId"].n_unique() == known.rankings["userId"].n_unique() == 25
    unknown, known = evaluate(GLOBAL_MEAN, None, 0)
    assert unknown.ranking != known.ranking


def block(*more: tuple[int, int, float, int]) -> Tables:
    """Return five users who rate movies 1 to 5, one a second, and further ratings."""
    rows = [(user, m, 3.0, 5 * user + m) for user in range(1, 6) for m in range(1, 6)]
    return tables_of(ratings_of(*rows, *more))


# The core is the block, user 1 with movies 6 and 7 later, user 7 who begins later; not movie 90.
LATER = block(
    *((user, m, 4.0, 200 + user + 10 * m) for user in (1, 2, 3, 4) for m in (6, 7)),
    *((7, m, 2.0, 400 + m) for m in (1, 2, 3, 6, 7)),
    (1, 90, 3.0, 1),
)  # fmt: skip


def cases(tables: Tables) -> dict[str, pl.DataFrame]:
    """Return the tables of rankings of the reference, by setting."""
    results = time_to_split(tables)(GLOBAL_MEAN, None, 0)
    return {result.setting: result.rankings for result in results if result.rankings is not None}


def test_time_to_split_has_its_three_settings() -> None:
    # 38 ratings: the 0.9 quantile of time is at position 33.3, that of 401 and 402.
    split = temporal_splits.time_to_split(LATER.ratings)
    assert split.ratings.height == 38
    assert 401 < split.until < 402
    tables = cases(LATER)
    assert list(tables) == [LAST, SUCCESSIVE, ALL]
    found = {
        setting: table.filter("target").sort("list", "movieId").select("list", "userId", "movieId")
        for setting, table in tables.items()
    }
    assert found[LAST].rows() == [(0, 7, 7)]
    assert found[SUCCESSIVE].rows() == [(0, 7, 2), (1, 7, 3), (2, 7, 6), (3, 7, 7)]
    assert found[ALL].rows() == [(0, 7, 2), (0, 7, 3), (0, 7, 6), (0, 7, 7)]
    # Movies 1 to 7 but for those known.
    ranked = {setting: table.group_by("list").len() for setting, table in tables.items()}
    assert dict(ranked[SUCCESSIVE].sort("list").iter_rows()) == {0: 6, 1: 5, 2: 4, 3: 3}
    assert dict(ranked[LAST].iter_rows()) == {0: 3}
    assert dict(ranked[ALL].iter_rows()) == {0: 6}


def test_the_first_rating_of_a_new_user_is_known_only() -> None:
    split = temporal_splits.time_to_split(LATER.ratings)
    first = int(split.ratings.filter(userId=7)["timestamp"][0])
    early = replace(split, until=first - 1)
    found = next_item.targets(early, 300)
    assert list(found) == [LAST, SUCCESSIVE]
    events, users = found[SUCCESSIVE]
    assert events["movieId"].to_list() == [user.next for user in users] == [2, 3, 6, 7]
    assert [user.history.movies.tolist() for user in users] == [
        [1], [1, 2], [1, 2, 3], [1, 2, 3, 6],
    ]  # fmt: skip
    assert [user.at for user in users] == [first, first + 1, first + 2, first + 5]
    assert [user.moment for user in users] == events["timestamp"].to_list()


def test_successive_rankings_are_averaged_over_rankings_and_over_users() -> None:
    results = time_to_split(LATER)("bias", parse_settings("bias"), 0)
    assert [result.setting for result in results] == [LAST, SUCCESSIVE, ALL]
    last, successive, _ = (result.ranking for result in results)
    assert last is not None
    assert successive is not None
    assert "rankings" not in last["likely"]
    assert (successive["likely"]["users"], successive["likely"]["rankings"]) == (1, 4)
    assert successive["likely"]["ndcg10_user"] == successive["likely"]["ndcg10"]
    assert results[0].events["movieId"].to_list() == [7]


def test_the_last_sixty_days_are_ranked_for_known_users_and_movies() -> None:
    tables = block((1, 9, 5.0, 90 * DAY), (1, 20, 1.0, 90 * DAY), (6, 2, 4.0, 100 * DAY))
    with pytest.raises(InputError, match="before the last 60 days"):
        last_60_days(tables)
    rows = [(2, 8, 3.0, 40), (3, 9, 3.0, 41)]
    tables = block(*rows, (1, 9, 1.0, 90 * DAY), (1, 8, 5.0, 91 * DAY), (1, 70, 5.0, 92 * DAY))
    for name, settings in ((GLOBAL_MEAN, None), ("bias", parse_settings("bias"))):
        (result,) = last_60_days(tables)(name, settings, 0)
        assert result.setting == LAST_DAYS
        assert result.events["movieId"].to_list() == [9, 8]
        assert result.rankings is not None
        for table in result.rankings.partition_by("by"):
            # Movies 1 to 5, 8 and 9 are ranked, and the first five are known.
            assert sorted(table["movieId"]) == [8, 9]
            assert table["target"].all()
            assert table.filter("next")["movieId"].to_list() == [9]
    assert result.ranking is not None
    likely = result.ranking["likely"]
    assert likely["hit10"]["value"] == likely["ndcg10"]["value"] == 1
    ten = sum(1 / np.log2(rank + 1) for rank in range(1, 11))
    assert likely["ndcg10_of_ten"]["value"] == pytest.approx((1 + 1 / np.log2(3)) / ten)
