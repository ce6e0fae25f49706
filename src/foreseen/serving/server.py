"""Running the application: address, secret, allowed names, worker processes."""

import os
import secrets
import socket
import string
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from foreseen.errors import ForeseenError, InputError
from foreseen.serving.connections import BoundedProtocol
from foreseen.serving.hosts import LOOPBACK_NAMES, check_url, host_name, is_loopback
from foreseen.serving.locations import TMDB_URL, default_database, secret_file
from foreseen.serving.supervisor import Supervisor
from foreseen.serving.unavailable import respond_unavailable
from foreseen.serving.webhook_options import find_key
from foreseen.serving.worker import GRACE_SECONDS, SHARED_METRICS, WorkerConfig

_ARENAS: Final = "MALLOC_ARENA_MAX"
_SECRET: Final = "FORESEEN_SECRET"  # noqa: S105
TMDB_KEY: Final = "FORESEEN_TMDB_KEY"
_SHORTEST_SECRET: Final = 32
_FEWEST_CHARACTERS: Final = 10
"""Distinct characters of a secret; fewer are no random text."""
LARGEST_DEFAULT: Final = 4
"""Number of workers, to save memory."""
_NAME_CHARACTERS: Final = frozenset(string.ascii_lowercase + string.digits + "-._:[]")


def run(
    folder: Path,
    db: str | None,
    host: str,
    port: int,
    behind_https: bool,
    admins: Sequence[str],
    allowed_hosts: Sequence[str],
    workers: int | None,
    posters: Path | None,
    webhook: str | None = None,
    tmdb_url: str = TMDB_URL,
    cluster: str | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; requests in progress are completed.

    The address is printed when it serves requests. Until then, and while no worker is ready, the
    response to any request has status 503.

    Args:
        folder: The folder of models.
        db: See `configure`.
        host: Address to listen on.
        port: Port; 0 takes a free one.
        behind_https: See `configure`.
        admins: See `configure`.
        allowed_hosts: See `configure`.
        workers: Number of processes, each with the model in memory; None for one per core, up to 4.
        posters: See `configure`.
        webhook: See `configure`.
        tmdb_url: See `configure`.
        cluster: Address of the Ray cluster whose machines run the workers; None for this machine.

    Raises:
        ModelFolderError: If the folder holds no models, or none is sound.
        InputError: If the secret is missing or too short, the URL of the database is invalid, or
            there is no folder of posters.
        ForeseenError: If the address or the database file cannot be opened.
    """
    worker = configure(
        folder, db, host, behind_https, admins, allowed_hosts, posters, webhook, tmdb_url
    )
    with _listening(host, port) as listening:
        port = listening.getsockname()[1]

        def print_address() -> None:
            # Whoever started the server may have stopped reading.
            with suppress(OSError):
                shown = f"[{host}]" if ":" in host else host
                print(f"serving http://{shown}:{port}", flush=True)  # noqa: T201

        if cluster is None:
            _supervise(worker, workers or _default_workers(), listening, print_address)
            return
    from foreseen.cluster.connection import cluster_tasks

    with cluster_tasks(cluster):
        # Once it is known that Ray is installed.
        from foreseen.serving.cluster import serve_on_cluster

        serve_on_cluster(worker, workers, host, port, print_address)


def configure(
    folder: Path,
    db: str | None,
    host: str,
    behind_https: bool,
    admins: Sequence[str],
    allowed_hosts: Sequence[str],
    posters: Path | None,
    webhook: str | None,
    tmdb_url: str,
) -> WorkerConfig:
    """Return the settings of the workers, without the folder that they share.

    Args:
        folder: The folder of models.
        db: URL of the database; None for a SQLite file beside the folder.
        host: Address to listen on.
        behind_https: Whether a proxy in front terminates HTTPS.
        admins: Names of the administrators; on a loopback address, and not behind a proxy, the
            first account to sign up is one too.
        allowed_hosts: Names under which the server may be addressed, apart from loopback names.
            If there are none, any name is allowed behind a proxy and on other addresses.
        posters: A folder with posters, named by ids of IMDb and TMDB; None without.
        webhook: URL that alerts about drift are sent to; None without.
        tmdb_url: URL of the API of TMDB, used if the environment has a key.

    Raises:
        ModelFolderError: If the folder holds no models.
        InputError: If the secret is missing or too short, an option is invalid, or there is no
            folder of posters.
    """
    _check_folder(folder)
    if posters is not None and not posters.is_dir():
        raise InputError(f"--posters: {posters} is no folder; it should have images ID.jpg")
    tmdb_key = os.environ.get(TMDB_KEY, "").strip()
    check_url(tmdb_url, "--tmdb-url")
    webhook_key = ""
    if webhook is not None:
        check_url(webhook, "--webhook")
        webhook_key = find_key()
    secret = find_secret(host, folder)
    is_private = is_loopback(host) and not behind_https
    names = [_check_name(name) for name in allowed_hosts]
    if not names and is_private:
        names = [*LOOPBACK_NAMES, host]
    return WorkerConfig(
        folder=folder,
        database=db or default_database(folder),
        secret=secret,
        behind_https=behind_https,
        admins=tuple(admins),
        # Behind a proxy, the first to sign up may be a stranger.
        first_administers=is_private,
        allowed_hosts=tuple(names),
        posters=posters,
        tmdb_url=tmdb_url.rstrip("/"),
        tmdb_key=tmdb_key,
        webhook=webhook,
        webhook_key=webhook_key,
    )


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address of the options `--host` and `--port`."""
    try:
        return listen(host, port)
    except OSError as error:
        raise ForeseenError(
            f"{host}:{port} cannot be listened on ({error.strerror}); name another --port"
        ) from error
    except UnicodeError as error:
        raise InputError(f"--host: '{host}' is no host name or address") from error


def _supervise(
    worker: WorkerConfig, workers: int, listening: socket.socket, ready: Callable[[], None]
) -> None:
    """Run worker processes of this machine until a signal to stop."""
    with (
        TemporaryDirectory(prefix="foreseen-", ignore_cleanup_errors=True) as shared,
        _environment(worker_environment(Path(shared))),
    ):
        worker = replace(worker, shared=Path(shared))
        config = _configure(
            worker.create_app,
            GRACE_SECONDS,
            factory=True,
            workers=workers,
            proxy_headers=worker.behind_https,
        )

        def unavailable() -> uvicorn.Config:
            return _configure(respond_unavailable, 1, lifespan="off")

        Supervisor(worker, config, unavailable, listening).run(ready)


def worker_environment(shared: Path) -> dict[str, str]:
    """Return the environment variables of worker processes.

    Args:
        shared: The folder in which they share their metrics.
    """
    # With one arena per thread, glibc's memory grows as threads come and go.
    return {SHARED_METRICS: str(shared), _ARENAS: os.environ.get(_ARENAS, "2")}


@contextmanager
def _environment(values: Mapping[str, str]) -> Generator[None]:
    """Set environment variables while the block runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _configure(
    app: ASGIApp | Callable[[], ASGIApp],
    grace_seconds: int,
    **options: Any,  # noqa: ANN401
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=grace_seconds,
        **options,
    )


def _default_workers() -> int:
    """Return the default number of processes: one per core, up to a maximum, to save memory."""
    return min(os.cpu_count() or 1, LARGEST_DEFAULT)


def _check_folder(folder: Path) -> None:
    """Raise an error if a folder holds no models, before files are created beside it."""
    if not any(folder.glob("current*")):
        # Imported here because it takes seconds and memory, which the workers need anyway.
        from foreseen.registry.layout import read_current

        read_current(folder)


def _check_name(text: str) -> str:
    name = host_name(text)
    if not name or not set(text.lower()) <= _NAME_CHARACTERS:
        raise InputError(
            f"--allowed-host: a name or address such as films.example.org. Received: '{text}'"
        )
    return name


def find_secret(host: str, folder: Path) -> str:
    """Return the secret that signs the cookies.

    It is read from the environment. On a loopback address a missing one is generated and stored
    in a file beside the model folder, readable by its owner only.

    Raises:
        InputError: If it is missing on another address, or too short.
    """
    secret = os.environ.get(_SECRET, "")
    if secret:
        if len(secret) < _SHORTEST_SECRET or len(set(secret)) < _FEWEST_CHARACTERS:
            raise InputError(
                f"{_SECRET} should have {_SHORTEST_SECRET} random characters or more, such as: "
                f"{secrets.token_urlsafe(32)}"
            )
        return secret
    if not is_loopback(host):
        raise InputError(
            f"others can reach {host}: set {_SECRET} to a random text, such as: "
            f"{secrets.token_urlsafe(32)}"
        )
    file = secret_file(folder)
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        stored = file.read_text(encoding="utf-8", errors="replace").strip()
        if len(stored) < _SHORTEST_SECRET:
            raise InputError(
                f"{file} holds no secret; delete it, and a new one is generated"
            ) from None
        return stored
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        generated = secrets.token_urlsafe(32)
        out.write(generated + "\n")
    return generated


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address.

    Raises:
        OSError: If the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm, which delays each response by 40 ms, only on sockets
    # with an explicit protocol.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening
