"""A cluster on this machine for tests."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pytest

from foreseen.models.base import Model

QUICK_ENSEMBLE: Final = {
    "folds": 2,
    "factors": [{"sweeps": 6, "burn_in": 2, "samples": 2, "rank": rank} for rank in (3, 4)],
    "loop": {"epochs": 1},
}
"""Settings of an ensemble that is trained in seconds."""


def assert_equal(model: Model, other: Model) -> None:
    """Assert that two models are equal to the bit."""
    assert model.report == other.report
    arrays = model.predictor.arrays()
    for name, values in other.predictor.arrays().items():
        np.testing.assert_array_equal(values, arrays[name], err_msg=name)


def node_of(memory: int) -> dict[str, Any]:
    """Return the options of a node of one core, with an object store of that many bytes."""
    return {"num_cpus": 1, "object_store_memory": memory, "include_dashboard": False}


@contextmanager
def two_nodes(memory: int) -> Generator[Any]:
    """Start two nodes of one core each and connect this process; yield Ray's `Cluster`.

    Tasks run on it only within `cluster_tasks`.

    Args:
        memory: Of the object store of each, in bytes.
    """
    utils = pytest.importorskip("ray.cluster_utils")
    import ray

    node = node_of(memory)
    started = utils.Cluster(initialize_head=True, head_node_args=node)
    started.add_node(**node)
    ray.init(started.address, log_to_driver=False, logging_level=logging.ERROR)
    yield started
    ray.shutdown()
    started.shutdown()
    logging.getLogger("ray").handlers.clear()
