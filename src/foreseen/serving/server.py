"""Running the application: address, secret, worker processes, graceful shutdown."""

import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from foreseen.errors import ForeseenError, InputError
from foreseen.registry import versions
from foreseen.serving.app import SHARED_METRICS, create_app
from foreseen.serving.store import Store

_SECRET: Final = "FORESEEN_SECRET"  # noqa: S105
_SHORTEST_SECRET: Final = 32
_FEWEST_CHARACTERS: Final = 10
"""Distinct characters of a secret; fewer are no random text."""
_GRACE_SECONDS: Final = 10
_HEALTH_SECONDS: Final = 30
"""A worker that does not respond for so long, even while it starts, is replaced."""
_MOST_WORKERS: Final = 4
_SWITCH_SECONDS: Final = 0.0005


@dataclass(frozen=True)
class ServerConfig:
    """The settings of a worker process.

    Attributes:
        folder: The folder of models.
        database: URL of the database.
        secret: Signs the session cookies.
        behind_https: Whether a proxy in front terminates HTTPS.
        admins: Names of the administrators.
        first_administers: Whether the first account to sign up is an administrator too.
    """

    folder: Path
    database: str
    secret: str
    behind_https: bool
    admins: tuple[str, ...]
    first_administers: bool

    def open(self) -> FastAPI:
        """Return the application for the only process.

        Raises:
            ForeseenError: If the model or the database cannot be opened.
        """
        store = Store(self.database)
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
        # The event loop's thread waits up to this long for a thread that computes.
        sys.setswitchinterval(_SWITCH_SECONDS)
        return create_app(
            self.folder, store, self.secret, self.behind_https, self.admins, self.first_administers
        )

    def open_worker(self) -> FastAPI:
        """Return the application for one of several processes; it ends when its parent does."""
        Thread(target=_end_with_parent, name="parent watcher", daemon=True).start()
        try:
            return self.open()
        except ForeseenError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)  # noqa: T201
            raise SystemExit(STARTUP_FAILURE) from error


def run(
    folder: Path,
    db: str | None,
    host: str,
    port: int,
    behind_https: bool,
    admins: Sequence[str],
    workers: int,
) -> None:
    """Serve until SIGINT or SIGTERM; requests in progress are completed.

    Args:
        folder: The folder of models.
        db: URL of the database; None for a SQLite file beside the folder.
        host: Address to listen on.
        port: Port; 0 takes a free one.
        behind_https: Whether a proxy in front terminates HTTPS.
        admins: Names of the administrators; on a loopback address the first account to sign up
            is one too.
        workers: Number of processes, each with the model in memory.

    Raises:
        ModelFolderError: If the folder holds no models, or the current version is damaged.
        InputError: If the secret is missing or too short.
        ForeseenError: If the address or the database cannot be opened.
    """
    versions.verify_current(folder)
    secret = find_secret(host, folder)
    database = db or f"sqlite:///{folder.absolute().with_name(folder.name + '.db')}"
    server = ServerConfig(folder, database, secret, behind_https, tuple(admins), _is_loopback(host))
    try:
        listening = listen(host, port)
    except OSError as error:
        raise ForeseenError(
            f"{host}:{port} cannot be listened on ({error.strerror}); name another --port"
        ) from error
    with listening:
        if workers > 1:
            # Migrate once, before the workers start.
            Store(database).close()
        app = server.open() if workers == 1 else server.open_worker
        config = uvicorn.Config(
            app,
            factory=workers > 1,
            workers=workers,
            log_level="warning",
            access_log=False,
            proxy_headers=behind_https,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            timeout_worker_healthcheck=_HEALTH_SECONDS,
        )
        shown = f"[{host}]" if ":" in host else host
        print(f"serving http://{shown}:{listening.getsockname()[1]}", flush=True)  # noqa: T201
        if workers == 1:
            uvicorn.Server(config).run(sockets=[listening])
        else:
            _run_workers(config, listening)


def default_workers() -> int:
    """Return the default number of processes: one per core, up to a maximum, to save memory."""
    return min(os.cpu_count() or 1, _MOST_WORKERS)


def _run_workers(config: uvicorn.Config, listening: socket.socket) -> None:
    """Serve with several processes; one that dies is replaced.

    Raises:
        ForeseenError: If they cannot start.
    """
    with TemporaryDirectory(prefix="foreseen-metrics-", ignore_cleanup_errors=True) as metrics:
        os.environ[SHARED_METRICS] = metrics
        # With one arena per thread, glibc's memory grows as threads come and go.
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")
        workers = Multiprocess(config, sockets=[listening])
        workers.run()
    if any(worker.exitcode == STARTUP_FAILURE for worker in workers.processes):
        raise ForeseenError("the workers cannot start: see above")


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


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
    if not _is_loopback(host):
        raise InputError(
            f"others can reach {host}: set {_SECRET} to a random text, such as: "
            f"{secrets.token_urlsafe(32)}"
        )
    file = folder.absolute().with_name(folder.name + ".secret")
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        stored = file.read_text(encoding="utf-8").strip()
        if len(stored) < _SHORTEST_SECRET:
            raise InputError(
                f"{file} holds no secret; delete it, and a new one is generated"
            ) from None
        return stored
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        generated = secrets.token_urlsafe(32)
        out.write(generated + "\n")
    return generated


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
