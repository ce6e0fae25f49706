"""Batch recommendations that are ended and resumed."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tests.conftest import ratings_of

from foreseen.data.canonical import Tables
from foreseen.files import write_atomically
from foreseen.models.base import Model
from foreseen.models.train import train
from foreseen.ranking import recommend as ranking
from foreseen.ranking.blocks import key_of, stored_blocks
from foreseen.ranking.recommend import RankingRequest, recommend_all
from foreseen.registry.versions import load_model, save_model

RUN = """
import sys
from pathlib import Path
from foreseen.ranking import recommend as ranking
from foreseen.registry.versions import load_model
ranking._BLOCK = 10
rows = ranking._ranked_rows
count = 0
def stopping(*arguments):
    global count
    count += 1
    if count == 25:
        print("waiting", flush=True)
        sys.stdin.read()
    return rows(*arguments)
ranking._ranked_rows = stopping
ranking.recommend_all(load_model(sys.argv[1]), Path(sys.argv[2]), 3)
"""


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    return train(small, "bias")


class Recorder:
    """Writes files and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, file: Path, write: Callable[[Path], object]) -> None:
        self.count += 1
        write_atomically(file, write)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob(".*.unfinished"))


def test_a_resumed_run_ranks_only_the_users_left_and_each_user_once(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "_BLOCK", 7)
    whole, resumed = tmp_path / "whole.parquet", tmp_path / "resumed.parquet"
    count = recommend_all(model, whole, 3)
    assert not leftovers(tmp_path)
    ranked: list[int] = []
    original = ranking._ranked_rows  # pyright: ignore[reportPrivateUsage]

    def interrupted(model: Model, user: int, request: RankingRequest) -> pl.DataFrame:
        ranked.append(user)
        if len(ranked) == 17:
            raise KeyboardInterrupt
        return original(model, user, request)

    monkeypatch.setattr(ranking, "_ranked_rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        recommend_all(model, resumed, 3)
    assert not resumed.exists()
    assert len(leftovers(tmp_path)) == 1
    recommend_all(model, resumed, 3)
    # Two blocks of seven were stored; the third one began again.
    assert len(ranked) == 17 + count - 14
    assert pl.read_parquet(resumed).equals(pl.read_parquet(whole))
    assert not leftovers(tmp_path)


def test_a_killed_run_is_resumed_by_another_process(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "model", tmp_path / "all.parquet"
    save_model(model, folder)
    command = [sys.executable, "-c", RUN, str(folder), str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"waiting"
        child.kill()
    blocks = list(leftovers(tmp_path)[0].iterdir())
    assert len(blocks) == 2
    assert not out.exists()
    monkeypatch.setattr(ranking, "_BLOCK", 10)
    monkeypatch.setattr("foreseen.ranking.blocks.write_atomically", new := Recorder())
    recommend_all(load_model(folder), out, 3)
    assert new.count == len(model.log.users) // 10 - 2
    monkeypatch.undo()
    table = pl.read_parquet(out)
    recommend_all(model, tmp_path / "other.parquet", 3)
    assert table.equals(pl.read_parquet(tmp_path / "other.parquet"))
    assert table["userId"].n_unique() == len(model.log.users)
    assert not leftovers(tmp_path)


def test_a_damaged_block_is_computed_again(tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    table = pl.DataFrame({"a": [1]})

    def end_early() -> None:
        with stored_blocks(file, "key") as stored:
            stored("0", lambda: table)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        end_early()
    (block,) = leftovers(tmp_path)[0].iterdir()
    block.write_bytes(block.read_bytes()[:20])
    with stored_blocks(file, "key") as stored:
        assert stored("0", lambda: table).equals(table)
    assert not leftovers(tmp_path)


def test_another_model_or_request_does_not_read_the_blocks(model: Model) -> None:
    request = RankingRequest(3)
    key = key_of(model, request)
    assert key_of(model, RankingRequest(3)) == key
    observed = model.with_ratings(ratings_of((1, 40, 2.0, 1_500_000_000)))
    others = [key_of(model, RankingRequest(4)), key_of(observed, request)]
    others.append(key_of(replace(model, scale=(1.0, 5.0)), request))
    assert len({key, *others}) == 4
