"""An immutable snapshot of a model, with what requests need.

A request uses one snapshot from start to end, so a new version, a rollback or new ratings in the
folder never fail a request that is being served; see `foreseen.serving.live_model`.
"""

import threading
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
from foreseen.features import movie_statistics as movies_at
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.ensemble.model import EnsemblePredictor
from foreseen.registry import versions
from foreseen.registry.layout import Version
from foreseen.registry.versions import LoadedVersion
from foreseen.serving.active_learning import RatingCovariance
from foreseen.serving.store import StoredRating
from foreseen.serving.title_search import TitleSearch

_MOVIES_AT_ONCE: Final = 256


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
            ModelFolderError: If the folder holds no models, or the version is damaged.
            InputError: If its data have no ratings.
        """
        revision = versions.revision(folder)
        return cls.of(versions.load(folder), revision)

    @classmethod
    def of(cls, loaded: LoadedVersion, revision: tuple[int, ...]) -> Self:
        """Return the snapshot of a loaded version, with what every request needs.

        Raises:
            InputError: If its data have no ratings.
        """
        model = loaded.model
        model.encoding.scale.check_has_ratings(
            "a server needs ratings; print rankings with: foreseen recommend"
        )
        snapshot = cls(model, loaded.version, loaded.links, revision)
        model.score([History.empty()], snapshot.ids[:1])
        model.second_stage_offset(snapshot.now)
        return snapshot

    def warm_up(self, stopped: threading.Event) -> None:
        """Compute what many requests use, and each would otherwise compute a part of.

        Args:
            stopped: When it is set, the rest is left to the requests.
        """
        self.title_search.find("warm", 1)
        # Popular movies occur in most histories.
        popular_first = np.argsort(-self.views, kind="stable")
        for start in range(0, len(popular_first), _MOVIES_AT_ONCE):
            if stopped.is_set():
                return
            part = popular_first[start : start + _MOVIES_AT_ONCE]
            self.model.candidates.co_occurrence.precompute(part)

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

    def rows(self, movies: Sequence[int]) -> list[int]:
        """Return the rows of movies in the catalogue, without those that are not in it."""
        rows = self.model.log.catalogue.movies.rows(movies)
        return rows[rows >= 0].tolist()

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

    @cached_property
    def rating_covariance(self) -> RatingCovariance | None:
        """The prior covariance of a user's ratings; None if the model has no factor models."""
        predictor = self.model.predictor
        if not isinstance(predictor, EnsemblePredictor):
            return None
        factors = predictor.factors
        return RatingCovariance.of(
            factors.snapshots[-1].members if factors.snapshots else factors.members
        )

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


def _imdb_id(text: str) -> str:
    digits = imdb_digits(text)
    return "" if digits is None else f"tt{digits:0>7}"
