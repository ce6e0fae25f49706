"""Worker processes: started, watched, replaced when they die, ended together."""

import logging
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import uvicorn
from uvicorn.supervisors.multiprocess import Process

from foreseen.serving.unavailable import UnavailableServer
from foreseen.serving.worker import (
    FIRST_RETRY_SECONDS,
    GRACE_SECONDS,
    LONGEST_RETRY_SECONDS,
    STARTUP_FAILURE,
    WorkerConfig,
)

_LOG: Final = logging.getLogger("foreseen.serving")
_TICK_SECONDS: Final = 0.1
_HUNG_SECONDS: Final = 60.0
"""A worker that does not respond for so long, even while it starts, is replaced."""
_STABLE_SECONDS: Final = 60.0
"""A worker that dies after this time is replaced as if none had died before."""
_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGBREAK")


class _Worker(Process):
    """A worker process.

    Attributes:
        is_serving: Whether it serves requests.
        started: When it was started.
        responded: When it last responded, or was started.
    """

    def __init__(self, config: uvicorn.Config, listening: socket.socket) -> None:
        super().__init__(config, [listening])
        self.is_serving = False
        self.started = self.responded = time.monotonic()
        self._is_pinged = False
        self.start()

    def poll(self) -> None:
        """Receive responses to the last ping, without waiting, and send the next one."""
        try:
            while self.parent_conn.poll():
                self.is_serving = bool(self.parent_conn.recv())
                self.responded = time.monotonic()
                self._is_pinged = False
            if not self._is_pinged:
                self.parent_conn.send(b"ping")
                self._is_pinged = True
        except (OSError, EOFError):
            # The process is about to end.
            self.is_serving = False


@dataclass
class _Place:
    """A place for a worker: the present one, or when the next one starts.

    Attributes:
        worker: The worker; None after it died.
        due: When to start the next one.
        wait: Seconds to wait for it.
    """

    worker: _Worker | None = None
    due: float = 0.0
    wait: float = FIRST_RETRY_SECONDS

    def postpone(self, reason: str) -> None:
        """Start the next worker after a while, and after twice as long the next time."""
        _LOG.error("%s, next one in %g s", reason, self.wait)
        self.due = time.monotonic() + self.wait
        self.wait = min(2 * self.wait, LONGEST_RETRY_SECONDS)


class Supervisor:
    """Keeps a number of workers running; while none is ready, it responds with status 503."""

    def __init__(
        self,
        worker: WorkerConfig,
        config: uvicorn.Config,
        unavailable: Callable[[], uvicorn.Config],
        listening: socket.socket,
    ) -> None:
        """Prepare to serve.

        Args:
            worker: Settings of the workers.
            config: Settings of their servers.
            unavailable: Returns the settings of the server that responds while none is ready.
            listening: The socket to serve on.
        """
        self._worker = worker
        self._config = config
        self._listening = listening
        self._unavailable_config = unavailable
        self._unavailable: UnavailableServer | None = None
        self._places = [_Place() for _ in range(config.workers)]
        self._is_stopping = False
        self._has_served = False

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until a signal to stop.

        Args:
            ready: Called when a worker is ready for the first time.

        Raises:
            ForeseenError: If the first workers cannot start because of a mistake.
        """
        numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        before = [(number, signal.signal(number, self._stop)) for number in numbers]
        try:
            while not self._is_stopping:
                # The first worker starts alone: others would take half of its cores from it.
                for place in self._places if self._has_served else self._places[:1]:
                    self._keep_alive(place)
                self._switch(ready)
                time.sleep(_TICK_SECONDS)
        finally:
            self._end_all()
            for number, handler in before:
                signal.signal(number, handler or signal.SIG_DFL)

    def _stop(self, *_: object) -> None:
        self._is_stopping = True

    def _keep_alive(self, place: _Place) -> None:
        now = time.monotonic()
        worker = place.worker
        if worker is None:
            if now >= place.due:
                try:
                    place.worker = _Worker(self._config, self._listening)
                except OSError as error:
                    place.postpone(f"no worker could be started: {error}")
            return
        worker.poll()
        if worker.process.is_alive():
            if now - worker.responded < _HUNG_SECONDS:
                return
            worker.kill()
        worker.join()
        if worker.exitcode == STARTUP_FAILURE and not self._has_served:
            raise self._worker.read_failure()
        if now - worker.started > _STABLE_SECONDS:
            place.wait = FIRST_RETRY_SECONDS
        place.worker = None
        place.postpone(f"a worker ended with {worker.exitcode}")

    def _switch(self, ready: Callable[[], None]) -> None:
        """Respond with status 503 from here if no worker is ready, else leave it to them."""
        if any(place.worker and place.worker.is_serving for place in self._places):
            if self._unavailable is not None:
                self._unavailable.stop()
                self._unavailable = None
            if not self._has_served:
                self._has_served = True
                self._worker.served_file.touch()
                ready()
        elif self._unavailable is None:
            self._unavailable = UnavailableServer(self._unavailable_config, self._listening)

    def _end_all(self) -> None:
        workers = [place.worker for place in self._places if place.worker is not None]
        for worker in workers:
            # One that is not ready has no requests to complete.
            if worker.is_serving:
                worker.terminate()
            else:
                worker.kill()
        if self._unavailable is not None:
            self._unavailable.stop()
        deadline = time.monotonic() + GRACE_SECONDS + 2
        for worker in workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.kill()
            worker.join()
