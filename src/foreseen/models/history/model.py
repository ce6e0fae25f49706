"""The history model: ridge attention over a user's ratings, without a user table.

The key of a movie is computed from its content, its viewers and an id embedding that is dropped
out in training, so that unseen movies work (DropoutNet: Volkovs et al., 2017). A history is summed
up by two sums over its ratings: of the outer products of the keys, and of key times residual. The
prediction for a movie is the ridge regression of the residuals on the keys, solved exactly (linear
attention: Katharopoulos et al., 2020; with the sums solved as in fast-weight memories: Schlag et
al., 2021). Encoding a history once serves all candidates, and running sums cover every prefix of a
history, so that training uses all moments in parallel.

Two dense layers combine this with the point-in-time features and the user's frequencies of rating
levels, and output a distribution over the rating levels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.features.encoder import FEATURES, Encoded
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import Queries
from foreseen.models.history.ridge_attention import (
    RidgeAttention,
    attend,
    rating_level_frequencies,
)
from foreseen.models.predictor import Settings
from foreseen.models.standardise import Standardise
from foreseen.models.training import LoopSettings, load_arrays, network_arrays

_BATCH: Final = 1 << 15


class HistorySettings(Settings):
    """Settings of the history model.

    Attributes:
        width: Size of a movie's key, without the constant.
        directions: Leading singular directions of the watch matrix in the keys.
        id_dropout: Rate at which ids are treated as unknown in a step.
        event_dropout: Largest share of a history dropped in a step.
        hidden: Units of the two dense layers.
        dropout: Dropout rates of the inputs and of the hidden units.
        networks: Number of networks, with different seeds, that are averaged.
        loop: Settings of the training loop; a step takes whole users, with `batch` ratings or
            more.
    """

    width: int = 12
    directions: int = 20
    id_dropout: float = 0.5
    event_dropout: float = 0.3
    hidden: tuple[int, int] = (64, 64)
    dropout: tuple[float, float] = (0.1, 0.3)
    networks: int = 2
    loop: LoopSettings = LoopSettings(
        epochs=10, batch=1200, learning_rate=2e-3, weight_decay=0.02, one_cycle=True
    )


class HistoryNetwork(nn.Module):
    """Distribution over levels = head(attention, features, genres, level frequencies)."""

    side: Tensor
    id_scale: Tensor
    levels: Tensor
    prior_frequencies: Tensor

    def __init__(
        self, settings: HistorySettings, movies: int, side: int, genres: int, levels: int
    ) -> None:
        super().__init__()
        first, second = settings.hidden
        self.id_dropout = settings.id_dropout
        self.identity = nn.Embedding(movies, settings.width)
        self.content = nn.Linear(side, settings.width)
        self.constant = nn.Parameter(torch.ones(1))
        self.ridge = nn.Parameter(torch.full((settings.width + 1,), float(np.log(4.0))))
        self.prior = nn.Parameter(torch.zeros(settings.width + 1))
        self.attention_weight = nn.Linear(2, 1, bias=False)
        self.dropout = nn.Dropout(settings.dropout[0])
        self.hidden_dropout = nn.Dropout(settings.dropout[1])
        self.hidden1 = nn.Linear(2 + len(FEATURES) + genres + levels, first)
        self.hidden2 = nn.Linear(first, second)
        self.head = nn.Linear(second, 2 + levels)
        self.frequency_weight = nn.Parameter(torch.tensor(0.5))
        self.level_bias = nn.Parameter(torch.zeros(levels))
        self.register_buffer("side", torch.zeros(movies, side))
        self.register_buffer("id_scale", torch.zeros(movies, 1))
        self.register_buffer("levels", torch.zeros(levels))
        self.register_buffer("prior_frequencies", torch.zeros(levels))
        self.standardise = Standardise(len(FEATURES))
        nn.init.normal_(self.identity.weight, std=0.1)
        nn.init.normal_(self.content.weight, std=0.05)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.attention_weight.weight.copy_(torch.tensor([[0.5, 0.0]]))

    def keys(self) -> Tensor:
        """Return the keys of the movies, of shape (C + 1) x (width + 1)."""
        identity = self.identity.weight * self.id_scale
        if self.training:
            identity = identity * (torch.rand(len(identity), 1) >= self.id_dropout)
        key = identity + self.content(self.side)
        return torch.cat([self.constant.expand(len(key), 1), key], dim=1)

    def forward(
        self,
        attended: Tensor,
        log_variance: Tensor,
        features: Tensor,
        genres: Tensor,
        frequencies: Tensor,
        expected: Tensor,
    ) -> Tensor:
        """Return log probabilities of shape B x L.

        Args:
            attended: Attention over the history, less the user bias, of shape B.
            log_variance: Logarithm of its variance, of shape B.
            features: Point-in-time features, not standardised, of shape B x F.
            genres: Indicators of shape B x G.
            frequencies: Frequencies of the rating levels of the user, of shape B x L.
            expected: Global mean plus item bias plus user bias, of shape B.
        """
        attention = torch.stack([attended, log_variance + 1.5], dim=1)
        inputs = torch.cat(
            [attention, self.standardise(features), genres, frequencies * 5 - 0.5], dim=1
        )
        hidden = self.hidden_dropout(nn.functional.gelu(self.hidden1(self.dropout(inputs))))
        hidden = self.hidden_dropout(nn.functional.gelu(self.hidden2(hidden)))
        output = self.head(hidden)
        centre = expected + self.attention_weight(attention).squeeze(1) + output[:, 0]
        sharpness = torch.exp(-2 * (output[:, 1:2] - 0.15))
        distance = self.levels - centre.unsqueeze(1)
        score = -0.5 * sharpness * distance**2 + self.level_bias + output[:, 2:]
        return torch.log_softmax(score + self.frequency_weight * torch.log(frequencies), dim=1)


@dataclass(frozen=True)
class HistoryPredictor:
    """The trained networks.

    Attributes:
        settings: The settings they were fitted with.
        networks: The networks, averaged.
    """

    settings: HistorySettings
    networks: tuple[HistoryNetwork, ...]

    def observed(self, log: InteractionLog) -> "HistoryPredictor":
        """Return itself: new ratings enter through the histories."""
        del log
        return self

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        return self.predict_proba(view, queries, encoded) @ self.levels

    @property
    def levels(self) -> NDArray[np.float64]:
        """The rating levels, in stars, of shape L."""
        return self.networks[0].levels.numpy().astype(np.float64)

    def predict_proba(
        self, view: LogView, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return the probability of every rating level, of shape N x L."""
        levels = self.levels
        prior = self.networks[0].prior_frequencies.numpy().astype(np.float64)
        frequencies = rating_level_frequencies(view, queries, levels, prior)
        total = np.zeros((len(queries), len(levels)))
        for network in self.networks:
            network.eval()
            with torch.inference_mode():
                attention = RidgeAttention(
                    network.keys().numpy().astype(np.float64),
                    np.exp(network.ridge.numpy().astype(np.float64)),
                    network.prior.numpy().astype(np.float64),
                )
                attended, log_variance = attend(attention, view, queries)
                attended -= encoded.column("user_bias")
                for start in range(0, len(queries), _BATCH):
                    rows = slice(start, start + _BATCH)
                    total[rows] += torch.exp(
                        network(
                            single(attended[rows]),
                            single(log_variance[rows]),
                            torch.from_numpy(encoded.values[rows]),
                            torch.from_numpy(view.catalogue.genres[queries.movie[rows]]),
                            single(frequencies[rows]),
                            single(encoded.expected[rows]),
                        )
                    ).numpy()
        return total / len(self.networks)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights by name."""
        return {
            f"network{number}.{name}": values
            for number, network in enumerate(self.networks)
            for name, values in network_arrays(network).items()
        }

    @classmethod
    def from_arrays(
        cls, settings: HistorySettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "HistoryPredictor":
        """Return the predictor of these arrays."""
        networks: list[HistoryNetwork] = []
        for number in range(settings.networks):
            prefix = f"network{number}."
            weights = {
                name.removeprefix(prefix): values
                for name, values in arrays.items()
                if name.startswith(prefix)
            }
            (movies, side), levels = weights["side"].shape, len(weights["levels"])
            genres = weights["hidden1.weight"].shape[1] - 2 - len(FEATURES) - levels
            networks.append(HistoryNetwork(settings, movies, side, genres, levels))
            load_arrays(networks[-1], weights)
        return cls(settings, tuple(networks))


def single(values: NDArray[np.floating]) -> Tensor:
    """Return an array as a tensor of single precision."""
    return torch.from_numpy(values.astype(np.float32))
