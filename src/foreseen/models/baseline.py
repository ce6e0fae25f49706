"""The baseline: user and movie embeddings of size five, their dot product, one dense unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.features.encoder import Encoded
from foreseen.features.examples import Examples
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import Queries
from foreseen.models.predictor import Settings, fall_back
from foreseen.models.spec import Capabilities, Fit, ModelSpec, SearchRange
from foreseen.models.training import (
    LOOP_SEARCH_SPACE,
    Inputs,
    LoopSettings,
    evaluate_network,
    load_arrays,
    network_arrays,
    train_network,
)


class BaselineSettings(Settings):
    """Settings of the baseline.

    Attributes:
        width: Size of the embeddings.
        loop: Settings of the training loop.
    """

    width: int = 5
    loop: LoopSettings = LoopSettings(epochs=30, learning_rate=5e-3, weight_decay=1e-2)


class BaselineNetwork(nn.Module):
    """Rating = dense(user embedding . movie embedding)."""

    def __init__(self, settings: BaselineSettings, users: int, movies: int) -> None:
        super().__init__()
        self.user = nn.Embedding(users, settings.width)
        self.movie = nn.Embedding(movies, settings.width)
        self.dense = nn.Linear(1, 1)
        for table in (self.user, self.movie):
            nn.init.normal_(table.weight, mean=1.0, std=0.1)
        nn.init.constant_(self.dense.weight, 3.5 / settings.width)
        nn.init.zeros_(self.dense.bias)

    def forward(self, user: Tensor, movie: Tensor) -> Tensor:
        """Return ratings of shape B for rows of users and of movies, both of shape B."""
        dot = (self.user(user) * self.movie(movie)).sum(dim=1, keepdim=True)
        rating: Tensor = self.dense(dot).squeeze(1)
        return rating


@dataclass(frozen=True)
class BaselinePredictor:
    """The trained network, and the users and movies it was trained on.

    Attributes:
        settings: The settings it was fitted with.
        network: The network.
        seen_users, seen_movies: Whether each row of the embeddings was trained.
    """

    settings: BaselineSettings
    network: BaselineNetwork
    seen_users: NDArray[np.bool_]
    seen_movies: NDArray[np.bool_]

    def observed(self, log: InteractionLog) -> "BaselinePredictor":
        """Return itself: new ratings enter through the features."""
        del log
        return self

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        """Return expected ratings of shape N; unknown users and movies get the fallback."""
        del view
        known = _seen(self.seen_users, queries.user) & _seen(self.seen_movies, queries.movie)
        estimates = evaluate_network(self.network, _inputs(queries, known))
        return fall_back(estimates, known, encoded)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights by name."""
        seen = {"seen_users": self.seen_users, "seen_movies": self.seen_movies}
        return {**network_arrays(self.network), **seen}

    @classmethod
    def from_arrays(
        cls, settings: BaselineSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "BaselinePredictor":
        """Return the predictor of these arrays."""
        weights = dict(arrays)
        users, movies = weights.pop("seen_users"), weights.pop("seen_movies")
        network = BaselineNetwork(settings, len(users), len(movies))
        load_arrays(network, weights)
        return cls(settings, network, users.astype(np.bool_), movies.astype(np.bool_))


def fit_baseline(
    settings: BaselineSettings,
    log: InteractionLog,
    train: Examples,
    validation: Examples | None,
    seed: int,
    extra: Queries,
) -> Fit:
    """Train the network, with early stopping if there are validation examples."""
    del extra
    torch.manual_seed(seed)
    network = BaselineNetwork(settings, len(log.users), len(log.catalogue))
    seen_users = np.zeros(len(log.users), dtype=np.bool_)
    seen_users[train.queries.user] = True
    seen_movies = np.zeros(len(log.catalogue), dtype=np.bool_)
    seen_movies[train.queries.movie] = True
    stop = None
    if validation is not None:
        known = seen_users[validation.queries.user] & seen_movies[validation.queries.movie]
        if known.any():
            rows = np.flatnonzero(known)
            stop = (_inputs(validation.queries.part(rows), known[rows]), validation.rating[rows])
    all_known = np.ones(len(train), dtype=np.bool_)
    trained = train_network(
        network,
        _inputs(train.queries, all_known),
        train.rating,
        settings.loop,
        seed,
        "baseline",
        stop,
    )
    predictor = BaselinePredictor(settings, network, seen_users, seen_movies)
    return Fit(predictor, trained.epochs)


def _seen(seen: NDArray[np.bool_], rows: NDArray[np.int32]) -> NDArray[np.bool_]:
    inside = (rows >= 0) & (rows < len(seen))
    return inside & seen[np.where(inside, rows, 0)]


def _inputs(queries: Queries, known: NDArray[np.bool_]) -> Inputs:
    return {
        "user": torch.from_numpy(np.where(known, queries.user, 0).astype(np.int64)),
        "movie": torch.from_numpy(np.where(known, queries.movie, 0).astype(np.int64)),
    }


SPEC: Final = ModelSpec(
    name="baseline",
    settings=BaselineSettings,
    fit=fit_baseline,
    load=BaselinePredictor.from_arrays,
    search_space=(*LOOP_SEARCH_SPACE, SearchRange(("loop.epochs",), 5, 40)),
    capabilities=Capabilities(fold_in=False),
)
