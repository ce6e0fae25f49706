"""Work on a cluster has the results of work in one process, also where processes are killed.

One file, so that one process of the tests starts one cluster: two nodes with one core each, both of
them this machine.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.cli.conftest import run_command
from tests.cluster.two_nodes import QUICK_ENSEMBLE, assert_equal, two_nodes
from tests.counting import CountedTasks

from foreseen.candidates.next_item import UNTRAINED
from foreseen.cluster.connection import cluster_tasks
from foreseen.compute.tasks import completed_tasks, task_slots
from foreseen.compute.threads import in_parallel
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.errors import InputError
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.spec import parse_settings
from foreseen.models.train import train, train_on
from foreseen.ranking import recommend as ranking
from foreseen.ranking.batch import BatchRanker
from foreseen.ranking.blocks import BlockStore
from foreseen.ranking.recommend import recommend_all
from foreseen.registry.versions import save_model


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster, which this process is connected to."""
    with two_nodes(200 << 20) as started:
        yield started.address


@pytest.fixture(scope="module")
def folder(tiny: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ratings."""
    root = tmp_path_factory.mktemp("data")
    tiny.ratings.write_csv(root / "ratings.csv")
    return root


@pytest.fixture
def cluster(address: str) -> Iterator[None]:
    """Run the tasks of a test on the cluster."""
    with cluster_tasks(address):
        yield


@pytest.mark.usefixtures("cluster")
def test_every_task_has_the_result_of_its_function() -> None:
    offset = np.arange(5)
    results = dict(completed_tasks(lambda task: offset + task, range(20)))
    assert len(results) == 20
    for task, result in results.items():
        np.testing.assert_array_equal(result, offset + task)
    assert task_slots() == 2


@pytest.mark.usefixtures("cluster")
def test_tasks_run_at_the_same_time_on_two_machines_each_in_one_thread(
    tmp_path: Path,
) -> None:
    def meet(_: int) -> tuple[int, int]:
        import ray

        (tmp_path / ray.get_runtime_context().get_node_id()).touch()
        deadline = time.monotonic() + 30
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        names = in_parallel(lambda _: threading.get_ident(), range(3))
        return os.getpid(), len(set(names))

    results = [result for _, result in completed_tasks(meet, range(4))]
    assert len(list(tmp_path.iterdir())) == 2
    assert os.getpid() not in {process for process, _ in results}
    assert {threads for _, threads in results} == {1}


@pytest.mark.usefixtures("cluster")
def test_a_task_whose_process_is_killed_is_run_again(tmp_path: Path) -> None:
    marker = tmp_path / "killed"

    def run(task: int) -> int:
        if task == 3 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return task * task

    assert dict(completed_tasks(run, range(6))) == {task: task * task for task in range(6)}
    assert marker.exists()


@pytest.mark.usefixtures("cluster")
def test_an_error_of_a_task_is_raised_as_it_is() -> None:
    def fail(_: int) -> None:
        raise InputError("line 3: no rating")

    with pytest.raises(InputError) as raised:
        list(completed_tasks(fail, range(3)))
    assert str(raised.value) == "line 3: no rating"


@pytest.mark.usefixtures("cluster")
def test_few_tasks_are_started_ahead() -> None:
    tasks = CountedTasks(100)
    results = completed_tasks(lambda task: task, tasks)
    next(results)
    assert tasks.taken <= 2 * task_slots()


@pytest.fixture(scope="module")
def model(small: Tables) -> Model:
    return train(small, "bias")


@pytest.fixture(scope="module")
def expected(model: Model, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The rankings of one process."""
    file = tmp_path_factory.mktemp("local") / "all.parquet"
    recommend_all(model, file, 3)
    return pl.read_parquet(file)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "BLOCK", 7)


@pytest.mark.usefixtures("small_blocks")
def test_the_rankings_are_those_of_one_process(
    model: Model, expected: pl.DataFrame, address: str, tmp_path: Path
) -> None:
    save_model(model, tmp_path / "model")
    file = tmp_path / "all.parquet"
    options = ("--all", "--k", 3, "--out", file, "--cluster", address)
    result = run_command("recommend", tmp_path / "model", *options)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert pl.read_parquet(file).equals(expected)


@pytest.mark.usefixtures("cluster", "small_blocks")
def test_the_block_of_a_killed_process_is_ranked_again(
    model: Model,
    expected: pl.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marker, this_process = tmp_path / "killed", os.getpid()

    class KilledOnce(BatchRanker):
        def rank(self, users: NDArray[np.int64]) -> pl.DataFrame:
            if os.getpid() != this_process and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().rank(users)

    monkeypatch.setattr(ranking, "BatchRanker", KilledOnce)
    recommend_all(model, tmp_path / "all.parquet", 3)
    assert marker.exists()
    assert pl.read_parquet(tmp_path / "all.parquet").equals(expected)


@pytest.mark.usefixtures("cluster", "small_blocks")
def test_an_interrupted_run_is_resumed(
    model: Model,
    expected: pl.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []
    write = BlockStore.write

    def interrupted(store: BlockStore, name: str, block: pl.DataFrame) -> None:
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(name)
        write(store, name, block)

    monkeypatch.setattr(BlockStore, "write", interrupted)
    file = tmp_path / "all.parquet"
    with pytest.raises(KeyboardInterrupt):
        recommend_all(model, file, 3)
    assert not file.exists()

    def recorded(store: BlockStore, name: str, block: pl.DataFrame) -> None:
        written.append(name)
        write(store, name, block)

    monkeypatch.setattr(BlockStore, "write", recorded)
    recommend_all(model, file, 3)
    assert len(written) == len(set(written)) == -(-len(model.log.users) // 7)
    assert pl.read_parquet(file).equals(expected)


def test_a_model_is_that_of_one_process_to_the_bit(tiny: Tables, address: str) -> None:
    settings = parse_settings("ensemble", QUICK_ENSEMBLE)
    log = InteractionLog.of(tiny.ratings, Catalogue.of(tiny.movies))
    here = train_on(log, "ensemble", settings, 0, UNTRAINED)
    with cluster_tasks(address):
        there = train_on(log, "ensemble", settings, 0, UNTRAINED)
    assert_equal(there, here)


def test_an_evaluation_by_folds_is_that_of_one_process(
    folder: Path, address: str, tmp_path: Path
) -> None:
    command = ("evaluate", folder, "--protocol", "random", "--folds", 3, "--model", "bias")
    for name, options in (("here", ()), ("there", ("--cluster", address))):
        result = run_command(*command, "--out", tmp_path / name, *options)
        assert result.exit_code == 0, result.stderr
    here, there = ((tmp_path / name / "metrics.json").read_bytes() for name in ("here", "there"))
    assert here == there


def test_trials_of_a_search_run_on_the_cluster_and_are_resumed(
    folder: Path, address: str, tmp_path: Path
) -> None:
    command = ("tune", folder, "--model", "bias", "--out", tmp_path, "--json")
    one = run_command(*command, "--trials", 1)
    assert one.exit_code == 0, one.stderr
    four = run_command(*command, "--trials", 4, "--cluster", address)
    assert four.exit_code == 0, four.stderr
    first, trials = (json.loads(result.stdout)["trials"] for result in (one, four))
    assert trials[:1] == first
    assert [trial["number"] for trial in trials] == [0, 1, 2, 3]
    settings = [json.dumps(trial["settings"]) for trial in trials]
    assert len(set(settings)) == 4
