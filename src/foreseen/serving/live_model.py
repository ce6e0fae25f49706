"""The model that requests are served from, replaced when its folder changes."""

import gc
import logging
import threading
import time
from pathlib import Path
from typing import Final

from foreseen.errors import ModelFolderError
from foreseen.registry import versions
from foreseen.registry.recovery import load_sound
from foreseen.serving.snapshot import ModelSnapshot

_LOG: Final = logging.getLogger("foreseen.serving")
_RETRY_SECONDS: Final = 60.0
"""Time until a folder that cannot be read is tried again, unless it changes."""


class LiveModel:
    """The current snapshot of a folder, reloaded by a background thread when the folder changes.

    If the current version is damaged, the previous one is served. A snapshot in use stays if the
    next one cannot be loaded.
    """

    def __init__(self, folder: Path, every: float = 1.0) -> None:
        """Load the current version and start polling its folder.

        Args:
            folder: The folder of models.
            every: Seconds between checks.

        Raises:
            ModelFolderError: If the folder holds no models, or no version of it is sound.
            InputError: If its data have no ratings.
        """
        self._folder = folder
        self._every = every
        self._fault = ""
        self._seen = versions.revision(folder)
        self._retry_at = 0.0
        self._snapshot = self._load_first()
        # What modules leave when they are imported is small, and to find it takes long.
        freeze_gc(collect=False)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="model watcher", daemon=True)
        self._thread.start()

    @property
    def folder(self) -> Path:
        """The folder of models."""
        return self._folder

    @property
    def current(self) -> ModelSnapshot:
        """The snapshot to serve a request from; keep it for the whole request."""
        return self._snapshot

    @property
    def fault(self) -> str:
        """Why the snapshot is not the folder's current version; empty if it is."""
        return self._fault

    def close(self) -> None:
        """Stop polling the folder."""
        self._stopped.set()
        self._thread.join()

    def _load_first(self) -> ModelSnapshot:
        try:
            return ModelSnapshot.load(self._folder)
        except ModelFolderError:
            sound = load_sound(self._folder)
        self._note_fault("; ".join(sound.faults))
        _LOG.warning("serving version %d", sound.loaded.version.number)
        return ModelSnapshot.of(sound.loaded, self._seen)

    def _watch(self) -> None:
        try:
            # After the start, so that the first requests do not wait for all of it.
            self._snapshot.warm_up(self._stopped)
        except Exception as error:
            _LOG.warning("requests compute what is not prepared: %s", error)
        freeze_gc(collect=False)
        while not self._stopped.wait(self._every):
            try:
                revision = versions.revision(self._folder)
                is_due = bool(self._fault) and time.monotonic() >= self._retry_at
                if revision == self._seen and not is_due:
                    continue
                self._seen = revision
                snapshot = ModelSnapshot.load(self._folder)
                snapshot.warm_up(self._stopped)
                self._snapshot = snapshot
                self._fault = ""
                freeze_gc(collect=True)
                _LOG.info("serving version %d", self._snapshot.version.number)
            except Exception as error:
                # The old snapshot stays in use; a later check may find the folder complete.
                self._note_fault(str(error))

    def _note_fault(self, fault: str) -> None:
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        if fault != self._fault:
            _LOG.warning("the model folder cannot be read: %s", fault)
        self._fault = fault


def freeze_gc(*, collect: bool) -> None:
    """Exclude all existing objects from garbage collection.

    A snapshot consists of hundreds of thousands of long-lived objects. A full collection that
    traverses them takes longer than a request and stops all threads.

    Args:
        collect: Whether to collect garbage before, also of objects that were excluded.
    """
    if collect:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
    # A full collection starts when many objects are new relative to those that the last one left.
    gc.collect()
