"""Processes and whole machines of a cluster that end while it trains and ranks.

One file, so that one process of the tests starts one cluster, of two nodes with one core each.
Tests that end a node add one before.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.cluster.two_nodes import QUICK_ENSEMBLE, assert_equal, node_of, two_nodes
from torch import Tensor

from foreseen.candidates.next_item import UNTRAINED
from foreseen.cluster import training as cluster_training
from foreseen.cluster.connection import cluster_tasks
from foreseen.cluster.runner import RayRunner
from foreseen.compute import tasks
from foreseen.compute.threads import one_thread
from foreseen.compute.training_group import Checkpoint, TrainingGroup
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.sequence import training
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import SequenceSettings
from foreseen.models.spec import parse_settings
from foreseen.models.train import train, train_on
from foreseen.ranking import recommend as ranking
from foreseen.ranking.batch import BatchRanker
from foreseen.ranking.recommend import recommend_all

# Ray sets options of its own that it warns of.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
# Few steps: differences of rounding grow with their number.
SETTINGS = SequenceSettings(width=8, epochs=1, tokens=256, length=20)


MEMORY = 100 << 20


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    """Ray's `Cluster` that this process is connected to."""
    with two_nodes(MEMORY) as found:
        yield found


@pytest.fixture
def address(started: Any) -> str:  # noqa: ANN401
    return started.address


@pytest.fixture
def doomed(started: Any) -> Iterator[str]:  # noqa: ANN401
    """The id of a further machine of the cluster, which a test may end."""
    node = started.add_node(**node_of(MEMORY))
    started.wait_for_nodes()
    yield node.node_id
    started.remove_node(node, allow_graceful=False)


def end_on(node_id: str, marker: Path) -> None:
    """End a machine if this process runs on it, and leave a file as a sign of it.

    Processes of other machines wait for that, so that it gets a task.
    """
    import ray

    if ray.get_runtime_context().get_node_id() == node_id:
        # The parent process manages the machine; without it all others end.
        marker.touch()
        os.kill(os.getppid(), signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_training_by_two_processes_resumes_with_the_result_of_one(
    tiny: Tables, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = InteractionLog.of(tiny.ratings, Catalogue.of(tiny.movies))
    every = np.ones(len(log.rating), dtype=np.bool_)
    with one_thread():
        here = SequenceModel.fitted(SETTINGS, log, every, seed=0)
    optimise, marker = training.optimise, tmp_path / "ended"

    class EndsOnce:
        """A group whose second process ends after some steps."""

        def __init__(self, group: TrainingGroup) -> None:
            self._group = group
            self.rank, self.size = group.rank, group.size

        def add_up(self, tensors: Sequence[Tensor]) -> None:
            self._group.add_up(tensors)

        def checkpoint(self) -> Checkpoint | None:
            found = self._group.checkpoint()
            if found is not None:
                (tmp_path / f"resumed {self.rank}").write_text(str(found.steps))
            return found

        def completed(self, steps: int, state: Callable[[], Mapping[str, Any]]) -> None:
            self._group.completed(steps, state)
            if self.rank and steps == 5 and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    def ended(*arguments: Any, group: TrainingGroup) -> None:  # noqa: ANN401
        optimise(*arguments, group=EndsOnce(group))

    monkeypatch.setattr(training, "optimise", ended)
    monkeypatch.setattr(training, "_RATINGS_PER_PROCESS", 128)
    monkeypatch.setattr(tasks, "_SMALLEST_GROUP", 2)
    monkeypatch.setattr(tasks, "_OTHER_TASKS", 0)
    monkeypatch.setattr(cluster_training, "_CHECKPOINT_SECONDS", 0.0)
    with cluster_tasks(address):
        there = SequenceModel.fitted(SETTINGS, log, every, seed=0)

    assert marker.exists()
    resumed = [int((tmp_path / f"resumed {rank}").read_text()) for rank in range(2)]
    assert resumed[0] == resumed[1] > 0
    rows = np.arange(5, dtype=np.int32)
    before = np.full(5, log.end)
    expected, found = (m.log_probabilities(log.view, rows, before) for m in (here, there))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_model_is_the_same_where_a_machine_ends_while_it_is_trained(
    tiny: Tables, address: str, doomed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = parse_settings("ensemble", QUICK_ENSEMBLE)
    log = InteractionLog.of(tiny.ratings, Catalogue.of(tiny.movies))
    here = train_on(log, "ensemble", settings, 0, UNTRAINED)
    marker, completed = tmp_path / "ended", RayRunner.completed

    def ending(
        runner: RayRunner, function: Callable[[Any], Any], tasks: Iterable[Any]
    ) -> Iterator[tuple[Any, Any]]:
        def run(task: object) -> object:
            # It ends with the task complete, but its result not delivered.
            result = function(task)
            end_on(doomed, marker)
            return result

        return completed(runner, run, tasks)

    monkeypatch.setattr(RayRunner, "completed", ending)
    with cluster_tasks(address):
        there = train_on(log, "ensemble", settings, 0, UNTRAINED)
    assert marker.exists()
    assert_equal(there, here)


def test_the_blocks_of_a_machine_that_ends_are_ranked_by_another(
    small: Tables, address: str, doomed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = train(small, "bias")
    recommend_all(model, tmp_path / "whole.parquet", 3)

    class EndsOnce(BatchRanker):
        def rank(self, users: NDArray[np.int64]) -> pl.DataFrame:
            # This process ranks the first block.
            if os.getpid() != this_process:
                end_on(doomed, marker)
            return super().rank(users)

    marker, this_process = tmp_path / "ended", os.getpid()
    monkeypatch.setattr(ranking, "BLOCK", 7)
    monkeypatch.setattr(ranking, "BatchRanker", EndsOnce)
    with cluster_tasks(address):
        recommend_all(model, tmp_path / "all.parquet", 3)
    assert marker.exists()
    found = pl.read_parquet(tmp_path / "all.parquet")
    assert found.equals(pl.read_parquet(tmp_path / "whole.parquet"))
