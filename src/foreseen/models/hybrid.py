"""The deep model that grows out of the baseline: dot product, genres, attributes, two layers.

The dot product of a user's and a movie's embedding is concatenated with the movie's genres and
with the point-in-time features (wide and deep: Cheng et al., 2016); two dense layers tell how far
the rating lies from what kindness and worth alone would predict. Ids are dropped out in training
(DropoutNet: Volkovs et al., 2017), so that users and movies without an embedding are answered
from the features alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.features.encoder import FEATURES, Encoded
from foreseen.features.examples import Examples
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.models.predictor import Settings, answer_unknown
from foreseen.models.training import (
    Inputs,
    LoopSettings,
    Trained,
    evaluate_network,
    load_arrays,
    network_arrays,
    train_network,
)

_EXTREME = 5.0


class HybridSettings(Settings):
    """Settings of the hybrid.

    Attributes:
        width: Size of the embeddings.
        hidden: Units of the two dense layers.
        dropout: Share of the first layer's units left out in training.
        id_dropout: Share of users and of movies treated as unknown in training.
        loop: How it is trained.
    """

    width: int = 8
    hidden: tuple[int, int] = (64, 32)
    dropout: float = 0.1
    id_dropout: float = 0.3
    loop: LoopSettings = LoopSettings()


class HybridNetwork(nn.Module):
    """Rating = expected + H2(H1(dot product, genres, features)).

    The last row of each embedding is that of the unknown.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, settings: HybridSettings, users: int, movies: int, genres: int) -> None:
        super().__init__()
        self.id_dropout = settings.id_dropout
        self.user = nn.Embedding(users + 1, settings.width)
        self.movie = nn.Embedding(movies + 1, settings.width)
        first, second = settings.hidden
        self.hidden1 = nn.Linear(1 + genres + len(FEATURES), first)
        self.hidden2 = nn.Linear(first, second)
        self.dropout = nn.Dropout(settings.dropout)
        self.rating = nn.Linear(second, 1)
        self.register_buffer("mean", torch.zeros(len(FEATURES)))
        self.register_buffer("scale", torch.ones(len(FEATURES)))
        for table in (self.user, self.movie):
            nn.init.normal_(table.weight, std=0.05)
        nn.init.zeros_(self.rating.weight)
        nn.init.zeros_(self.rating.bias)

    def forward(
        self, user: Tensor, movie: Tensor, genres: Tensor, features: Tensor, expected: Tensor
    ) -> Tensor:
        """Return ratings of shape B.

        Args:
            user: Rows of the users' embeddings, of shape B.
            movie: Rows of the movies' embeddings, of shape B.
            genres: Indicators of shape B x G.
            features: Point-in-time features of shape B x F, as they come.
            expected: What kindness and worth alone predict, of shape B.
        """
        dot = (
            self.user(self._drop(user, self.user)) * self.movie(self._drop(movie, self.movie))
        ).sum(dim=1, keepdim=True)
        level = ((features - self.mean) / self.scale).clamp(-_EXTREME, _EXTREME)
        hidden = torch.relu(self.hidden1(torch.cat([dot, genres, level], dim=1)))
        hidden = torch.relu(self.hidden2(self.dropout(hidden)))
        correction: Tensor = self.rating(hidden).squeeze(1)
        return expected + correction

    def _drop(self, rows: Tensor, table: nn.Embedding) -> Tensor:
        if not self.training:
            return rows
        dropped = torch.rand(rows.shape) < self.id_dropout
        return torch.where(dropped, table.num_embeddings - 1, rows)


@dataclass(frozen=True)
class HybridPredictor:
    """The trained network.

    Attributes:
        settings: What it was fitted with.
        network: The network.
        trained: What came of training; None once saved and loaded.
    """

    settings: HybridSettings
    network: HybridNetwork
    trained: Trained | None = None

    def observed(self, timeline: Timeline) -> "HybridPredictor":
        """Return itself: what is new reaches it through the features."""
        del timeline
        return self

    def estimate(
        self, timeline: Timeline, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        answers = evaluate_network(self.network, _inputs(self.network, timeline, queries, encoded))
        return answer_unknown(answers, np.ones(len(queries), dtype=np.bool_), encoded)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights, by name."""
        return network_arrays(self.network)

    @classmethod
    def from_arrays(
        cls, settings: HybridSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "HybridPredictor":
        """Return the predictor its weights were taken from."""
        genres = arrays["hidden1.weight"].shape[1] - 1 - len(FEATURES)
        users, movies = len(arrays["user.weight"]) - 1, len(arrays["movie.weight"]) - 1
        network = HybridNetwork(settings, users, movies, genres)
        load_arrays(network, arrays)
        return cls(settings, network)


def fit_hybrid(
    settings: HybridSettings,
    timeline: Timeline,
    learn: Examples,
    later: Examples | None,
    seed: int,
) -> HybridPredictor:
    """Train the network; later examples, if given, decide when to stop."""
    torch.manual_seed(seed)
    catalogue = timeline.catalogue
    network = HybridNetwork(
        settings, len(timeline.users), len(catalogue), len(catalogue.genre_names)
    )
    values = learn.encoded.values
    network.mean.copy_(torch.from_numpy(values.mean(axis=0)))
    network.scale.copy_(torch.from_numpy(np.maximum(values.std(axis=0), 1e-3)))
    stop = None
    if later is not None:
        seen = _forget_new_ids(later.queries, learn.queries)
        stop = (_inputs(network, timeline, seen, later.encoded), later.rating)
    inputs = _inputs(network, timeline, learn.queries, learn.encoded)
    trained = train_network(network, inputs, learn.rating, settings.loop, seed, "hybrid", stop)
    with torch.no_grad():
        _blank_untrained(network.user, learn.queries.user)
        _blank_untrained(network.movie, learn.queries.movie)
    return HybridPredictor(settings, network, trained)


def _blank_untrained(table: nn.Embedding, rows: NDArray[np.int32]) -> None:
    """Give rows no example has touched the embedding of the unknown."""
    untouched = np.setdiff1d(np.arange(table.num_embeddings - 1), rows)
    table.weight[torch.from_numpy(untouched)] = table.weight[-1].clone()


def _forget_new_ids(later: Queries, learn: Queries) -> Queries:
    user = np.where(np.isin(later.user, learn.user), later.user, -1).astype(np.int32)
    movie = np.where(np.isin(later.movie, learn.movie), later.movie, -1).astype(np.int32)
    return replace(later, user=user, movie=movie)


def _inputs(
    network: HybridNetwork, timeline: Timeline, queries: Queries, encoded: Encoded
) -> Inputs:
    def rows(found: NDArray[np.int32], table: nn.Embedding) -> Tensor:
        unknown = table.num_embeddings - 1
        inside = (found >= 0) & (found < unknown)
        return torch.from_numpy(np.where(inside, found, unknown).astype(np.int64))

    return {
        "user": rows(queries.user, network.user),
        "movie": rows(queries.movie, network.movie),
        "genres": torch.from_numpy(timeline.catalogue.genres[queries.movie]),
        "features": torch.from_numpy(encoded.values),
        "expected": torch.from_numpy(encoded.expected.astype(np.float32)),
    }
