"""Running the application: addresses, secrets, logs, and ending without cutting anybody off."""

import ipaddress
import logging
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvicorn

from foreseen import registry
from foreseen.errors import ForeseenError, InputError
from foreseen.serving.app import create_app
from foreseen.serving.store import Store

_SECRET: Final = "FORESEEN_SECRET"  # noqa: S105
_SHORTEST_SECRET: Final = 32
_GRACE_SECONDS: Final = 10
_SWITCH_SECONDS: Final = 0.0005


def run(
    folder: Path,
    db: str | None,
    host: str,
    port: int,
    behind_https: bool,
    admins: Sequence[str],
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

    Raises:
        InputError: If there is no model, or the secret will not do for the address.
        ForeseenError: If the address cannot be listened on, or the database not opened.
    """
    registry.read_version(folder)
    secret = find_secret(host, folder)
    store = Store(db or f"sqlite:///{folder.absolute().with_name(folder.name + '.db')}")
    try:
        listening = listen(host, port)
    except OSError as error:
        store.close()
        raise ForeseenError(
            f"{host}:{port} cannot be listened on ({error.strerror}); name another --port"
        ) from error
    with listening:
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
        app = create_app(folder, store, secret, behind_https, admins, _is_loopback(host))
        # The thread that takes requests in waits this long for one that computes.
        sys.setswitchinterval(_SWITCH_SECONDS)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            proxy_headers=behind_https,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        shown = f"[{host}]" if ":" in host else host
        print(f"serving http://{shown}:{listening.getsockname()[1]}", flush=True)  # noqa: T201
        uvicorn.Server(config).run(sockets=[listening])


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
