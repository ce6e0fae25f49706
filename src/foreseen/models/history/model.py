"""The model of histories: it reads what a user has rated, and has no table of users.

A movie is a key, made of its content, of who watches it and of an id that is dropped out in
training so that unseen movies work (DropoutNet: Volkovs et al., 2017). A history becomes two sums
over its ratings: of key times key, and of key times residual. What they foretell of a candidate is
the ridge regression of the residuals on the keys, solved exactly (linear attention: Katharopoulos
et al., 2020, with the sums solved as in a fast-weight memory: Schlag et al., 2021). Encoding a
history once answers all candidates, and running sums give every prefix of a history at once, so
that training asks all moments in parallel.

Two dense layers read this, the point-in-time features and the levels the user likes to give, and
answer with a distribution over the rating levels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.features.encoder import FEATURES, Encoded
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.models.history.ridge_attention import Memory, level_habits, read_histories
from foreseen.models.predictor import Settings
from foreseen.models.training import LoopSettings, load_arrays, network_arrays

_EXTREME: Final = 5.0
_LOOKS: Final = 1 << 15


class HistorySettings(Settings):
    """Settings of the history model.

    Attributes:
        width: Size of a movie's key, a constant aside.
        directions: Leading directions of the watch matrix that keys are made of.
        id_dropout: Share of the ids treated as unknown in a step.
        event_dropout: Most that is left out of a history in a step.
        hidden: Units of the two dense layers.
        dropout: Share of their inputs and of the hidden units left out in training.
        networks: How many networks that differ by their seed are averaged.
        loop: How it is trained; a step takes whole users, with `batch` ratings or more.
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
    """Distribution over levels = head(recall from the history, features, genres, habits)."""

    side: Tensor
    trust: Tensor
    levels: Tensor
    usual: Tensor
    mean: Tensor
    scale: Tensor

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
        self.recall = nn.Linear(2, 1, bias=False)
        self.dropout = nn.Dropout(settings.dropout[0])
        self.hidden_dropout = nn.Dropout(settings.dropout[1])
        self.hidden1 = nn.Linear(2 + len(FEATURES) + genres + levels, first)
        self.hidden2 = nn.Linear(first, second)
        self.head = nn.Linear(second, 2 + levels)
        self.habit = nn.Parameter(torch.tensor(0.5))
        self.level = nn.Parameter(torch.zeros(levels))
        self.register_buffer("side", torch.zeros(movies, side))
        self.register_buffer("trust", torch.zeros(movies, 1))
        self.register_buffer("levels", torch.zeros(levels))
        self.register_buffer("usual", torch.zeros(levels))
        self.register_buffer("mean", torch.zeros(len(FEATURES)))
        self.register_buffer("scale", torch.ones(len(FEATURES)))
        nn.init.normal_(self.identity.weight, std=0.1)
        nn.init.normal_(self.content.weight, std=0.05)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.recall.weight.copy_(torch.tensor([[0.5, 0.0]]))

    def keys(self) -> Tensor:
        """Return the movies' keys, of shape (C + 1) x (width + 1)."""
        identity = self.identity.weight * self.trust
        if self.training:
            identity = identity * (torch.rand(len(identity), 1) >= self.id_dropout)
        key = identity + self.content(self.side)
        return torch.cat([self.constant.expand(len(key), 1), key], dim=1)

    def forward(
        self,
        foretold: Tensor,
        doubt: Tensor,
        features: Tensor,
        genres: Tensor,
        habits: Tensor,
        expected: Tensor,
    ) -> Tensor:
        """Return log probabilities of shape B x L.

        Args:
            foretold: What the history foretells beyond the user's kindness, of shape B.
            doubt: Logarithm of its variance, of shape B.
            features: Point-in-time features of shape B x F, as they come.
            genres: Indicators of shape B x G.
            habits: Shares of the levels in what the user gives, of shape B x L.
            expected: What kindness and worth alone predict, of shape B.
        """
        recall = torch.stack([foretold, doubt + 1.5], dim=1)
        level = ((features - self.mean) / self.scale).clamp(-_EXTREME, _EXTREME)
        inputs = self.dropout(torch.cat([recall, level, genres, habits * 5 - 0.5], dim=1))
        hidden = self.hidden_dropout(nn.functional.gelu(self.hidden1(inputs)))
        hidden = self.hidden_dropout(nn.functional.gelu(self.hidden2(hidden)))
        answer = self.head(hidden)
        middle = expected + self.recall(recall).squeeze(1) + answer[:, 0]
        sharpness = torch.exp(-2 * (answer[:, 1:2] - 0.15))
        distance = self.levels - middle.unsqueeze(1)
        score = -0.5 * sharpness * distance**2 + self.level + answer[:, 2:]
        return torch.log_softmax(score + self.habit * torch.log(habits), dim=1)


@dataclass(frozen=True)
class HistoryPredictor:
    """The trained networks.

    Attributes:
        settings: What they were fitted with.
        networks: To be averaged.
    """

    settings: HistorySettings
    networks: tuple[HistoryNetwork, ...]

    def observed(self, timeline: Timeline) -> "HistoryPredictor":
        """Return itself: what is new reaches it through the histories."""
        del timeline
        return self

    def estimate(
        self, timeline: Timeline, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        return self.chances(timeline, queries, encoded) @ self.levels

    @property
    def levels(self) -> NDArray[np.float64]:
        """The rating levels, in stars, of shape L."""
        return self.networks[0].levels.numpy().astype(np.float64)

    def chances(
        self, timeline: Timeline, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return the probability of every rating level, of shape N x L."""
        levels = self.levels
        usual = self.networks[0].usual.numpy().astype(np.float64)
        habits = level_habits(timeline, queries, levels, usual)
        total = np.zeros((len(queries), len(levels)))
        for network in self.networks:
            network.eval()
            with torch.inference_mode():
                keys = network.keys().numpy().astype(np.float64)
                memory = Memory(
                    keys,
                    np.exp(network.ridge.numpy().astype(np.float64)),
                    network.prior.numpy().astype(np.float64),
                )
                foretold, doubt = read_histories(memory, timeline, queries)
                foretold -= encoded.column("user_kindness")
                for start in range(0, len(queries), _LOOKS):
                    rows = slice(start, start + _LOOKS)
                    total[rows] += torch.exp(
                        network(
                            single(foretold[rows]),
                            single(doubt[rows]),
                            torch.from_numpy(encoded.values[rows]),
                            torch.from_numpy(timeline.catalogue.genres[queries.movie[rows]]),
                            single(habits[rows]),
                            single(encoded.expected[rows]),
                        )
                    ).numpy()
        return total / len(self.networks)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights, by name."""
        return {
            f"network{number}.{name}": values
            for number, network in enumerate(self.networks)
            for name, values in network_arrays(network).items()
        }

    @classmethod
    def from_arrays(
        cls, settings: HistorySettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "HistoryPredictor":
        """Return the predictor its weights were taken from."""
        networks: list[HistoryNetwork] = []
        for number in range(settings.networks):
            part = f"network{number}."
            own = {n.removeprefix(part): a for n, a in arrays.items() if n.startswith(part)}
            (movies, side), levels = own["side"].shape, len(own["levels"])
            genres = own["hidden1.weight"].shape[1] - 2 - len(FEATURES) - levels
            networks.append(HistoryNetwork(settings, movies, side, genres, levels))
            load_arrays(networks[-1], own)
        return cls(settings, tuple(networks))


def single(values: NDArray[np.floating]) -> Tensor:
    """Return an array as a tensor of single precision."""
    return torch.from_numpy(values.astype(np.float32))
