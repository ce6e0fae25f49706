"""HTTP/1.1 connections with bounds on their number, on request headers and on slow clients.

Uvicorn bounds none of them, apart from the idle time between two requests.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from foreseen.serving.problems import problem

_OVERHEAD_PER_BYTE: Final = 8
"""Bytes of chunk headers that are accepted per byte of a body that is sent in chunks."""
_RETRY_SECONDS: Final = 2


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of a process.

    Attributes:
        connections: The largest number of connections.
        head_bytes: The largest size of request line and headers.
        head_seconds: The longest time until the headers are complete.
        stalled_seconds: The longest time for a small body or response.
        bytes_per_second: The lowest rate of a large one.
        check_seconds: Time between two checks of a connection.
    """

    connections: int = 500
    head_bytes: int = 1 << 16
    head_seconds: float = 15.0
    stalled_seconds: float = 20.0
    bytes_per_second: int = 1 << 14
    check_seconds: float = 1.0


class _HeadTooLargeError(Exception):
    """Ends the parsing of a request."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is closed when it exceeds a limit.

    If there are too many, a connection that waits for a request makes room for the next: the one
    that has waited the longest, so that idle clients do not keep others out.
    """

    limits: ClassVar = ConnectionLimits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._waiting_since = self.loop.time()
        self._check_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._body_bytes = 0
        self._body_since = 0.0
        self._began = False
        self._in_head = False
        self._unsent_since = 0.0
        self._unsent_bytes = 0

    @property
    def _is_handling(self) -> bool:
        """Whether a request is being received or handled."""
        return self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Accept a connection, or refuse it if there are too many."""
        super().connection_made(transport)
        self._check_timer = self.loop.call_later(self.limits.check_seconds, self._check)
        if len(self.connections) > self.limits.connections and not self._make_room():
            self._refuse(503, "overloaded", "too many connections; try again in a moment")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the checks."""
        if self._check_timer is not None:
            self._check_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data; refuse headers that are too large, also if they are not complete."""
        self._began = False
        body_before = self._body_bytes
        super().data_received(data)
        if not self._began:
            self._head_bytes += len(data) - (self._body_bytes - body_before)
        if self._is_head_too_large() and not self.transport.is_closing():
            self._refuse_head()

    def on_message_begin(self) -> None:
        """Start counting for a request."""
        super().on_message_begin()
        self._began = self._in_head = True
        self._head_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request."""
        self._in_head = False
        self._body_since = self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count a part of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._waiting_since = self.loop.time()
        self._unsent_bytes = 0
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be parsed, or was not because it is too large."""
        if self._is_head_too_large():
            self._refuse_head()
        else:
            self._refuse(400, "invalid-request", msg)

    def _count(self, size: int) -> None:
        if self._began:
            self._head_bytes += size
        if self._is_head_too_large():
            raise _HeadTooLargeError

    def _is_head_too_large(self) -> bool:
        limit = self.limits.head_bytes + _OVERHEAD_PER_BYTE * self._body_bytes
        return self._head_bytes > limit

    def _refuse_head(self) -> None:
        limit = f"the headers of a request may have at most {self.limits.head_bytes >> 10} KiB"
        self._refuse(431, "headers-too-large", limit)

    def _check(self) -> None:
        """Close the connection if its client is too slow."""
        now = self.loop.time()
        self._check_timer = self.loop.call_later(self.limits.check_seconds, self._check)
        if self._is_response_stalled(now):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._is_handling:
            allowed = self.limits.stalled_seconds + self._body_bytes / self.limits.bytes_per_second
            is_sending = self.cycle.more_body and not self.flow.read_paused
            if is_sending and now - self._body_since > allowed:
                self._refuse(408, "timeout", "the request was not sent in time")
        elif now - self._waiting_since > self.limits.head_seconds:
            if self._in_head:
                self._refuse(408, "timeout", "the request was not sent in time")
            else:
                self.transport.close()

    def _is_response_stalled(self, now: float) -> bool:
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or self._unsent_bytes == 0:
            self._unsent_since = now
        self._unsent_bytes = max(unsent, self._unsent_bytes) if unsent else 0
        allowed = self.limits.stalled_seconds + self._unsent_bytes / self.limits.bytes_per_second
        return now - self._unsent_since > allowed

    def _make_room(self) -> bool:
        """Close the connection that has waited the longest for a request, if any waits."""
        oldest: BoundedProtocol | None = None
        for other in self.connections:
            if not isinstance(other, BoundedProtocol) or other is self or other._is_handling:
                continue
            if oldest is None or other._waiting_since < oldest._waiting_since:
                oldest = other
        if oldest is None:
            return False
        if oldest.transport.is_closing():
            oldest.transport.abort()
        else:
            oldest.transport.close()
        return True

    def _refuse(self, status: int, kind: str, detail: str) -> None:
        """Respond with a problem and close the connection."""
        if self._is_handling:
            if not self.cycle.response_started:
                self._write(status, kind, detail)
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        else:
            self._write(status, kind, detail)
        self.transport.close()

    def _write(self, status: int, kind: str, detail: str) -> None:
        response = problem(status, kind, detail, _RETRY_SECONDS if status == 503 else None)
        headers = [*self.server_state.default_headers, *response.raw_headers]
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        head = [STATUS_LINE[status], *lines, b"connection: close\r\n\r\n"]
        self.transport.write(b"".join([*head, bytes(response.body)]))
