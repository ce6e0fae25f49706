"""The best of all: Bayesian factors and point-in-time features, combined by a small network.

The factor model says what a user's whole history foretells; the features say what is known of the
movie, the moment and the mood. A network with both before it learns how far the rating lies from
what the factors say. It must not see answers the factors have already seen, nor such as know of the
movies what came later and are the surer for it; so it learns from factors fitted to what came
before, anew whenever the log has doubled (stacking: Wolpert, 1992, in the order of time). Several
networks that differ by their seed are averaged.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.features.encoder import FEATURES, Encoded
from foreseen.features.examples import Examples, recent_examples
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.models.factors.factor_ensemble import COMMITTEE_FEATURES, Committee
from foreseen.models.dropout import ByteDropout
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.predictor import Settings, answer_unknown
from foreseen.models.ensemble.replay_buffer import Replay
from foreseen.models.ensemble.out_of_sample import (
    foretell,
    stacking_inputs,
)
from foreseen.models.training import (
    LoopSettings,
    evaluate_network,
    load_arrays,
    network_arrays,
    train_network,
    weigh_users,
)
from foreseen.compute.threads import side_by_side

_EXTREME: Final = 5.0
_TRIAL_FOLDS: Final = 2
ATTRIBUTES = len(FEATURES) + len(COMMITTEE_FEATURES) + 2
"""Numbers the networks read beside the genres."""


class EnsembleSettings(Settings):
    """Settings of the ensemble.

    Attributes:
        factors: Those of the factor models, of which there are as many.
        cuts: Shares of the ratings at which factors are fitted for the networks to learn from.
        folds: Parts the users before the first cut are split into; each is folded in by factors
            fitted to the others.
        networks: How many networks are averaged.
        hidden: Units of their two layers.
        dropout: Share of the inputs and of the hidden units left out in training.
        loop: How they are trained.
        lesson: How they are trained again on what is new and a sample of what is old.
    """

    factors: tuple[FactorSettings, ...] = (
        FactorSettings(rank=24, directions=20),
        FactorSettings(rank=32, directions=8),
        FactorSettings(rank=16, directions=0),
    )
    cuts: tuple[float, ...] = (0.125, 0.25, 0.5)
    folds: int = 4
    networks: int = 3
    hidden: tuple[int, int] = (64, 64)
    dropout: tuple[float, float] = (0.1, 0.3)
    loop: LoopSettings = LoopSettings(
        epochs=4, batch=512, learning_rate=2e-3, weight_decay=0.02, one_cycle=True
    )
    lesson: LoopSettings = LoopSettings(
        epochs=1, batch=512, learning_rate=2e-3, weight_decay=0.02, one_cycle=True
    )


class StackingNetworks(nn.Module):
    """Rating = factors' rating + network(features, genres), by several networks side by side.

    They are one in shape, so each step of all is one product of matrices; they differ in their
    first weights and in what is dropped out.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, settings: EnsembleSettings, genres: int, attributes: int = ATTRIBUTES
    ) -> None:
        super().__init__()
        self.count = settings.networks
        first, second = settings.hidden
        self.dropout = ByteDropout(settings.dropout[0])
        self.hidden_dropout = ByteDropout(settings.dropout[1])
        self.hidden1, self.bias1 = self._layer(attributes + genres, first)
        self.hidden2, self.bias2 = self._layer(first, second)
        self.rating, self.level = self._layer(second, 1)
        self.register_buffer("mean", torch.zeros(attributes))
        self.register_buffer("scale", torch.ones(attributes))
        nn.init.zeros_(self.rating)
        nn.init.zeros_(self.level)

    def _layer(self, inputs: int, units: int) -> tuple[nn.Parameter, nn.Parameter]:
        """Return weights K x inputs x units and biases K x 1 x units, drawn as `nn.Linear`'s."""
        bound = inputs**-0.5
        weights = torch.empty(self.count, inputs, units).uniform_(-bound, bound)
        biases = torch.empty(self.count, 1, units).uniform_(-bound, bound)
        return nn.Parameter(weights), nn.Parameter(biases)

    def standardise(self, attributes: Tensor) -> None:
        """Read attributes as deviations from the mean of these, of shape B x A."""
        self.mean.copy_(attributes.mean(dim=0))
        self.scale.copy_(attributes.std(dim=0).clamp(min=1e-3))

    def forward(self, attributes: Tensor, genres: Tensor, foretold: Tensor) -> Tensor:
        """Return ratings: each network's while training, of shape K x B; else their mean, of B.

        Args:
            attributes: Point-in-time and fold-in features, of shape B x A, as they come.
            genres: Indicators of shape B x G.
            foretold: What the factors say, of shape B.
        """
        level = ((attributes - self.mean) / self.scale).clamp(-_EXTREME, _EXTREME)
        inputs = torch.cat([level, genres], dim=1).expand(self.count, -1, -1)
        hidden = torch.baddbmm(self.bias1, self.dropout(inputs), self.hidden1)
        hidden = self.hidden_dropout(nn.functional.gelu(hidden))
        hidden = torch.baddbmm(self.bias2, hidden, self.hidden2)
        hidden = self.hidden_dropout(nn.functional.gelu(hidden))
        correction = torch.baddbmm(self.level, hidden, self.rating).squeeze(2)
        return foretold + (correction if self.training else correction.mean(dim=0))


@dataclass(frozen=True)
class EnsemblePredictor:
    """The factor models and the networks over them.

    Attributes:
        settings: What it was fitted with.
        committee: The factor models, fitted to all users.
        networks: To be averaged.
        replay: A sample of what the networks learned from.
    """

    settings: EnsembleSettings
    committee: Committee
    networks: StackingNetworks
    replay: Replay

    def observed(self, timeline: Timeline) -> "EnsemblePredictor":
        """Let the factors follow what a timeline knows beyond what they were fitted to."""
        return replace(self, committee=self.committee.observed(timeline))

    def outline(self, timeline: Timeline, history: int, before: int) -> NDArray[np.float64]:
        """Return what the factors alone say of all movies, of shape C."""
        return self.committee.outline(timeline, history, before)

    @property
    def learned_until(self) -> int:
        """First second that the networks have not learned from."""
        return self.replay.until

    def refreshed(self, timeline: Timeline, until: int, seed: int) -> "EnsemblePredictor":
        """Let the networks learn from the ratings since `learned_until`, from their last weights.

        What the factors say of each is as of its moment, by a version that knew nothing later.
        """
        recent = recent_examples(timeline, self.replay.until, until)
        if not len(recent):
            return self
        folded = self.committee.fold_in(timeline, recent.queries)
        inputs = stacking_inputs(timeline, recent.queries, recent.encoded, folded)
        size = self.replay.size + len(recent) // 2
        weight = _weigh(recent)
        new = Replay.of(inputs, recent.rating, weight, until, size, seed)
        lesson, kept = self.replay.with_lesson(new, seed + size)
        networks = copy.deepcopy(self.networks)
        train_network(
            networks,
            lesson.tensors(),
            lesson.rating.astype(np.float64),
            self.settings.lesson,
            seed + size,
            "lesson",
            None,
            lesson.weight.astype(np.float64),
        )
        return replace(self, networks=networks, replay=kept)

    def estimate(
        self, timeline: Timeline, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        folded = self.committee.fold_in(timeline, queries)
        inputs = stacking_inputs(timeline, queries, encoded, folded)
        answers = evaluate_network(self.networks, inputs)
        return answer_unknown(answers, np.ones(len(queries), dtype=np.bool_), encoded)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights, by name."""
        arrays = {f"committee.{name}": a for name, a in self.committee.arrays().items()}
        arrays |= {f"networks.{name}": a for name, a in network_arrays(self.networks).items()}
        return arrays | {f"replay.{name}": a for name, a in self.replay.arrays().items()}

    @classmethod
    def from_arrays(
        cls, settings: EnsembleSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "EnsemblePredictor":
        """Return the predictor its weights were taken from."""

        def within(prefix: str) -> dict[str, NDArray[np.generic]]:
            part = f"{prefix}."
            return {n.removeprefix(part): a for n, a in arrays.items() if n.startswith(part)}

        committee = Committee.from_arrays(within("committee"), len(settings.factors))
        own = within("networks")
        networks = StackingNetworks(settings, own["hidden1"].shape[1] - ATTRIBUTES)
        load_arrays(networks, own)
        return cls(settings, committee, networks, Replay.from_arrays(within("replay")))


def fit_ensemble(
    settings: EnsembleSettings,
    timeline: Timeline,
    learn: Examples,
    later: Examples | None,
    seed: int,
) -> EnsemblePredictor:
    """Fit factors and networks.

    Where there are later examples this is a trial, of how far off predictions are: one network
    over one factor model will do. It errs a little more, so that intervals are rather too wide.
    """
    if later is not None:
        less = {"factors": settings.factors[:1], "folds": _TRIAL_FOLDS, "networks": 1}
        settings = settings.model_copy(update=less)
    return fit_and_foretell(settings, timeline, learn, seed, Queries.none())[0]


def fit_and_foretell(
    settings: EnsembleSettings, timeline: Timeline, learn: Examples, seed: int, beside: Queries
) -> tuple[EnsemblePredictor, NDArray[np.float64]]:
    """Fit factors and networks; the factors that these learn from answer N other questions too.

    Returns:
        The predictor; and the answers, in stars, of shape N, each by factors of its time.
    """
    past = timeline.timestamp <= learn.given[-1]
    queries = learn.queries.followed_by(beside)
    foretold = foretell(
        settings.factors, settings.cuts, settings.folds, timeline, queries, past, seed
    )
    inputs = stacking_inputs(timeline, learn.queries, learn.encoded, foretold.first(len(learn)))
    weight = _weigh(learn)
    torch.manual_seed(seed)
    networks = StackingNetworks(settings, len(timeline.catalogue.genre_names))
    networks.standardise(inputs["attributes"])
    committee, _ = side_by_side(
        lambda: Committee.fitted(settings.factors, timeline, past, seed),
        lambda: train_network(
            networks, inputs, learn.rating, settings.loop, seed, "networks", None, weight
        ),
    )
    replay = Replay.of(inputs, learn.rating, weight, committee.until, committee.size, seed)
    return EnsemblePredictor(settings, committee, networks, replay), foretold.rating[len(learn) :]


def _weigh(examples: Examples) -> NDArray[np.float64]:
    _, owner, count = np.unique(examples.queries.user, return_inverse=True, return_counts=True)
    return weigh_users(count[owner])
