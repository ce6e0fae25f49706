"""The ensemble: Bayesian factors and point-in-time features, combined by stacking networks.

The factor models predict a rating from the user's whole history; the features describe the movie,
the moment and the user's recent bias. Networks over both predict the deviation of the rating from
the factors' prediction. They are trained on out-of-sample predictions: factors that were fitted to
earlier ratings only, again each time the log has doubled (stacking: Wolpert, 1992, in time order).
Networks that differ by their initial weights are averaged.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.compute.threads import run_both
from foreseen.features.encoder import FEATURES, Encoded
from foreseen.features.examples import AT_RATING, Examples, recent_examples
from foreseen.features.interaction_log import InteractionLog, LogView
from foreseen.features.queries import Queries
from foreseen.models.dropout import ByteDropout
from foreseen.models.ensemble.out_of_sample import predict_out_of_sample, stacking_inputs
from foreseen.models.ensemble.replay_buffer import ReplayBuffer
from foreseen.models.factors.bayesian_mf import FactorSettings
from foreseen.models.factors.factor_ensemble import FACTOR_FEATURES, FactorEnsemble
from foreseen.models.predictor import Settings, fall_back
from foreseen.models.spec import Capabilities, Fit, ModelSpec, SearchRange, TransductivePredictor
from foreseen.models.standardise import Standardise
from foreseen.models.training import (
    LOOP_SEARCH_SPACE,
    LoopSettings,
    evaluate_network,
    load_arrays,
    network_arrays,
    train_network,
    user_weights,
)

_TRIAL_FOLDS: Final = 2
ATTRIBUTES: Final = len(FEATURES) + len(FACTOR_FEATURES) + 2
"""Number of network inputs beside the genres."""


class EnsembleSettings(Settings):
    """Settings of the ensemble.

    Attributes:
        factors: Settings of each factor model.
        cuts: Shares of the ratings at which factors are fitted for out-of-sample predictions.
        folds: Number of parts the users before the first cut are split into; each is predicted
            by factors fitted to the others.
        networks: Number of networks that are averaged.
        hidden: Units of their two hidden layers.
        dropout: Dropout rates of the inputs and of the hidden units.
        loop: Settings of the training loop.
        finetune: Settings of the loop for incremental training with rehearsal.
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
    finetune: LoopSettings = LoopSettings(
        epochs=1, batch=512, learning_rate=2e-3, weight_decay=0.02, one_cycle=True
    )


class StackingNetworks(nn.Module):
    """Rating = factors' rating + network(features, genres), for K networks at once.

    The networks have the same shape, so each layer of all of them is one batched matrix product;
    they differ in their initial weights and dropout masks.
    """

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
        self.output, self.output_bias = self._layer(second, 1)
        self.standardise = Standardise(attributes)
        nn.init.zeros_(self.output)
        nn.init.zeros_(self.output_bias)

    def _layer(self, inputs: int, units: int) -> tuple[nn.Parameter, nn.Parameter]:
        """Return weights K x inputs x units and biases K x 1 x units, drawn as in `nn.Linear`."""
        bound = inputs**-0.5
        weights = torch.empty(self.count, inputs, units).uniform_(-bound, bound)
        biases = torch.empty(self.count, 1, units).uniform_(-bound, bound)
        return nn.Parameter(weights), nn.Parameter(biases)

    def set_statistics(self, attributes: Tensor) -> None:
        """Set the statistics of the standardisation from attributes of shape B x A."""
        self.standardise.set_statistics(attributes.mean(dim=0), attributes.std(dim=0))

    def forward(self, attributes: Tensor, genres: Tensor, factor_rating: Tensor) -> Tensor:
        """Return ratings: of each network while training, of shape K x B; else the mean, of B.

        Args:
            attributes: Point-in-time and fold-in features, not standardised, of shape B x A.
            genres: Indicators of shape B x G.
            factor_rating: Predictions of the factor models, of shape B.
        """
        inputs = torch.cat([self.standardise(attributes), genres], dim=1)
        inputs = inputs.expand(self.count, -1, -1)
        hidden = torch.baddbmm(self.bias1, self.dropout(inputs), self.hidden1)
        hidden = self.hidden_dropout(nn.functional.gelu(hidden))
        hidden = torch.baddbmm(self.bias2, hidden, self.hidden2)
        hidden = self.hidden_dropout(nn.functional.gelu(hidden))
        correction = torch.baddbmm(self.output_bias, hidden, self.output).squeeze(2)
        return factor_rating + (correction if self.training else correction.mean(dim=0))


@dataclass(frozen=True)
class EnsemblePredictor:
    """The factor models and the stacking networks.

    Attributes:
        settings: The settings it was fitted with.
        factors: The factor models, fitted to all users.
        networks: The networks, averaged.
        replay: A sample of the examples the networks were trained on.
    """

    settings: EnsembleSettings
    factors: FactorEnsemble
    networks: StackingNetworks
    replay: ReplayBuffer

    def observed(self, log: InteractionLog) -> "EnsemblePredictor":
        """Return the predictor with factors refreshed for the later ratings of a log."""
        return replace(self, factors=self.factors.observed(log))

    def first_stage_scores(self, view: LogView, row: int, before: int) -> NDArray[np.float64]:
        """Return the factors' predictions of all movies, of shape C."""
        return self.factors.predict_all(view, row, before)

    @property
    def trained_until(self) -> int:
        """First second whose ratings the networks have not been trained on."""
        return self.replay.until

    def finetuned(self, log: InteractionLog, until: int, seed: int) -> "EnsemblePredictor":
        """Return the predictor with networks trained further on the ratings up to a moment.

        The factors' prediction of each rating comes from a snapshot without later ratings.
        """
        recent = recent_examples(log, self.replay.until, until)
        if not len(recent):
            return self
        predictions = self.factors.fold_in(log.view, recent.queries)
        inputs = stacking_inputs(log.catalogue, recent.queries, recent.encoded, predictions)
        size = self.replay.size + int((recent.horizon == AT_RATING).sum())
        weight = _example_weights(recent)
        new = ReplayBuffer.of(inputs, recent.rating, weight, until, size, seed)
        mixed, kept = self.replay.mixed_with(new, seed + size)
        networks = copy.deepcopy(self.networks)
        train_network(
            networks,
            mixed.tensors(),
            mixed.rating.astype(np.float64),
            self.settings.finetune,
            seed + size,
            "fine-tuning",
            None,
            mixed.weight.astype(np.float64),
        )
        return replace(self, networks=networks, replay=kept)

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        predictions = self.factors.fold_in(view, queries)
        inputs = stacking_inputs(view.catalogue, queries, encoded, predictions)
        estimates = evaluate_network(self.networks, inputs)
        return fall_back(estimates, np.ones(len(queries), dtype=np.bool_), encoded)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights by name."""
        arrays = {f"factors.{name}": a for name, a in self.factors.arrays().items()}
        arrays |= {f"networks.{name}": a for name, a in network_arrays(self.networks).items()}
        return arrays | {f"replay.{name}": a for name, a in self.replay.arrays().items()}

    @classmethod
    def from_arrays(
        cls, settings: EnsembleSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "EnsemblePredictor":
        """Return the predictor of these arrays."""

        def within(prefix: str) -> dict[str, NDArray[np.generic]]:
            part = f"{prefix}."
            return {n.removeprefix(part): a for n, a in arrays.items() if n.startswith(part)}

        factors = FactorEnsemble.from_arrays(within("factors"), len(settings.factors))
        weights = within("networks")
        networks = StackingNetworks(settings, weights["hidden1"].shape[1] - ATTRIBUTES)
        load_arrays(networks, weights)
        return cls(settings, factors, networks, ReplayBuffer.from_arrays(within("replay")))


def fit_ensemble(
    settings: EnsembleSettings,
    log: InteractionLog,
    train: Examples,
    validation: Examples | None,
    seed: int,
    extra: Queries,
) -> Fit:
    """Fit factors and networks; the out-of-sample factors predict the extra queries too.

    With validation examples this is a preliminary fit that measures the error: one network over
    one factor model. Its error is a little higher, so that intervals are slightly too wide.
    """
    if validation is not None:
        fewer = {"factors": settings.factors[:1], "folds": _TRIAL_FOLDS, "networks": 1}
        settings = settings.model_copy(update=fewer)
    past = log.timestamp <= train.given[-1]
    predictions = predict_out_of_sample(
        settings.factors,
        settings.cuts,
        settings.folds,
        log,
        train.queries.followed_by(extra),
        past,
        seed,
    )
    inputs = stacking_inputs(
        log.catalogue, train.queries, train.encoded, predictions.first(len(train))
    )
    weight = _example_weights(train)
    torch.manual_seed(seed)
    networks = StackingNetworks(settings, len(log.catalogue.genre_names))
    networks.set_statistics(inputs["attributes"])
    factors, _ = run_both(
        lambda: FactorEnsemble.fitted(settings.factors, log, past, seed),
        lambda: train_network(
            networks, inputs, train.rating, settings.loop, seed, "networks", None, weight
        ),
    )
    replay = ReplayBuffer.of(inputs, train.rating, weight, factors.until, factors.size, seed)
    predictor = EnsemblePredictor(settings, factors, networks, replay)
    return Fit(predictor, out_of_sample=predictions.rating[len(train) :])


def _example_weights(examples: Examples) -> NDArray[np.float64]:
    _, user, count = np.unique(examples.queries.user, return_inverse=True, return_counts=True)
    return user_weights(count[user])


def _fit_transductive(
    settings: EnsembleSettings, log: InteractionLog, seed: int
) -> TransductivePredictor:
    from foreseen.models.ensemble.transductive import TransductiveEnsemble

    return TransductiveEnsemble.fitted(settings, log, seed)


SPEC: Final = ModelSpec(
    name="ensemble",
    settings=EnsembleSettings,
    fit=fit_ensemble,
    load=EnsemblePredictor.from_arrays,
    search_space=(
        SearchRange(("factors.0.rank",), 6, 40),
        SearchRange(("factors.0.directions",), 0, 40),
        SearchRange(("hidden.0", "hidden.1"), 32, 128, log=True),
        SearchRange(("dropout.0",), 0.0, 0.3),
        SearchRange(("dropout.1",), 0.1, 0.5),
        SearchRange(("loop.epochs",), 2, 10),
        *LOOP_SEARCH_SPACE,
    ),
    capabilities=Capabilities(out_of_sample=True, transductive=_fit_transductive),
)
