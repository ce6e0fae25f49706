"""The model that answers, with what the page needs beside it; replaced whole when it changes.

Requests keep the world they began with, so that a new version, a rollback or new ratings in the
model's folder never fail one.
"""

import gc
import logging
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from foreseen.data.schema import TITLE
from foreseen.data.title_matching import TitleIndex, article_first, normalise_title
from foreseen.features import movie_statistics as movies_at
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.ranking.recommend import diversify
from foreseen.registry import versions as registry
from foreseen.serving.store import Rated

_LOG: Final = logging.getLogger("foreseen.serving")
_LIKELY_MEANT: Final = 70.0
_FEW_RUNS: Final = 5
"""Words with fewer runs of three letters are compared with every title: a typo may hit them all."""
_RESEMBLING: Final = 500
_FAMILIAR: Final = 400
_SIMILAR_DAMPING: Final = 10.0
_LIKED: Final = 4.0
_OTHER_TITLES: Final = re.compile(r"(\s*\([^()]*\))+$")


@dataclass(frozen=True)
class World:
    """A model and its version.

    Attributes:
        model: Knowing all ratings of its folder.
        version: What is written of it.
        links: The movies' ids elsewhere, if the data had them.
        stamp: Tells the state of a folder from any other, in whatever process.
        serial: Which of the worlds of this process it is.
    """

    model: Model
    version: registry.Version
    links: pl.DataFrame | None
    stamp: tuple[int, ...]
    serial: int = field(default_factory=count().__next__)

    @classmethod
    def load(cls, folder: Path) -> "World":
        """Read the current version of a folder and make it ready to answer.

        Raises:
            ModelFolderError: If there is none, or it is damaged.
        """
        stamp = registry.stamp(folder)
        version = registry.read_version(folder)
        model = registry.load_model(folder, version.number)
        world = cls(model, version, registry.read_links(folder), stamp)
        nobody = History(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
        world.model.score([nobody], world.ids[:1])
        world.model.second_stage_offset(world.now)
        # Popular movies stand in most histories.
        world.model.candidates.co_occurrence.precompute(np.argsort(-world.views, kind="stable"))
        world.search("warm", 1)
        return world

    @property
    def ids(self) -> NDArray[np.int64]:
        """Movie ids in the catalogue's order, of shape C."""
        return self.model.log.catalogue.movies.ids

    @property
    def now(self) -> int:
        """The moment answers are given as of: the end of all the model knows."""
        return self.model.log.end

    def row(self, movie: int) -> int | None:
        """Return a movie's place in the catalogue; None if it is not there."""
        row = int(self.model.log.catalogue.movies.rows([movie])[0])
        return None if row < 0 else row

    @cached_property
    def titles(self) -> TitleIndex:
        """The catalogue to find imported movies in."""
        return TitleIndex.of(self.model.log.catalogue.table, self.links)

    @cached_property
    def views(self) -> NDArray[np.float64]:
        """Ratings of each movie as of now, of shape C."""
        return self.model.log.views(self.now)

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """Mean rating of each movie as of now, of shape C; NaN where there is none."""
        with np.errstate(invalid="ignore"):
            return self.model.log.movie_states(self.now)[:, movies_at.TOTAL] / self.views

    @cached_property
    def _plain_titles(self) -> list[str]:
        return [normalise_title(title) for title in self.model.log.catalogue.titles]

    def history(self, rated: Sequence[Rated]) -> History:
        """Return a person's ratings as a history whose latest moment the model still knows.

        Where the model has learned of nothing lately, people rate in what is its future, years
        perhaps after the last rating it knows. They are answered as of that rating: what they
        rated since is moved back, together, to just before it.
        """
        moments = np.array([entry.rated for entry in rated], dtype=np.int64)
        recent = moments >= self.now
        late = max(0, int(moments.max(initial=0)) - (self.now - 1))
        # Never before what was rated earlier: the order stays.
        floor = int(moments[~recent].max(initial=0))
        moved = np.where(recent, np.clip(moments - late, floor, self.now - 1), moments)
        return History(
            np.array([entry.movie for entry in rated], dtype=np.int64),
            np.array([entry.rating for entry in rated], dtype=np.float64),
            moved,
        )

    def search(self, words: str, most: int) -> list[int]:
        """Return rows of movies whose titles may be meant, the likeliest first; typos are allowed.

        What begins with the words or holds them goes first, the more watched of equals.
        """
        wanted = normalise_title(words)
        if not wanted:
            return []
        fame = np.log1p(self.views)
        found: dict[int, float] = {}
        for row, title in enumerate(self._plain_titles):
            if wanted in title:
                whole, start = title == wanted, title.startswith(wanted)
                found[row] = 200 + 40 * whole + 20 * start + 10 * float(fame[row])
        if len(found) < most:
            close = process.extract(
                wanted,
                {row: self._plain_titles[row] for row in self._resembling(wanted)},
                scorer=fuzz.partial_ratio,
                limit=8 * most,
                score_cutoff=_LIKELY_MEANT,
            )
            for title, score, row in close:
                # A short title is part of many a word: it must be like the whole.
                alike = score if len(title) >= len(wanted) else fuzz.ratio(wanted, title)
                if alike >= _LIKELY_MEANT:
                    found.setdefault(row, alike + 3 * float(fame[row]))
        order = sorted(found, key=lambda row: (-found[row], row))
        return order[:most]

    def _resembling(self, wanted: str) -> list[int]:
        """Return rows of titles that share most runs of three letters with the words."""
        runs = _runs(wanted)
        if len(runs) < _FEW_RUNS:
            return list(range(len(self.ids)))
        shared = np.zeros(len(self.ids), dtype=np.int64)
        for run in runs:
            shared[self._titles_with.get(run, [])] += 1
        order = np.argsort(-shared, kind="stable")[:_RESEMBLING]
        return [int(row) for row in order if shared[row]]

    @cached_property
    def _titles_with(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, title in enumerate(self._plain_titles):
            for run in _runs(title):
                found.setdefault(run, []).append(row)
        return found

    def newcomer_grid(self, leave_out: Sequence[int], k: int) -> list[int]:
        """Return rows of movies worth asking a newcomer about.

        Well known, so that most can answer; divisive, so that the answer tells something; and of
        different genres.
        """
        spread = self._spread * np.log1p(self.views)
        spread[list(leave_out)] = -np.inf
        known = np.argsort(-self.views, kind="stable")[:_FAMILIAR]
        offered = known[np.argsort(-spread[known], kind="stable")]
        offered = offered[np.isfinite(spread[offered])]
        alike = self.model.log.catalogue.genre_weights
        return [int(row) for row in diversify(spread, offered, alike, k, 0.4)]

    @cached_property
    def _spread(self) -> NDArray[np.float64]:
        log = self.model.log
        squares = np.bincount(log.movie, log.rating**2, minlength=len(self.ids))
        variance = squares / np.maximum(self.views, 1) - np.nan_to_num(self.means) ** 2
        return np.sqrt(np.maximum(variance, 0))

    def similar(self, row: int, k: int) -> list[int]:
        """Return rows of movies liked by those who liked this one, more than by others."""
        log = self.model.log
        starts, places, owners = log.by_movie
        own = log.histories
        raters = places[starts[row] : starts[row + 1]]
        fans = owners[raters[own.rating[raters] >= _LIKED]]
        together = np.zeros(len(self.ids))
        for fan in fans:
            part = slice(int(own.starts[fan]), int(own.starts[fan + 1]))
            together[own.movie[part][own.rating[part] >= _LIKED]] += 1
        expected = np.sqrt((self._liked + _SIMILAR_DAMPING) * (len(fans) + _SIMILAR_DAMPING))
        alike = log.catalogue.genre_weights
        worth = together / expected + 0.05 * (alike @ alike[row])
        worth[row] = -np.inf
        return [int(other) for other in np.argsort(-worth, kind="stable")[:k]]

    @cached_property
    def _liked(self) -> NDArray[np.float64]:
        log = self.model.log
        liked = log.movie[log.rating >= _LIKED]
        return np.bincount(liked, minlength=len(self.ids)).astype(np.float64)

    def yearly(self, row: int) -> list[tuple[int, int, float]]:
        """Return (year, ratings, mean rating) of a movie, year by year."""
        log = self.model.log
        starts, places, _ = log.by_movie
        raters = places[starts[row] : starts[row + 1]]
        times, rating = log.histories.times[raters], log.histories.rating[raters]
        years = times.astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970
        return [
            (int(year), int((years == year).sum()), float(rating[years == year].mean()))
            for year in np.unique(years)
        ]

    def title(self, row: int) -> str:
        """Return a movie's title as people write it: article in front, no other titles behind."""
        title = self.model.log.catalogue.table[TITLE][row]
        if not title:
            return self.model.log.catalogue.titles[row]
        return article_first(_OTHER_TITLES.sub("", title) or title)


def _runs(text: str) -> set[str]:
    return {text[n : n + 3] for n in range(len(text) - 2)}


def set_aside() -> None:
    """Let the garbage collector pass over all there is by now.

    A world is hundreds of thousands of objects that stay; to walk through them all takes longer
    than an answer, and everybody waits.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    # How much must have come for the next whole collection is told by what the last one left.
    gc.collect()


class LiveWorld:
    """The current world of a folder, watched for changes by a thread of its own."""

    def __init__(self, folder: Path, every: float = 1.0) -> None:
        self._folder = folder
        self._every = every
        self._world = World.load(folder)
        set_aside()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="world", daemon=True)
        self._thread.start()

    @property
    def folder(self) -> Path:
        """The folder of models."""
        return self._folder

    @property
    def current(self) -> World:
        """The world to answer from; keep it for the whole request."""
        return self._world

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                if registry.stamp(self._folder) == self._world.stamp:
                    continue
                self._world = World.load(self._folder)
                set_aside()
                _LOG.info("version %d answers", self._world.version.number)
            except Exception as error:
                # The old world goes on answering; the next look may find the folder whole.
                _LOG.warning("the model's folder cannot be read: %s", error)
