"""A cluster on this machine for tests."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from foreseen.cluster.connection import cluster_tasks


@contextmanager
def two_nodes(memory: int) -> Generator[Any]:
    """Start two nodes of one core each and connect this process; yield Ray's `Cluster`.

    Args:
        memory: Of the object store of each, in bytes.
    """
    utils = pytest.importorskip("ray.cluster_utils")
    node = {"num_cpus": 1, "object_store_memory": memory, "include_dashboard": False}
    started = utils.Cluster(initialize_head=True, head_node_args=node)
    started.add_node(**node)
    with cluster_tasks(started.address):
        yield started
    started.shutdown()
    logging.getLogger("ray").handlers.clear()
