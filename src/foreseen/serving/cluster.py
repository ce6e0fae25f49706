"""The server on a Ray cluster: each worker is a replica of Ray Serve.

Replicas share what workers of one machine share: the database, and the folder of models, whose
changes each of them loads.
"""

import logging
import os
import secrets
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path
from shutil import rmtree
from tempfile import NamedTemporaryFile, gettempdir
from threading import Event
from typing import Any, Final, TypeVar

import ray
from pydantic import BaseModel, ConfigDict, Field
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from starlette.types import ASGIApp

from foreseen.cluster.runner import described_failures, packed, run_task
from foreseen.errors import ForeseenError, InputError
from foreseen.serving.locations import TMDB_URL, claims_folder
from foreseen.serving.server import LARGEST_DEFAULT, configure, worker_environment
from foreseen.serving.store.engine import parse_url
from foreseen.serving.worker import GRACE_SECONDS, WorkerConfig

T = TypeVar("T")
R = TypeVar("R")
_RAY: Final[Any] = ray
"""Without the types that Ray leaves unknown."""
_NAME: Final = "foreseen"
"""Of the application and of its deployment."""
_REQUESTS: Final = 500
"""Requests that a replica accepts at the same time; it refuses what is too much, see `overload`."""
_CHECK_SECONDS: Final = 2.0
_HUNG_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 5.0


class AppSettings(BaseModel):
    """The settings of `app`, named as the options of `foreseen serve`."""

    model_config = ConfigDict(extra="forbid")

    folder: Path
    workers: int | None = Field(default=None, ge=1)
    behind_https: bool = False
    admin: tuple[str, ...] = ()
    allowed_host: tuple[str, ...] = ()
    posters: Path | None = None
    webhook: str | None = None
    tmdb_url: str = TMDB_URL


def app(settings: dict[str, Any]) -> Any:  # noqa: ANN401 - Ray's types are unknown
    """Return the application for `serve run foreseen.serving.cluster:app` and for a `RayService`.

    As for `foreseen serve`, secrets are in the environment; so is the URL of the database.

    Args:
        settings: See `AppSettings`.

    Raises:
        ValidationError: If there are other settings.
        InputError: If settings are wrong, or do not fit the cluster.
        ModelFolderError: If the folder holds no models.
    """
    given = AppSettings.model_validate(settings)
    worker = configure(
        given.folder,
        os.environ.get("FORESEEN_DB"),
        # Where to listen is an option of Ray Serve.
        "0.0.0.0",  # noqa: S104
        given.behind_https,
        given.admin,
        given.allowed_host,
        given.posters,
        given.webhook,
        given.tmdb_url,
    )
    return _application(_for_machines(worker), given.workers)


def serve_on_cluster(
    worker: WorkerConfig, workers: int | None, host: str, port: int, ready: Callable[[], None]
) -> None:
    """Serve on the cluster that this process is connected to, until SIGINT or SIGTERM.

    Args:
        worker: Settings of the workers.
        workers: Their number; None for one per core of the cluster, up to 4.
        host: Address to listen on, of the head of the cluster and of each machine with a worker.
        port: Port.
        ready: Called when all workers are ready.

    Raises:
        InputError: If Ray Serve is not installed, or the options do not fit the cluster.
        ForeseenError: If the workers cannot start, or Ray Serve runs already or is ended by others.
    """
    serve = _import_serve()
    if serve.status().proxies:
        raise ForeseenError("Ray Serve runs on the cluster already; end it with: serve shutdown")
    worker = _for_machines(worker)
    application = _application(worker, workers)
    with _stop_signals() as stopped:
        try:
            serve.start(http_options={"host": host, "port": port})
            _deploy(serve, application)
            ready()
            while not stopped.wait(_POLL_SECONDS):
                if _NAME not in serve.status().applications:
                    raise ForeseenError("Ray Serve was ended by others")
        finally:
            # Ray prints that a task of its own has failed.
            with redirect_stdout(StringIO()):
                serve.shutdown()
                with suppress(ForeseenError):
                    _on_machines(lambda _: rmtree(worker.shared, ignore_errors=True), None)


def _for_machines(worker: WorkerConfig) -> WorkerConfig:
    """Return the settings of workers that run on any machine of the cluster.

    Raises:
        InputError: If the machines do not reach the folders, or the database is for one machine.
        ForeseenError: If Foreseen is not installed on a machine, in this version.
    """
    url = parse_url(worker.database)
    if url.get_backend_name() == "sqlite":
        addresses = _addresses()
        if len(addresses) > 1:
            raise InputError(
                f"--db: an SQLite file is for one machine, and the cluster has {len(addresses)}; "
                "name a PostgreSQL database, or serve without --cluster"
            )
        url = url.set(database=str(Path(url.database or "").absolute()))
    worker = replace(
        worker,
        folder=worker.folder.absolute(),
        database=url.render_as_string(hide_password=False),
        posters=worker.posters and worker.posters.absolute(),
        # A folder on each machine.
        shared=Path(gettempdir()) / f"foreseen-{secrets.token_hex(8)}",
        claims=claims_folder(worker.folder),
    )
    _check_folders(worker)
    if worker.webhook is not None:
        claims_folder(worker.folder).mkdir(exist_ok=True)
    return worker


def _application(worker: WorkerConfig, workers: int | None) -> Any:  # noqa: ANN401
    """Return the application for the settings of its workers.

    Raises:
        InputError: If the cluster has fewer cores than workers.
    """
    serve = _import_serve()
    cores = sum(int(machine["Resources"]["CPU"]) for machine in _machines())
    if workers is not None and workers > cores:
        raise InputError(
            f"--workers: each takes a core of the cluster, which has {cores}. Received: {workers}"
        )
    options: dict[str, Any] = {
        "num_cpus": 1,
        "runtime_env": {"env_vars": worker_environment(worker.shared)},
    }
    if worker.database.startswith("sqlite"):
        # Another machine may join the cluster later.
        options["resources"] = {f"node:{address}": 0.001 for address in _addresses()}

    def open_app() -> ASGIApp:
        return worker.open_app()

    deployment = serve.deployment(
        serve.ingress(open_app)(),
        name=_NAME,
        num_replicas=workers or min(cores, LARGEST_DEFAULT),
        max_ongoing_requests=_REQUESTS,
        health_check_period_s=_CHECK_SECONDS,
        health_check_timeout_s=_HUNG_SECONDS,
        graceful_shutdown_timeout_s=GRACE_SECONDS,
        ray_actor_options=options,
        # Requests are logged by the application.
        logging_config={"enable_access_log": False},
    )
    return deployment.bind()


def _deploy(serve: Any, application: Any) -> None:  # noqa: ANN401
    """Start an application and wait until all of its replicas are ready."""
    try:
        serve.run(application, name=_NAME)
    except RuntimeError as error:
        found = serve.status().applications.get(_NAME)
        reasons = [part.message for part in found.deployments.values()] if found else [str(error)]
        lines = [line for reason in reasons for line in reason.strip().splitlines() if line.strip()]
        raise ForeseenError(f"the workers cannot start: {lines[-1]}") from error


def _check_folders(worker: WorkerConfig) -> None:
    """Raise an error if a machine of the cluster does not reach the folders of a server."""
    folder, posters = worker.folder, worker.posters

    def find(marker: str) -> str:
        """Return the path that is missing; empty if none is."""
        if not folder.with_name(marker).exists():
            return str(folder)
        return str(posters) if posters is not None and not posters.is_dir() else ""

    # A copy of the folder on another machine does not have the file.
    with NamedTemporaryFile(prefix=f"{folder.name}.", dir=folder.parent) as marker:
        found = _on_machines(find, Path(marker.name).name)
    for missing in filter(None, found):
        raise InputError(
            f"a machine of the cluster does not reach {missing} of this machine; it should be on a "
            "file system that all machines mount at the same path"
        )


def _machines() -> list[dict[str, Any]]:
    """Return the machines of the cluster that workers may run on, as Ray describes them."""
    return [node for node in _RAY.nodes() if node["Alive"] and node["Resources"].get("CPU")]


def _addresses() -> set[str]:
    return {machine["NodeManagerAddress"] for machine in _machines()}


def _on_machines(function: Callable[[T], R], argument: T) -> list[R]:
    """Return the results of a function on all machines.

    Raises:
        ForeseenError: If a machine fails, or Foreseen is not installed there in this version.
    """
    with described_failures():
        shared = packed(function)
        run = _RAY.remote(num_cpus=0)(run_task)
        places = [NodeAffinitySchedulingStrategy(m["NodeID"], soft=False) for m in _machines()]
        running = [run.options(scheduling_strategy=p).remote(*shared, argument) for p in places]
        results: list[R] = _RAY.get(running)
        return results


@contextmanager
def _stop_signals() -> Generator[Event]:
    """Yield an event that SIGINT and SIGTERM set while the block runs."""
    stopped = Event()

    def stop(*_: object) -> None:
        stopped.set()

    before = [(number, signal.signal(number, stop)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield stopped
    finally:
        for number, handler in before:
            signal.signal(number, handler or signal.SIG_DFL)


def _import_serve() -> Any:  # noqa: ANN401
    try:
        from ray import serve
    except ImportError as error:
        raise InputError(
            f"{error}; serving on a cluster needs: pip install 'foreseen[cluster-serve]'"
        ) from error
    # In the process of the command.
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    return serve
