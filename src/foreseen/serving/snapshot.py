"""The model that requests are served from: an immutable snapshot, replaced when its folder changes.

A request uses one snapshot from start to end, so a new version, a rollback or new ratings in the
folder never fail a request that is being served.
"""

import gc
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.data.encoding import Encoding
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.schema import IMDB, MOVIE, TMDB
from foreseen.data.sources.personal_fields import imdb_digits
from foreseen.data.title_matching import TitleIndex
from foreseen.errors import ModelFolderError
from foreseen.features import movie_statistics as movies_at
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.registry import versions
from foreseen.registry.layout import Version
from foreseen.registry.recovery import load_sound
from foreseen.registry.versions import LoadedVersion
from foreseen.serving.store import StoredRating
from foreseen.serving.title_search import TitleSearch

_LOG: Final = logging.getLogger("foreseen.serving")
_RETRY_SECONDS: Final = 60.0
"""Time until a folder that cannot be read is tried again, unless it changes."""


@dataclass(frozen=True)
class ModelSnapshot:
    """A version of a model, with indexes derived from its log.

    Attributes:
        model: The model, with all ratings of its folder.
        version: Its metadata.
        links: The movies' ids in other databases, if the data had them.
        revision: Identifies the state of the folder across processes.
        serial: Number of the snapshot in this process, ascending.
    """

    model: Model
    version: Version
    links: pl.DataFrame | None
    revision: tuple[int, ...]
    serial: int = field(default_factory=count().__next__)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the current version of a folder and compute what every request needs.

        Raises:
            ModelFolderError: If the folder holds no models, the version is damaged, or its data
                have no ratings.
        """
        revision = versions.revision(folder)
        return cls.of(versions.load(folder), revision)

    @classmethod
    def of(cls, loaded: LoadedVersion, revision: tuple[int, ...]) -> Self:
        """Return the snapshot of a loaded version, with what every request needs."""
        model = loaded.model
        if not model.encoding.scale.has_ratings:
            raise ModelFolderError(
                "the data of the model have likes or views, without ratings to predict; the server "
                "needs ratings"
            )
        snapshot = cls(model, loaded.version, loaded.links, revision)
        model.score([History.empty()], snapshot.ids[:1])
        model.second_stage_offset(snapshot.now)
        # Popular movies occur in most histories.
        popular_first = np.argsort(-snapshot.views, kind="stable")
        model.candidates.co_occurrence.precompute(popular_first)
        snapshot.title_search.find("warm", 1)
        return snapshot

    @property
    def encoding(self) -> Encoding:
        """The ids and the scale of the ratings that users see."""
        return self.model.encoding

    @property
    def input_scale(self) -> RatingScale:
        """The scale that users rate on: half stars, or that of the data."""
        return STARS if self.encoding.scale.is_stars else self.encoding.scale

    @property
    def ids(self) -> NDArray[np.int64]:
        """Movie codes in the order of the catalogue, of shape C."""
        return self.model.log.catalogue.movies.ids

    @property
    def now(self) -> int:
        """The second that predictions are as of: the end of the log."""
        return self.model.log.end

    def row(self, movie: int) -> int | None:
        """Return the row of a movie in the catalogue; None if it is not in it."""
        row = int(self.model.log.catalogue.movies.rows([movie])[0])
        return None if row < 0 else row

    @cached_property
    def title_index(self) -> TitleIndex:
        """The index that imported ratings are matched with."""
        return TitleIndex.of(self.model.log.catalogue.table, self.links, self.encoding.movies)

    @cached_property
    def external_ids(self) -> dict[int, tuple[str, str]]:
        """Ids of IMDb, as `tt0111161`, and of TMDB by movie code; empty where there is none."""
        if self.links is None:
            return {}
        rows = self.links.select(MOVIE, IMDB, TMDB).iter_rows()
        return {movie: (_imdb_id(imdb or ""), tmdb or "") for movie, imdb, tmdb in rows}

    @cached_property
    def title_search(self) -> TitleSearch:
        """The index that searches use."""
        return TitleSearch(self.model.titles, self.views, self.model.log.catalogue.years[:-1])

    @cached_property
    def views(self) -> NDArray[np.float64]:
        """Number of ratings of each movie, of shape C."""
        return self.model.log.views(self.now)

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """Mean rating of each movie, of shape C; NaN for a movie without ratings."""
        with np.errstate(invalid="ignore"):
            return self.model.log.movie_states(self.now)[:, movies_at.TOTAL] / self.views

    @cached_property
    def rating_deviations(self) -> NDArray[np.float64]:
        """Standard deviation of the ratings of each movie, of shape C."""
        log = self.model.log
        squares = np.bincount(log.movie, log.rating**2, minlength=len(self.ids))
        variance = squares / np.maximum(self.views, 1) - np.nan_to_num(self.means) ** 2
        return np.sqrt(np.maximum(variance, 0))

    @cached_property
    def like_counts(self) -> NDArray[np.float64]:
        """Number of users who liked each movie, of shape C."""
        log = self.model.log
        liked = log.movie[log.rating >= movies_at.LIKED_FROM]
        return np.bincount(liked, minlength=len(self.ids)).astype(np.float64)

    def history(self, ratings: Sequence[StoredRating]) -> History:
        """Return a user's ratings as a history that lies before `now`.

        Users rate after the end of the log, by years if the model has not been updated. Ratings
        from `now` on are shifted together so that the last one is just before it, though never
        before an earlier rating: the order stays.
        """
        moments = np.array([entry.rated for entry in ratings], dtype=np.int64)
        recent = moments >= self.now
        shift = max(0, int(moments.max(initial=0)) - (self.now - 1))
        floor = int(moments[~recent].max(initial=0))
        shifted = np.where(recent, np.clip(moments - shift, floor, self.now - 1), moments)
        return History(
            np.array([entry.movie for entry in ratings], dtype=np.int64),
            np.array([entry.rating for entry in ratings], dtype=np.float64),
            shifted,
        )


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
        """
        self._folder = folder
        self._every = every
        self._fault = ""
        self._seen = versions.revision(folder)
        self._retry_at = 0.0
        self._snapshot = self._load_first()
        freeze_gc()
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
        while not self._stopped.wait(self._every):
            try:
                revision = versions.revision(self._folder)
                is_due = bool(self._fault) and time.monotonic() >= self._retry_at
                if revision == self._seen and not is_due:
                    continue
                self._seen = revision
                self._snapshot = ModelSnapshot.load(self._folder)
                self._fault = ""
                freeze_gc()
                _LOG.info("serving version %d", self._snapshot.version.number)
            except Exception as error:
                # The old snapshot stays in use; a later check may find the folder complete.
                self._note_fault(str(error))

    def _note_fault(self, fault: str) -> None:
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        if fault != self._fault:
            _LOG.warning("the model folder cannot be read: %s", fault)
        self._fault = fault


def freeze_gc() -> None:
    """Exclude all existing objects from garbage collection.

    A snapshot consists of hundreds of thousands of long-lived objects. A full collection that
    traverses them takes longer than a request and stops all threads.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    # A full collection starts when many objects are new relative to those that the last one left.
    gc.collect()


def _imdb_id(text: str) -> str:
    digits = imdb_digits(text)
    return "" if digits is None else f"tt{digits:0>7}"
