"""The hybrid: dot product of embeddings, genres and point-in-time features, two dense layers.

The dot product of a user's and a movie's embedding is concatenated with the movie's genres and
with the point-in-time features (wide and deep: Cheng et al., 2016); two dense layers predict the
deviation of the rating from the biases. Ids are dropped out in training (DropoutNet: Volkovs et
al., 2017), so that users and movies without an embedding are predicted from the features alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.data.catalogue import Catalogue
from foreseen.features.encoder import FEATURES, Encoded
from foreseen.features.examples import Examples
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import Queries
from foreseen.models.predictor import Settings, fall_back
from foreseen.models.spec import Fit, ModelSpec, SearchRange
from foreseen.models.standardise import Standardise
from foreseen.models.training import (
    LOOP_SEARCH_SPACE,
    Inputs,
    LoopSettings,
    evaluate_network,
    load_arrays,
    network_arrays,
    train_network,
)


class HybridSettings(Settings):
    """Settings of the hybrid.

    Attributes:
        width: Size of the embeddings.
        hidden: Units of the two dense layers.
        dropout: Dropout rate of the first layer's units.
        id_dropout: Rate at which users and movies are treated as unknown in training.
        loop: Settings of the training loop.
    """

    width: int = 8
    hidden: tuple[int, int] = (64, 32)
    dropout: float = 0.1
    id_dropout: float = 0.3
    loop: LoopSettings = LoopSettings()


class HybridNetwork(nn.Module):
    """Rating = expected + H2(H1(dot product, genres, features)).

    The last row of each embedding is that of unknown ids.
    """

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
        self.standardise = Standardise(len(FEATURES))
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
            features: Point-in-time features, not standardised, of shape B x F.
            expected: Global mean plus item bias plus user bias, of shape B.
        """
        dot = (
            self.user(self._drop(user, self.user)) * self.movie(self._drop(movie, self.movie))
        ).sum(dim=1, keepdim=True)
        inputs = torch.cat([dot, genres, self.standardise(features)], dim=1)
        hidden = torch.relu(self.hidden1(inputs))
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
        settings: The settings it was fitted with.
        network: The network.
    """

    settings: HybridSettings
    network: HybridNetwork

    def observed(self, log: InteractionLog) -> "HybridPredictor":
        """Return itself: new ratings enter through the features."""
        del log
        return self

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        inputs = _inputs(self.network, view.catalogue, queries, encoded)
        estimates = evaluate_network(self.network, inputs)
        return fall_back(estimates, np.ones(len(queries), dtype=np.bool_), encoded)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights by name."""
        return network_arrays(self.network)

    @classmethod
    def from_arrays(
        cls, settings: HybridSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "HybridPredictor":
        """Return the predictor of these arrays."""
        genres = arrays["hidden1.weight"].shape[1] - 1 - len(FEATURES)
        users, movies = len(arrays["user.weight"]) - 1, len(arrays["movie.weight"]) - 1
        network = HybridNetwork(settings, users, movies, genres)
        load_arrays(network, arrays)
        return cls(settings, network)


def fit_hybrid(
    settings: HybridSettings,
    log: InteractionLog,
    train: Examples,
    validation: Examples | None,
    seed: int,
    extra: Queries,
) -> Fit:
    """Train the network, with early stopping if there are validation examples."""
    del extra
    torch.manual_seed(seed)
    catalogue = log.catalogue
    network = HybridNetwork(settings, len(log.users), len(catalogue), len(catalogue.genre_names))
    values = train.encoded.values
    network.standardise.set_statistics(
        torch.from_numpy(values.mean(axis=0)), torch.from_numpy(values.std(axis=0))
    )
    stop = None
    if validation is not None:
        seen = _without_new_ids(validation.queries, train.queries)
        stop = (_inputs(network, catalogue, seen, validation.encoded), validation.rating)
    inputs = _inputs(network, catalogue, train.queries, train.encoded)
    trained = train_network(network, inputs, train.rating, settings.loop, seed, "hybrid", stop)
    with torch.no_grad():
        _reset_untrained(network.user, train.queries.user)
        _reset_untrained(network.movie, train.queries.movie)
    return Fit(HybridPredictor(settings, network), trained.epochs)


def _reset_untrained(table: nn.Embedding, rows: NDArray[np.int32]) -> None:
    """Set rows without a training example to the embedding of unknown ids."""
    untrained = np.setdiff1d(np.arange(table.num_embeddings - 1), rows)
    table.weight[torch.from_numpy(untrained)] = table.weight[-1].clone()


def _without_new_ids(later: Queries, train: Queries) -> Queries:
    user = np.where(np.isin(later.user, train.user), later.user, -1).astype(np.int32)
    movie = np.where(np.isin(later.movie, train.movie), later.movie, -1).astype(np.int32)
    return replace(later, user=user, movie=movie)


def _inputs(
    network: HybridNetwork, catalogue: Catalogue, queries: Queries, encoded: Encoded
) -> Inputs:
    def rows(found: NDArray[np.int32], table: nn.Embedding) -> Tensor:
        unknown = table.num_embeddings - 1
        inside = (found >= 0) & (found < unknown)
        return torch.from_numpy(np.where(inside, found, unknown).astype(np.int64))

    return {
        "user": rows(queries.user, network.user),
        "movie": rows(queries.movie, network.movie),
        "genres": torch.from_numpy(catalogue.genres[queries.movie]),
        "features": torch.from_numpy(encoded.values),
        "expected": torch.from_numpy(encoded.expected.astype(np.float32)),
    }


SPEC: Final = ModelSpec(
    name="hybrid",
    settings=HybridSettings,
    fit=fit_hybrid,
    load=HybridPredictor.from_arrays,
    search_space=(
        SearchRange(("width",), 4, 32, log=True),
        SearchRange(("dropout",), 0.0, 0.5),
        SearchRange(("id_dropout",), 0.1, 0.9),
        SearchRange(("loop.epochs",), 5, 30),
        *LOOP_SEARCH_SPACE,
    ),
)
