"""Overload: a bounded number of requests is handled or waits; others are refused at once."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from foreseen.messages import Message
from foreseen.serving.middleware import IMPORT_PATH
from foreseen.serving.problems import problem

RUNNING: Final = 8
"""Requests that a process handles at the same time. More threads would contend for the cores."""
_WAITING: Final = 16
_WITH_THEIR_OWN_THREADS: Final = 32
_UPLOADS: Final = 8
_RETRY_SECONDS: Final = 2
_UNBOUNDED: Final = frozenset({"/health", "/ready", "/metrics"})
_STATIC: Final = "/static/"
_HASHING: Final = frozenset({"/api/v1/accounts", "/api/v1/session", "/api/v1/me/password"})


class _Limit:
    """A bound on requests of one kind."""

    def __init__(self, running: int, waiting: int) -> None:
        self.slots = asyncio.Semaphore(running)
        self._places = waiting
        self._waiting = 0

    async def enter(self) -> bool:
        """Wait for a slot; return False at once if too many requests wait already."""
        if self.slots.locked() and self._waiting >= self._places:
            return False
        self._waiting += 1
        try:
            await self.slots.acquire()
        finally:
            self._waiting -= 1
        return True


class LoadShedding:
    """Refuses requests with status 503 that would have to wait for long.

    Uploads, and routes that hash passwords, have threads of their own and do not count as requests
    in progress. Static files, health checks and metrics are never refused.
    """

    def __init__(self, app: ASGIApp, running: int = RUNNING, waiting: int = _WAITING) -> None:
        self._app = app
        self._general = _Limit(running, waiting)
        self._hashing = _Limit(_WITH_THEIR_OWN_THREADS, 0)
        self._uploads = _Limit(_UPLOADS, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, now or when there is a slot, or refuse it."""
        limit = self._limit_of(scope)
        if limit is None:
            await self._app(scope, receive, send)
        elif await limit.enter():
            try:
                await self._app(scope, receive, send)
            finally:
                limit.slots.release()
        else:
            detail = Message("too many requests at the same time; try again in a moment")
            await problem(503, "overloaded", detail, _RETRY_SECONDS)(scope, receive, send)

    def _limit_of(self, scope: Scope) -> _Limit | None:
        if scope["type"] != "http":
            return None
        path: str = scope["path"]
        if path in _UNBOUNDED or path.startswith(_STATIC):
            return None
        if path == IMPORT_PATH:
            return self._uploads
        return self._hashing if path in _HASHING else self._general
