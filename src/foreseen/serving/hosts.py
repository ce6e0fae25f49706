"""The names under which the server is addressed, and requests from this machine."""

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from foreseen.errors import InputError
from foreseen.messages import Message
from foreseen.serving.problems import problem

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HEALTH: Final = frozenset({"/health", "/ready"})
_PROXY_HEADERS: Final = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)


class AllowedHosts:
    """Refuses requests that address the server by another name with status 400.

    Without it, a page of another site could read responses if its name is made to resolve to this
    machine (DNS rebinding). Health checks are allowed by any name, because they contain nothing.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """Allow names.

        Args:
            app: The application.
            names: Host names and addresses, as `host_name` returns them; those of the loopback
                interface are always allowed. If it is empty, every name is.
        """
        self._app = app
        self._names = frozenset(names) | LOOPBACK_NAMES if names else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "http" and self._names is not None and scope["path"] not in _HEALTH:
            name = host_name(Headers(scope=scope).get("host", ""))
            if name not in self._names:
                detail = Message(
                    "the server has another name; an administrator can allow this one by "
                    "--allowed-host"
                )
                await problem(400, "unknown-host", detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def is_safe_url(url: str) -> bool:
    """Return whether a URL is HTTPS, or HTTP on this machine, and has no user name."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    return bool(host) and is_safe and "@" not in parts.netloc


def check_url(url: str, option: str) -> str:
    """Return the URL that an option has.

    Raises:
        InputError: If it is not safe, see `is_safe_url`.
    """
    if not is_safe_url(url):
        raise InputError(
            f"{option}: a URL should begin with https://, or with http:// and a loopback address, "
            f"and have no user name. Received: '{url}'"
        )
    return url


def host_name(header: str) -> str:
    """Return the name or address in a `Host` header, in lower case, without port and final dot."""
    if header.startswith("["):
        name = header[1:].partition("]")[0]
    else:
        name = header if header.count(":") > 1 else header.partition(":")[0]
    return name.lower().removesuffix(".")


def is_loopback(host: str) -> bool:
    """Return whether an address or name is that of the loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def client_address(request: Request) -> str:
    """Return the address of the client."""
    return request.client.host if request.client else "unknown"


def is_proxied(request: Request) -> bool:
    """Return whether a request came through a proxy, as far as its headers show."""
    return not _PROXY_HEADERS.isdisjoint(request.headers)


def is_local(request: Request) -> bool:
    """Return whether a request came from a client on this machine, and not through a proxy."""
    client = request.client
    return client is not None and is_loopback(client.host) and not is_proxied(request)
