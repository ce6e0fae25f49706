"""Running the application: addresses, secrets, logs, and ending without cutting anybody off."""

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
from foreseen.registry import versions as registry
from foreseen.serving.app import SHARED_METRICS, create_app
from foreseen.serving.store import Store

_SECRET: Final = "FORESEEN_SECRET"  # noqa: S105
_SHORTEST_SECRET: Final = 32
_GRACE_SECONDS: Final = 10
_HEALTH_SECONDS: Final = 10
_MOST_WORKERS: Final = 4
_SWITCH_SECONDS: Final = 0.0005


@dataclass(frozen=True)
class Site:
    """What is served: all that a process needs to know to answer.

    Attributes:
        folder: The folder of models.
        database: The database's URL.
        secret: What cookies are signed with.
        behind_https: Whether people reach it by HTTPS, through a proxy that ends it.
        admins: Names of those who administer.
        first_administers: Whether whoever signs up first does, too.
    """

    folder: Path
    database: str
    secret: str
    behind_https: bool
    admins: tuple[str, ...]
    first_administers: bool

    def open(self) -> FastAPI:
        """Return the application, ready to answer in this process.

        Raises:
            ForeseenError: If the model or the database cannot be opened.
        """
        store = Store(self.database)
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
        # The thread that takes requests in waits this long for one that computes.
        sys.setswitchinterval(_SWITCH_SECONDS)
        return create_app(
            self.folder, store, self.secret, self.behind_https, self.admins, self.first_administers
        )

    def open_worker(self) -> FastAPI:
        """Return the application for one process of several, which ends when the first does."""
        Thread(target=_end_with_parent, name="parent", daemon=True).start()
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
    """Serve until told to stop; what is being answered then is answered to the end.

    Args:
        folder: The folder of models.
        db: The database's URL; None for a SQLite file beside the folder.
        host: Address to listen on.
        port: Port; 0 takes a free one.
        behind_https: Whether people reach it by HTTPS, through a proxy that ends it.
        admins: Names of those who administer; on this machine's own address, whoever signs up
            first does, too.
        workers: Processes that answer, each with the model in its memory.

    Raises:
        InputError: If there is no whole model, or the secret will not do for the address.
        ForeseenError: If the address cannot be listened on, or the database not opened.
    """
    registry.verify(folder, registry.read_version(folder))
    secret = find_secret(host, folder)
    database = db or f"sqlite:///{folder.absolute().with_name(folder.name + '.db')}"
    site = Site(folder, database, secret, behind_https, tuple(admins), _is_loopback(host))
    try:
        listening = listen(host, port)
    except OSError as error:
        raise ForeseenError(
            f"{host}:{port} cannot be listened on ({error.strerror}); name another --port"
        ) from error
    with listening:
        if workers > 1:
            # Its tables are brought up to date once, before all workers would.
            Store(database).close()
        app = site.open() if workers == 1 else site.open_worker
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


def usual_workers() -> int:
    """Return how many processes answer where nobody says: each takes the memory of a model."""
    return min(os.cpu_count() or 1, _MOST_WORKERS)


def _run_workers(config: uvicorn.Config, listening: socket.socket) -> None:
    """Answer by several processes; one that dies is replaced.

    Raises:
        ForeseenError: If they cannot start.
    """
    with TemporaryDirectory(prefix="foreseen-metrics-", ignore_cleanup_errors=True) as figures:
        os.environ[SHARED_METRICS] = figures
        # glibc gives every thread memory of its own, which threads that come and go fill up.
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")
        workers = Multiprocess(config, sockets=[listening])
        workers.run()
    if any(worker.exitcode == STARTUP_FAILURE for worker in workers.processes):
        raise ForeseenError("nothing is served: see above")


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def find_secret(host: str, folder: Path) -> str:
    """Return what cookies are signed with.

    From the environment, or, on this machine's own address only, one that is made once and kept
    beside the model, readable by its owner.

    Raises:
        InputError: If none is set where others can reach the server, or it is too short.
    """
    given = os.environ.get(_SECRET, "")
    if given:
        if len(given) < _SHORTEST_SECRET or len(set(given)) < 10:
            raise InputError(
                f"{_SECRET} should have {_SHORTEST_SECRET} random characters or more, such as: "
                f"{secrets.token_urlsafe(32)}"
            )
        return given
    if not _is_loopback(host):
        raise InputError(
            f"others can reach {host}: set {_SECRET} to a random text, such as: "
            f"{secrets.token_urlsafe(32)}"
        )
    file = folder.absolute().with_name(folder.name + ".secret")
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        kept = file.read_text(encoding="utf-8").strip()
        if len(kept) < _SHORTEST_SECRET:
            raise InputError(f"{file} holds no secret; delete it, and a new one is made") from None
        return kept
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        made = secrets.token_urlsafe(32)
        out.write(made + "\n")
    return made


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address.

    Raises:
        OSError: If the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on, which holds each answer back 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening
