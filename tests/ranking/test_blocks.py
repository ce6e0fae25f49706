"""Batch recommendations that are ended and resumed."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import ratings_of

from foreseen.data.canonical import Tables
from foreseen.files import write_atomically
from foreseen.models.base import Model
from foreseen.models.train import train
from foreseen.ranking import recommend as ranking
from foreseen.ranking.batch import BatchRanker
from foreseen.ranking.blocks import key_of, stored_blocks
from foreseen.ranking.recommend import recommend_all
from foreseen.ranking.request import RankingRequest
from foreseen.registry.versions import load_model, save_model

RUN = """
import sys
from pathlib import Path
from foreseen.compute import threads
from foreseen.ranking import recommend as ranking
from foreseen.registry.versions import load_model
threads.cores = lambda: 1
ranking.BLOCK = 10
rank = ranking.BatchRanker.rank
count = 0
def stopping(*arguments):
    global count
    count += 1
    if count > 2:
        print("waiting", flush=True)
        sys.stdin.read()
    return rank(*arguments)
ranking.BatchRanker.rank = stopping
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
    monkeypatch.setattr(ranking, "BLOCK", 7)
    monkeypatch.setattr("foreseen.compute.threads.cores", lambda: 1)
    whole, resumed = tmp_path / "whole.parquet", tmp_path / "resumed.parquet"
    count = recommend_all(model, whole, 3)
    assert not leftovers(tmp_path)
    ranked: list[int] = []
    original = BatchRanker.rank

    def interrupted(ranker: BatchRanker, users: NDArray[np.int64]) -> pl.DataFrame:
        if len(ranked) == 14:
            raise KeyboardInterrupt
        ranked.extend(users.tolist())
        return original(ranker, users)

    monkeypatch.setattr(BatchRanker, "rank", interrupted)
    with pytest.raises(KeyboardInterrupt):
        recommend_all(model, resumed, 3)
    assert not resumed.exists()
    assert len(leftovers(tmp_path)) == 1
    monkeypatch.setattr(BatchRanker, "rank", original)
    rest: list[int] = []

    def counted(ranker: BatchRanker, users: NDArray[np.int64]) -> pl.DataFrame:
        rest.extend(users.tolist())
        return original(ranker, users)

    monkeypatch.setattr(BatchRanker, "rank", counted)
    recommend_all(model, resumed, 3)
    assert sorted(ranked + rest) == sorted(model.log.users.ids.tolist())
    assert len(ranked + rest) == count
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
    monkeypatch.setattr(ranking, "BLOCK", 10)
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
        with stored_blocks(file, "key") as blocks:
            blocks.write("0", table)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        end_early()
    (block,) = leftovers(tmp_path)[0].iterdir()
    block.write_bytes(block.read_bytes()[:20])
    with stored_blocks(file, "key") as blocks:
        assert not blocks.holds("0")
        blocks.write("0", table)
        assert blocks.holds("0")
        assert pl.read_parquet(blocks.files).equals(table)
    assert not leftovers(tmp_path)


def test_another_model_or_request_does_not_read_the_blocks(model: Model) -> None:
    request = RankingRequest(3)
    key = key_of(model, request)
    assert key_of(model, RankingRequest(3)) == key
    observed = model.with_ratings(ratings_of((1, 40, 2.0, 1_500_000_000)))
    others = [key_of(model, RankingRequest(4)), key_of(observed, request)]
    others.append(key_of(replace(model, scale=(1.0, 5.0)), request))
    assert len({key, *others}) == 4
