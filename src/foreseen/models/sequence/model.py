"""The fitted sequence model: log probabilities of the next movie, and of the next thirty days."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from foreseen.candidates.source import SequenceScores
from foreseen.compute.cache import LRUCache
from foreseen.data.catalogue import Catalogue
from foreseen.data.identifiers import IdMap
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.user_sample import in_sample, saved_share
from foreseen.models.sequence.events import Events, make_batch
from foreseen.models.sequence.finetuning import add_movies, finetune_sequence_network
from foreseen.models.sequence.movie_vectors import (
    TrainingStatistics,
    movie_attributes,
)
from foreseen.models.sequence.network import SequenceNetwork
from foreseen.models.sequence.settings import SequenceSettings
from foreseen.models.sequence.training import train_sequence_network
from foreseen.models.training import load_arrays, network_arrays

_MOST_LEVELS: Final = 20
_TOKENS: Final = 4096
"""About how many events are read at once."""


@dataclass(frozen=True)
class NetworkMovies:
    """The movies of a catalogue as the network reads them.

    Attributes:
        catalogue: The catalogue.
        inputs, outputs: Vectors, of shape C x D.
        bias: Of shape C.
    """

    catalogue: Catalogue
    inputs: Tensor
    outputs: Tensor
    bias: Tensor


@dataclass(frozen=True, eq=False)
class SequenceModel:
    """A fitted network, and what it needs to read a log.

    Attributes:
        settings: The settings.
        network: The network.
        users: The users whose ratings it was fitted to.
        movies: The movies of the catalogue it was fitted to.
        statistics: Of these movies.
        edges: Ratings between two levels, ascending, one fewer than there are levels.
        until: First second after the ratings it was fitted to.
        share: Share of the users whose ratings it is fitted to; see `user_sample`.
    """

    settings: SequenceSettings
    network: SequenceNetwork
    users: IdMap
    movies: IdMap
    statistics: TrainingStatistics
    edges: NDArray[np.float64]
    until: int
    share: float = 1.0
    _vectors: LRUCache[int, NetworkMovies] = field(
        default_factory=lambda: LRUCache(1), init=False, repr=False
    )

    @classmethod
    def fitted(
        cls,
        settings: SequenceSettings,
        log: InteractionLog,
        rows: NDArray[np.bool_],
        seed: int,
        label: str = "sequence model",
        share: float = 1.0,
    ) -> "SequenceModel":
        """Fit a model to some ratings of the histories of a log.

        Args:
            settings: The settings.
            log: The log.
            rows: Which ratings of its histories to use, of shape E; at least one of a user in
                the sample.
            seed: Random seed.
            label: Label of the progress bar.
            share: Share of the users whose ratings are used; see `user_sample`.
        """
        rows = rows & _of_sample(log, share)
        movie, rating = log.histories.movie[rows].astype(np.int64), log.histories.rating[rows]
        edges = _level_edges(rating)
        events = _training_events(log, rows, edges)
        statistics = TrainingStatistics.of(log.catalogue, movie, rating)
        attributes = movie_attributes(log.catalogue, statistics)
        network = train_sequence_network(settings, events, attributes, len(edges) + 1, seed, label)
        users = IdMap.of(log.users.ids[np.diff(events.starts) > 0])
        until = int(events.time.max()) + 1
        return cls(settings, network, users, log.catalogue.movies, statistics, edges, until, share)

    def finetuned(self, log: InteractionLog, until: int, seed: int) -> "SequenceModel":
        """Return the model trained further, on the ratings of a log before a moment.

        Movies that are new get vectors of their own.

        Args:
            log: The log.
            until: Only ratings strictly older are used.
            seed: Random seed.
        """
        rows = (log.histories.times < until) & _of_sample(log, self.share)
        events = _training_events(log, rows, self.edges)
        known = np.repeat(self.users.rows(log.users.ids) >= 0, np.diff(events.starts))
        is_new = ~known | (events.time >= self.until)
        if not is_new.any():
            return self
        movie, rating = events.movie, log.histories.rating[rows]
        catalogue = log.catalogue
        statistics = TrainingStatistics.of(catalogue, movie, rating)
        statistics = replace(statistics, years=self.statistics.years)
        place = self.movies.rows(catalogue.movies.ids).astype(np.int64)
        network = add_movies(self.network, place, statistics.count, events)
        attributes = movie_attributes(catalogue, statistics)
        finetune_sequence_network(network, events, attributes, is_new, seed + len(movie))
        users = IdMap.of(log.users.ids[np.diff(events.starts) > 0])
        return SequenceModel(
            self.settings, network, users, catalogue.movies, statistics, self.edges, until,
            self.share,
        )  # fmt: skip

    def scores(
        self,
        view: LogView,
        rows: NDArray[np.int32],
        users: NDArray[np.int64],
        before: NDArray[np.int64],
        moments: NDArray[np.int64] | None = None,
    ) -> list[SequenceScores]:
        """Return the scores of all movies for B histories, each as of a moment.

        Args:
            view: The view that holds the histories.
            rows: Rows of the histories, of shape B.
            users: Ids of their users, of shape B; `UNKNOWN` for a user who is not in the log.
            before: Only ratings strictly older count, of shape B.
            moments: Seconds of the next ratings, of shape B; None where they are not known.
        """
        values = self.log_probabilities(view, rows, before, moments)
        known = view.histories.known(rows, before)
        old = view.histories.known(rows, np.minimum(before, self.until))
        share = old / np.maximum(known, 1) * (self.users.rows(users) >= 0)
        return [SequenceScores(*pair) for pair in zip(values, share.tolist(), strict=True)]

    def log_probabilities(
        self,
        view: LogView,
        rows: NDArray[np.int32],
        before: NDArray[np.int64],
        moments: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Return log probabilities of every movie for B histories, of shape B x C x 2.

        The first is that of the next movie; the second that of a movie of the next thirty days,
        drawn at random.

        Args:
            view: The view that holds the histories.
            rows: Rows of the histories, of shape B.
            before: Only ratings strictly older count, of shape B.
            moments: Seconds of the next ratings, of shape B; None where they are not known.
        """
        table = self.movies_of(view.catalogue)
        events = self._events(view, rows, before, moments)
        size = np.minimum(np.diff(events.starts), self.settings.length)
        first = events.starts[1:] - size
        # All movies of a score side by side: readers go through one score after the other.
        found = torch.empty(len(rows), 2, len(table.bias))
        found[:] = torch.log_softmax(table.bias, dim=0)
        order = np.argsort(size, kind="stable")
        order = order[size[order] > 0]
        ends = np.flatnonzero(np.diff((np.cumsum(size[order]) - 1) // _TOKENS)) + 1
        with torch.inference_mode():
            for part in np.split(order, ends) if len(order) else []:
                batch = make_batch(events, first[part], size[part])
                state = self.network.last_states(batch, table.inputs)
                # Both scores by one product, which reads the movies once.
                query = torch.stack([state, self.network.horizon(state)], dim=1)
                logits = torch.addmm(table.bias, query.flatten(0, 1), table.outputs.t())
                scores = torch.log_softmax(logits, dim=1).view(len(part), 2, -1)
                found[torch.from_numpy(part)] = scores
        return found.numpy().transpose(0, 2, 1)

    def _events(
        self,
        view: LogView,
        rows: NDArray[np.int32],
        before: NDArray[np.int64],
        moments: NDArray[np.int64] | None,
    ) -> Events:
        """Return the known ratings of B histories of movies of the catalogue."""
        histories = view.histories
        first = histories.starts[rows]
        size = histories.ends(rows, before) - first
        starts = np.concatenate([[0], np.cumsum(size)])
        place = np.arange(int(starts[-1])) + np.repeat(first - starts[:-1], size)
        kept = histories.movie[place] >= 0
        place = place[kept]
        starts = np.concatenate([[0], np.cumsum(kept)])[starts].astype(np.int64)
        movie = histories.movie[place].astype(np.int64)
        level = np.searchsorted(self.edges, histories.rating[place])
        return Events.of(starts, movie, level, histories.times[place], moments)

    def movies_of(self, catalogue: Catalogue) -> NetworkMovies:
        """Return the movies of a catalogue; one that came after the fit has its attributes only."""

        def compute() -> NetworkMovies:
            rows = self.movies.rows(catalogue.movies.ids).astype(np.int64)
            statistics = self.statistics.of_rows(rows)
            attributes = torch.from_numpy(movie_attributes(catalogue, statistics))
            network = self.network
            place = torch.from_numpy(np.maximum(rows, 0))
            fitted = torch.from_numpy((rows >= 0).astype(np.float32))[:, None]
            identity = network.identity.weight[place] * network.known[place] * fitted
            inputs = identity + functional.linear(attributes, network.content.weight)
            outputs = identity + functional.linear(attributes, network.out_content.weight)
            bias = torch.where(fitted[:, 0] > 0, network.bias[place], network.bias.min())
            return NetworkMovies(catalogue, inputs, outputs, bias)

        # The value keeps its catalogue, so that no other can have the same key meanwhile.
        return self._vectors.get_or_compute(id(catalogue), compute)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the weights and the statistics by name."""
        arrays = {f"network.{name}": array for name, array in network_arrays(self.network).items()}
        return arrays | {
            "users": self.users.ids,
            "movies": self.movies.ids,
            "count": self.statistics.count,
            "total": self.statistics.total,
            "years": self.statistics.years,
            "edges": self.edges,
            "until": np.array([self.until]),
            "share": np.array([self.share]),
        }

    @classmethod
    def from_arrays(
        cls, settings: SequenceSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "SequenceModel":
        """Return the model of these arrays.

        Raises:
            LookupError, RuntimeError, ValueError: If names or shapes differ.
        """
        part = "network."
        weights = {n.removeprefix(part): a for n, a in arrays.items() if n.startswith(part)}
        count, levels = len(weights["bias"]), len(weights["level.weight"])
        network = SequenceNetwork(settings, count, weights["content.weight"].shape[1], levels)
        load_arrays(network, weights)
        numbers = {n: arrays[n].astype(np.float64) for n in ("count", "total", "years", "edges")}
        statistics = TrainingStatistics(numbers["count"], numbers["total"], numbers["years"])
        users, movies = (IdMap(arrays[n].astype(np.int64)) for n in ("users", "movies"))
        sizes = {len(movies), len(statistics.count), len(statistics.total)}
        if sizes != {count} or len(numbers["edges"]) + 1 != levels:
            raise ValueError("the arrays of the sequence model differ in size")
        until = int(arrays["until"].astype(np.int64)[0])
        network.requires_grad_(requires_grad=False)
        share = saved_share(arrays)
        return cls(settings, network, users, movies, statistics, numbers["edges"], until, share)


def _of_sample(log: InteractionLog, share: float) -> NDArray[np.bool_]:
    """Return which ratings of the histories are of users in a sample, of shape E."""
    return np.repeat(in_sample(log.users.ids, share), np.diff(log.histories.starts))


def _training_events(
    log: InteractionLog, rows: NDArray[np.bool_], edges: NDArray[np.float64]
) -> Events:
    """Return the events of some ratings of the histories of a log, in rows of its catalogue."""
    histories = log.histories
    used = np.concatenate([[0], np.cumsum(rows)])
    level = np.searchsorted(edges, histories.rating[rows])
    starts = used[histories.starts].astype(np.int64)
    return Events.of(starts, histories.movie[rows].astype(np.int64), level, histories.times[rows])


def _level_edges(rating: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ratings between two levels; on a fine scale, levels hold equal shares."""
    levels = np.unique(rating)
    if len(levels) > _MOST_LEVELS:
        levels = np.unique(np.quantile(rating, np.linspace(0, 1, _MOST_LEVELS)))
    return (levels[1:] + levels[:-1]) / 2
