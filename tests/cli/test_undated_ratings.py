"""New ratings without timestamps: they follow those that the model has."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Run

from foreseen.registry.versions import load_model

FIRST = 1_000_000_000
LAST = FIRST + 86_400 * 27
DATED = "userId,movieId,rating,timestamp\n" + "".join(
    f"{user},{movie},{(user * movie) % 9 / 2 + 0.5},{FIRST + 86_400 * (user + movie)}\n"
    for user in range(20)
    for movie in range(9)
)
ROWS = [(101, 8, 4.0), (100, 3, 2.5), (100, 1, 5.0)]
FRAME = pl.DataFrame(ROWS, schema=["userId", "movieId", "rating"], orient="row")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    folder = tmp_path_factory.mktemp("undated")
    (folder / "ratings.csv").write_text(DATED)
    words = ("train", folder / "ratings.csv", "--model", "bias", "--out", folder / "model")
    assert run(*words).exit_code == 0
    return folder / "model"


def _csv(folder: Path, _: Run) -> Path:
    FRAME.write_csv(folder / "new.csv")
    return folder / "new.csv"


def _json_lines(folder: Path, _: Run) -> Path:
    FRAME.write_ndjson(folder / "new.jsonl")
    return folder / "new.jsonl"


def _parquet(folder: Path, _: Run) -> Path:
    FRAME.write_parquet(folder / "new.parquet")
    return folder / "new.parquet"


def _canonical(folder: Path, run: Run) -> Path:
    assert run("data", "get", _csv(folder, run), "--out", folder / "data").exit_code == 0
    return folder / "data"


@pytest.mark.parametrize("command", ["observe", "update"])
@pytest.mark.parametrize("write", [_csv, _json_lines, _parquet, _canonical])
def test_they_follow_the_latest_rating_of_the_model_in_their_order(
    command: str,
    write: Callable[[Path, Run], Path],
    trained: Path,
    tmp_path: Path,
    run: Run,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = shutil.copytree(trained, tmp_path / "model")
    result = run(command, model, "--ratings", write(tmp_path, run), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["observed"] == 3
    added = load_model(model).log.ratings.tail(3)
    assert added.rows() == [(*row, LAST + 1 + n) for n, row in enumerate(ROWS)]
    assert "the new ratings have no timestamps; they follow the latest one" in caplog.text


def test_the_order_of_rows_survives_canonical_tables(
    tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    data = _canonical(tmp_path, run)
    caplog.clear()
    again = run("data", "get", data, "--out", tmp_path / "again", "--json")
    assert json.loads(again.stdout)["has_timestamps"] is False
    assert "has no timestamps; the order of its rows is used" in caplog.text
    first, second = (pl.read_parquet(f / "ratings.parquet") for f in (data, tmp_path / "again"))
    assert first.equals(second)
    assert first["timestamp"].to_list() == [0, 1, 2]


def test_dated_ratings_keep_their_time(
    trained: Path, tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    model = shutil.copytree(trained, tmp_path / "model")
    FRAME.with_columns(timestamp=pl.lit(5)).write_csv(tmp_path / "new.csv")
    result = run("observe", model, "--ratings", tmp_path / "new.csv")
    assert result.exit_code == 0
    assert not caplog.text
    assert load_model(model).log.ratings["timestamp"].head(3).to_list() == [5, 5, 5]


def test_they_stay_before_the_last_valid_second(tmp_path: Path, run: Run) -> None:
    (tmp_path / "late.csv").write_text(DATED + "7,77,4,4102444799\n")
    model = tmp_path / "model"
    words = ("train", tmp_path / "late.csv", "--model", "bias", "--out", model)
    assert run(*words).exit_code == 0
    assert run("observe", model, "--ratings", _csv(tmp_path, run)).exit_code == 0
    assert load_model(model).log.ratings["timestamp"][-1] == 4_102_444_799


def test_adding_the_same_undated_file_again_changes_nothing(
    trained: Path, tmp_path: Path, run: Run
) -> None:
    model = shutil.copytree(trained, tmp_path / "model")
    logs: list[pl.DataFrame] = []
    for _ in range(2):
        assert run("observe", model, "--ratings", _csv(tmp_path, run)).exit_code == 0
        logs.append(load_model(model).log.ratings)
    assert logs[0].equals(logs[1])
    # A changed rating is new.
    FRAME.head(1).with_columns(rating=1.0).write_csv(tmp_path / "changed.csv")
    assert run("observe", model, "--ratings", tmp_path / "changed.csv").exit_code == 0
    assert load_model(model).log.end > logs[1]["timestamp"].to_list()[-1] + 1
