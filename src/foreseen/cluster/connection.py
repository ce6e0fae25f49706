"""Connections to Ray clusters."""

import logging
import os
import re
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from foreseen.compute.tasks import tasks_on
from foreseen.compute.threads import cores
from foreseen.errors import ForeseenError, InputError

LOCAL: Final = "local"
"""Address that starts a cluster on this machine."""
_AUTO: Final = "auto"
_HOST_AND_PORT: Final = re.compile(r"(?:ray://)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_AUTHENTICATION: Final = "ray._private.authentication"
"""Name of a logger that would warn that a new cluster has a token, as is the default."""
_SECONDS: Final = 5.0
"""For the first answer of a cluster."""


def check_address(address: str) -> None:
    """Check the form of the address of a cluster.

    Args:
        address: `HOST:PORT` of the head of a cluster, or `ray://HOST:PORT` of its client server;
            `auto` for the cluster that this machine belongs to; `local` to start one on this
            machine.

    Raises:
        InputError: If it is none of these.
    """
    if address in {LOCAL, _AUTO}:
        return
    found = _HOST_AND_PORT.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 1 << 16:
        raise InputError(f"should be HOST:PORT, auto or local. Received: {address!r}")


@contextmanager
def cluster_tasks(address: str | None) -> Generator[None]:
    """Run tasks on a Ray cluster while the block runs.

    A program that is connected to Ray already uses that connection, and keeps it.

    Args:
        address: See `check_address`; None to run them in threads of this process.

    Raises:
        InputError: If Ray is not installed, or the address is not valid.
        ForeseenError: If there is no cluster at the address.
    """
    if address is None:
        yield
        return
    check_address(address)
    # Ray reads it when it is imported.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger(_AUTHENTICATION).setLevel(logging.ERROR)
    try:
        import ray
    except ImportError as error:
        raise InputError("a cluster needs Ray: pip install 'foreseen[cluster]'") from error
    from foreseen.cluster.runner import RayRunner

    is_owner = not ray.is_initialized()
    if is_owner:
        _connect(ray, address)
    try:
        with tasks_on(RayRunner()):
            yield
    finally:
        if is_owner:
            ray.shutdown()


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401 - Ray's functions are untyped
    options: dict[str, object] = {}
    if address == LOCAL:
        options = {"num_cpus": cores(), "include_dashboard": False}
    else:
        _check_reachable(address)
        # One attempt, of half a minute, where something else listens; Ray makes twenty.
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
    # Which of many exceptions it raises depends on what is wrong.
    except Exception as error:
        reason = str(error).strip()
        if "Traceback" in reason:
            reason = reason.splitlines()[-1]
        raise ForeseenError(f"cannot use the cluster at {address}: {reason}") from error


def _check_reachable(address: str) -> None:
    """Check that a server listens at an address."""
    found = _HOST_AND_PORT.fullmatch(address)
    if found is None:
        return
    try:
        with socket.create_connection((found[1].strip("[]"), int(found[2])), _SECONDS):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise ForeseenError(
            f"there is no cluster at {address} ({reason}); start one with: ray start --head"
        ) from error
