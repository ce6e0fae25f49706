"""The application of a worker process, created as soon as model and database allow."""

import gc
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import Final

from starlette.types import ASGIApp

from foreseen.errors import ForeseenError, InputError
from foreseen.files import write_text

# The parent process imports this module; what takes memory and time is imported by the workers.

STARTUP_FAILURE: Final = 3
"""Exit code of a worker that cannot start because of a mistake, see `failure_file`."""
GRACE_SECONDS: Final = 10
"""Time for requests in progress when the server ends."""
FIRST_RETRY_SECONDS: Final = 0.5
LONGEST_RETRY_SECONDS: Final = 30.0
SHARED_METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder in which the worker processes share their metrics."""
_INPUT: Final = "input"
_SWITCH_SECONDS: Final = 0.0005
_LOG: Final = logging.getLogger("foreseen.serving")


@dataclass(frozen=True)
class WorkerConfig:
    """The settings of a worker process.

    Attributes:
        folder: The folder of models.
        database: URL of the database.
        secret: Signs the session cookies.
        behind_https: Whether a proxy in front terminates HTTPS.
        admins: Names of the administrators.
        first_administers: Whether the first account to sign up is an administrator too.
        allowed_hosts: Names under which the server may be addressed; any if there are none.
        shared: A folder for files of the workers of a machine, and of their parent process.
        posters: A folder with posters; None without.
        tmdb_url: URL of the API of TMDB.
        tmdb_key: Key of the API; without one, no posters are fetched.
        webhook: URL that alerts about drift are sent to; None without.
        webhook_key: Signs the alerts.
        claims: A folder that all workers share, see `Webhook`; None for `shared`.
    """

    folder: Path
    database: str = field(repr=False)
    secret: str = field(repr=False)
    behind_https: bool
    admins: tuple[str, ...]
    first_administers: bool
    allowed_hosts: tuple[str, ...]
    shared: Path = Path()
    posters: Path | None = None
    tmdb_url: str = ""
    tmdb_key: str = field(default="", repr=False)
    webhook: str | None = None
    webhook_key: str = field(default="", repr=False)
    claims: Path | None = None

    def create_app(self) -> ASGIApp:
        """Return the application; the process ends with its parent.

        If model or database are unavailable, try again, at increasing intervals. A mistake of the
        user ends the process with `STARTUP_FAILURE`, unless a worker has served requests before.
        """
        Thread(target=_end_with_parent, name="parent watcher", daemon=True).start()
        wait = FIRST_RETRY_SECONDS
        while True:
            try:
                return self.open_app()
            except Exception as error:
                if not self.served_file.exists() and not _may_recover(error, self.database):
                    self._fail(error)
                _LOG.error("not available, next try in %g s: %s", wait, _describe(error))
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_RETRY_SECONDS)

    @property
    def served_file(self) -> Path:
        """A file that exists once a worker has been ready."""
        return self.shared / "served"

    @property
    def failure_file(self) -> Path:
        """A file with the message of the error that ended a worker."""
        return self.shared / "failure"

    def read_failure(self) -> ForeseenError:
        """Return the error that ended a worker with `STARTUP_FAILURE`."""
        kind, _, message = self.failure_file.read_text(encoding="utf-8").partition(":")
        return InputError(message) if kind == _INPUT else ForeseenError(message)

    def open_app(self) -> ASGIApp:
        """Return the application; set the process up to serve it.

        Raises:
            ForeseenError: If model or database are unavailable, or there is a mistake.
        """
        logging.basicConfig(stream=sys.stderr, format="%(message)s")
        logging.getLogger("foreseen").setLevel(logging.INFO)
        # The event loop's thread waits up to this long for a thread that computes.
        sys.setswitchinterval(_SWITCH_SECONDS)
        # Collections during the start find little, and take a tenth of its time.
        gc.disable()
        try:
            return self._open()
        finally:
            gc.enable()

    def _open(self) -> ASGIApp:
        from foreseen.serving.alerts import Webhook
        from foreseen.serving.app import create_app
        from foreseen.serving.locations import poster_folder
        from foreseen.serving.store import Store
        from foreseen.serving.tmdb import TmdbConfig

        # A job that tidies up old temporary files may have deleted it.
        self.shared.mkdir(exist_ok=True)
        webhook = None
        if self.webhook is not None:
            webhook = Webhook(self.webhook, self.webhook_key, self.claims or self.shared)
        tmdb = None
        if self.tmdb_key:
            tmdb = TmdbConfig(poster_folder(self.folder), self.tmdb_url, self.tmdb_key)
        store = Store(self.database)
        try:
            return create_app(
                self.folder,
                store,
                self.secret,
                self.behind_https,
                self.admins,
                self.first_administers,
                self.allowed_hosts,
                self.posters,
                tmdb,
                webhook,
            )
        except BaseException:
            store.close()
            raise

    def _fail(self, error: Exception) -> None:
        kind = _INPUT if isinstance(error, InputError) else ""
        text = f"{kind}:{_describe(error)}"
        write_text(self.failure_file, text)
        raise SystemExit(STARTUP_FAILURE) from error


def _may_recover(error: Exception, database: str) -> bool:
    """Return whether waiting may help: a database server may come back, a file will not."""
    from foreseen.serving.store import StoreUnavailableError

    return isinstance(error, StoreUnavailableError) and not database.startswith("sqlite")


def _describe(error: Exception) -> str:
    if isinstance(error, ForeseenError | OSError):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}"


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    # A worker that is not ready does not react.
    time.sleep(GRACE_SECONDS + 1)
    os._exit(1)
