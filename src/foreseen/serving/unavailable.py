"""The server that responds while no worker is ready."""

import socket
from collections.abc import Callable
from threading import Thread
from typing import Final

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from foreseen.messages import Message
from foreseen.serving.problems import problem

_RETRY_SECONDS: Final = 5


async def respond_unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond to any request with status 503, except to the health check of the process."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/health":
        response = JSONResponse({"status": "alive"})
    else:
        detail = Message(
            "the service is starting or temporarily unavailable; try again in a moment"
        )
        response = problem(503, "unavailable", detail, _RETRY_SECONDS)
    await response(scope, receive, send)


class UnavailableServer:
    """A thread that responds with status 503 on a socket until it is stopped."""

    def __init__(self, config: Callable[[], uvicorn.Config], listening: socket.socket) -> None:
        """Start responding.

        Args:
            config: Returns the settings of the server.
            listening: The socket; it stays open when the server stops.
        """
        self._server = uvicorn.Server(config())
        self._thread = Thread(
            target=self._server.run,
            kwargs={"sockets": [listening.dup()]},
            name="unavailable",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Return when the server has stopped; requests in progress are completed."""
        self._server.should_exit = True
        self._thread.join()
