"""The ensemble: Bayesian factors and point-in-time features, combined by a stacking network.

The factor models predict a rating from the user's whole history; the features describe the movie,
the moment and the user's recent bias. A network over both predicts the deviation of the rating from
the factors' prediction. It is trained on out-of-sample predictions: factors that were fitted to
earlier ratings only, again each time the log has doubled (stacking: Wolpert, 1992, in time order).

Where most ratings are of users with short histories, factors and network are no more accurate than
item and user bias, and their errors differ. There the predictions are shrunk towards the biases.
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
from foreseen.features.user_sample import sampled_log, training_share
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
_SHRINKAGE: Final = "shrinkage"
_MOST_SHRINKAGE: Final = 0.5
_LONG_HISTORY: Final = 100.0
"""Ratings of the user of the median rating from which predictions are not shrunk."""
ATTRIBUTES: Final = len(FEATURES) + len(FACTOR_FEATURES) + 2
"""Number of network inputs beside the genres."""


class EnsembleSettings(Settings):
    """Settings of the ensemble.

    Attributes:
        factors: Settings of each factor model.
        cuts: Shares of the ratings at which factors are fitted for out-of-sample predictions.
        folds: Number of parts the users before the first cut are split into; each is predicted
            by factors fitted to the others.
        hidden: Units of the two hidden layers of the network.
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
    hidden: tuple[int, int] = (64, 64)
    dropout: tuple[float, float] = (0.1, 0.3)
    loop: LoopSettings = LoopSettings(
        epochs=4, batch=512, learning_rate=2e-3, weight_decay=0.02, one_cycle=True
    )
    finetune: LoopSettings = LoopSettings(
        epochs=1, batch=512, learning_rate=2e-3, weight_decay=0.02, one_cycle=True
    )


class StackingNetwork(nn.Module):
    """Rating = factors' rating + H2(H1(features, genres))."""

    def __init__(
        self, settings: EnsembleSettings, genres: int, attributes: int = ATTRIBUTES
    ) -> None:
        super().__init__()
        first, second = settings.hidden
        self.dropout = ByteDropout(settings.dropout[0])
        self.hidden_dropout = ByteDropout(settings.dropout[1])
        self.hidden1 = nn.Linear(attributes + genres, first)
        self.hidden2 = nn.Linear(first, second)
        self.output = nn.Linear(second, 1)
        self.standardise = Standardise(attributes)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, attributes: Tensor, genres: Tensor, factor_rating: Tensor) -> Tensor:
        """Return ratings of shape B.

        Args:
            attributes: Point-in-time and fold-in features, not standardised, of shape B x A.
            genres: Indicators of shape B x G.
            factor_rating: Predictions of the factor models, of shape B.
        """
        inputs = self.dropout(torch.cat([self.standardise(attributes), genres], dim=1))
        hidden = self.hidden_dropout(nn.functional.gelu(self.hidden1(inputs)))
        hidden = self.hidden_dropout(nn.functional.gelu(self.hidden2(hidden)))
        correction: Tensor = self.output(hidden).squeeze(1)
        return factor_rating + correction


@dataclass(frozen=True)
class EnsemblePredictor:
    """The factor models and the stacking network.

    Attributes:
        settings: The settings it was fitted with.
        factors: The factor models, fitted to all users.
        network: The stacking network.
        replay: A sample of the examples the network was trained on.
        shrinkage: Weight of the expected rating, item and user bias, in the predictions.
    """

    settings: EnsembleSettings
    factors: FactorEnsemble
    network: StackingNetwork
    replay: ReplayBuffer
    shrinkage: float = 0.0

    def observed(self, log: InteractionLog) -> "EnsemblePredictor":
        """Return the predictor with factors refreshed for the later ratings of a log."""
        return replace(self, factors=self.factors.observed(log))

    def first_stage_scores(
        self, view: LogView, rows: NDArray[np.int32], before: int
    ) -> NDArray[np.float32]:
        """Return approximate predictions of the factors of all movies, of shape B x C."""
        return self.factors.predict_all(view, rows, before)

    def factor_ratings(
        self, view: LogView, row: int, before: int, movies: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return the factors' predictions of N movies for one history."""
        return self.factors.predict_movies(view, row, before, movies)

    @property
    def trained_until(self) -> int:
        """First second whose ratings the network has not been trained on."""
        return self.replay.until

    def finetuned(self, log: InteractionLog, until: int, seed: int) -> "EnsemblePredictor":
        """Return the predictor with its network trained further on the ratings up to a moment.

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
        network = copy.deepcopy(self.network)
        train_network(
            network,
            mixed.tensors(),
            mixed.rating.astype(np.float64),
            self.settings.finetune,
            seed + size,
            "fine-tuning",
            None,
            mixed.weight.astype(np.float64),
        )
        return replace(self, network=network, replay=kept)

    def estimate(self, view: LogView, queries: Queries, encoded: Encoded) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        predictions = self.factors.fold_in(view, queries)
        inputs = stacking_inputs(view.catalogue, queries, encoded, predictions)
        estimates = evaluate_network(self.network, inputs)
        estimates = (1 - self.shrinkage) * estimates + self.shrinkage * encoded.expected
        return fall_back(estimates, np.ones(len(queries), dtype=np.bool_), encoded)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights by name."""
        arrays = {f"factors.{name}": a for name, a in self.factors.arrays().items()}
        arrays |= {f"network.{name}": a for name, a in network_arrays(self.network).items()}
        arrays |= {f"replay.{name}": a for name, a in self.replay.arrays().items()}
        return arrays | {_SHRINKAGE: np.array([self.shrinkage])}

    @classmethod
    def from_arrays(
        cls, settings: EnsembleSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "EnsemblePredictor":
        """Return the predictor of these arrays."""

        def within(prefix: str) -> dict[str, NDArray[np.generic]]:
            part = f"{prefix}."
            return {n.removeprefix(part): a for n, a in arrays.items() if n.startswith(part)}

        factors = FactorEnsemble.from_arrays(within("factors"), len(settings.factors))
        weights = within("network")
        network = StackingNetwork(settings, weights["hidden1.weight"].shape[1] - ATTRIBUTES)
        load_arrays(network, weights)
        replay = ReplayBuffer.from_arrays(within("replay"))
        # Models that were saved before there was shrinkage have none.
        shrinkage = float(arrays[_SHRINKAGE].astype(np.float64)[0]) if _SHRINKAGE in arrays else 0.0
        return cls(settings, factors, network, replay, shrinkage)


def fit_ensemble(
    settings: EnsembleSettings,
    log: InteractionLog,
    train: Examples,
    validation: Examples | None,
    seed: int,
    extra: Queries,
) -> Fit:
    """Fit factors and network; the out-of-sample factors predict the extra queries too.

    The examples are of a sample of the users where the log is large, and factors are fitted to the
    ratings of the same users (`foreseen.features.user_sample`).

    With validation examples this is a preliminary fit that measures the error, with one factor
    model. Its error is a little higher, so that intervals are slightly too wide.
    """
    if validation is not None:
        fewer = {"factors": settings.factors[:1], "folds": _TRIAL_FOLDS}
        settings = settings.model_copy(update=fewer)
    share = training_share(len(log.rating))
    past = replace(log, ratings=log.ratings.filter(log.timestamp <= train.given[-1]))
    known = sampled_log(past, share)
    predictions = predict_out_of_sample(
        settings.factors,
        settings.cuts,
        settings.folds,
        log,
        train.queries.followed_by(extra),
        known,
        seed,
    )
    inputs = stacking_inputs(
        log.catalogue, train.queries, train.encoded, predictions.first(len(train))
    )
    weight = _example_weights(train)
    torch.manual_seed(seed)
    network = StackingNetwork(settings, len(log.catalogue.genre_names))
    network.standardise.fit(inputs["attributes"])
    factors, _ = run_both(
        lambda: FactorEnsemble.fitted(settings.factors, known, seed, share=share),
        lambda: train_network(
            network, inputs, train.rating, settings.loop, seed, "network", None, weight
        ),
    )
    replay = ReplayBuffer.of(inputs, train.rating, weight, factors.until, factors.size, seed)
    shrinkage = shrinkage_for(np.bincount(known.user))
    predictor = EnsemblePredictor(settings, factors, network, replay, shrinkage)
    return Fit(predictor, out_of_sample=predictions.rating[len(train) :])


def shrinkage_for(ratings: NDArray[np.int64]) -> float:
    """Return the weight of the expected rating, given the number of ratings of each user.

    It depends on the user of the median rating, not on the median user: many users with one rating
    beside others with long histories change nothing. A half for very short histories, falling to
    zero at a hundred ratings.
    """
    median = float(np.median(np.repeat(ratings, ratings)))
    return _MOST_SHRINKAGE * max(1 - median / _LONG_HISTORY, 0.0)


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
    capabilities=Capabilities(
        out_of_sample=True, sampled=True, sequence=True, transductive=_fit_transductive
    ),
)
