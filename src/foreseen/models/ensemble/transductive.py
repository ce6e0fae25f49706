"""The ensemble for random splits, where ratings are removed from the middle of a log.

With random splits much of what is known is later than the rating to predict, and was often given
within the same minute, so a network trained to predict the future does not fit. This one is
trained on ratings held out in folds, each predicted by factors fitted to the other folds, with the
whole history of the user known whatever its time. Beside the inputs of the ensemble it gets the
user's residuals just before and just after the moment, like the day-specific biases of Koren (2009)
that are fitted to the whole data. Nothing of this module is used by predictions as of a moment.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.compute.tasks import run_tasks
from foreseen.compute.threads import one_thread
from foreseen.features.encoder import Encoded, encode
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.queries import Queries
from foreseen.models.ensemble.model import ATTRIBUTES, EnsembleSettings, StackingNetwork
from foreseen.models.ensemble.out_of_sample import stacking_inputs
from foreseen.models.factors.factor_ensemble import FactorEnsemble
from foreseen.models.predictions import Predictions
from foreseen.models.training import Inputs, evaluate_network, train_network
from foreseen.models.uncertainty import Uncertainty, fit_uncertainty

_FOLDS: Final = 5
_EPOCHS: Final = 12
_SPANS: Final = np.array([1.0, 60.0, 1_800.0, 86_400.0])
"""Seconds before or after the moment at which a rating has half its weight."""
_DAMPING: Final = 1.0
_NEAR: Final = 2 * len(_SPANS) + 2


@dataclass(frozen=True)
class TransductiveEnsemble:
    """Factors and network for queries about moments within a log.

    Attributes:
        factors: The factor models, fitted to the whole log.
        network: The stacking network.
        uncertainty: The error of the predictions.
        scale: Lowest and highest rating of the log.
        residual: Each rating less the factors' fit of it, in the order of the histories, in stars.
    """

    factors: FactorEnsemble
    network: StackingNetwork
    uncertainty: Uncertainty
    scale: tuple[float, float]
    residual: NDArray[np.float64]

    @classmethod
    def fitted(cls, settings: EnsembleSettings, log: InteractionLog, seed: int) -> Self:
        """Fit to a whole log; the uncertainty is measured on the last fold."""
        fold = np.random.default_rng(seed).permutation(len(log.rating)) % _FOLDS

        def held_out(number: int) -> Inputs:
            others = log.ratings.filter(fold != number)
            known = InteractionLog(log.catalogue, log.users, others)
            factors, residual = _fit_factors(settings, known, seed + 10 * (number + 1))
            queries = log.rating_queries().part(np.flatnonzero(fold == number))
            return _inputs(factors, residual, known, queries)[0]

        with one_thread():
            folds = run_tasks(held_out, range(_FOLDS))
            inputs = {name: torch.cat([part[name] for part in folds]) for name in folds[0]}
            order = np.argsort(fold, kind="stable")
            rating = log.rating[order]
            first = int((fold < _FOLDS - 1).sum())
            early = {name: values[:first] for name, values in inputs.items()}
            trial = _fit_network(settings, log, early, rating[:first], seed)
            network = _fit_network(settings, log, inputs, rating, seed)
            last = order[first:]
            encoded = encode(log.view, _at_end(log, log.rating_queries().part(last)))
            expected = evaluate_network(trial, folds[-1])
            factors, residual = _fit_factors(settings, log, seed)
        scale = (float(log.rating.min()), float(log.rating.max()))
        uncertainty = fit_uncertainty(encoded, np.clip(expected, *scale), log.rating[last])
        return cls(factors, network, uncertainty, scale, residual)

    def predict(self, log: InteractionLog, queries: Queries) -> Predictions:
        """Return predictions for N queries about moments of a log, from all its ratings.

        Args:
            log: The log it was fitted to.
            queries: Their `before` is the moment of the rating, not the end of what is known.
        """
        with one_thread():
            inputs, encoded = _inputs(self.factors, self.residual, log, queries)
            mean = evaluate_network(self.network, inputs)
        return Predictions.of(mean, None, None, encoded, self.uncertainty, self.scale)


def _fit_factors(
    settings: EnsembleSettings, log: InteractionLog, seed: int
) -> tuple[FactorEnsemble, NDArray[np.float64]]:
    factors = FactorEnsemble.fitted(settings.factors, log, seed)
    fitted = factors.fold_in(log.view, _at_end(log, log.rating_queries()))
    by_user = np.argsort(log.user, kind="stable")
    return factors, (log.rating - fitted.rating)[by_user]


def _fit_network(
    settings: EnsembleSettings,
    log: InteractionLog,
    inputs: Inputs,
    rating: NDArray[np.float64],
    seed: int,
) -> StackingNetwork:
    torch.manual_seed(seed)
    genres = len(log.catalogue.genre_names)
    network = StackingNetwork(settings, genres, ATTRIBUTES + _NEAR)
    network.standardise.fit(inputs["attributes"])
    loop = settings.loop.model_copy(update={"epochs": _EPOCHS})
    train_network(network, inputs, rating, loop, seed, "network")
    return network


def _at_end(log: InteractionLog, queries: Queries) -> Queries:
    return replace(queries, before=np.full(len(queries), log.end, dtype=np.int64))


def _inputs(
    factors: FactorEnsemble, residual: NDArray[np.float64], log: InteractionLog, queries: Queries
) -> tuple[Inputs, Encoded]:
    """Return the inputs of the network for N queries, and the features among them."""
    at_end, histories = _at_end(log, queries), log.histories
    encoded = encode(log.view, at_end)
    predictions = factors.fold_in(log.view, at_end)
    inputs = stacking_inputs(log.catalogue, at_end, encoded, predictions)
    near = residuals_near_in_time(
        queries.history.astype(np.int64), queries.before, histories.starts, histories.times,
        residual, _SPANS,
    )  # fmt: skip
    attributes = torch.cat([inputs["attributes"], torch.from_numpy(near.astype(np.float32))], dim=1)
    return {**inputs, "attributes": attributes}, encoded


@compiled
def residuals_near_in_time(
    history: NDArray[np.int64],
    moment: NDArray[np.int64],
    starts: NDArray[np.int64],
    times: NDArray[np.int64],
    residual: NDArray[np.float64],
    spans: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return features of a user's residuals near N moments, of shape N x (2 S + 2).

    For each of S spans a damped mean, weighted by nearness, and the logarithm of the weights; then
    the last residual before the moment and the first one from it on.

    Args:
        history: Rows of the histories, of shape N; negative for a user without history.
        moment: Seconds, of shape N.
        starts: Where each history begins, of shape H + 1.
        times: Seconds of the ratings, of shape E.
        residual: Rating less the factors' prediction, in stars, of shape E.
        spans: Seconds at which a rating has half its weight, of shape S.
    """
    count = len(spans)
    found = np.zeros((len(history), 2 * count + 2))
    for n in range(len(history)):
        if history[n] < 0:
            continue
        first, stop = starts[history[n]], starts[history[n] + 1]
        after = first
        for row in range(first, stop):
            if times[row] < moment[n]:
                after = row + 1
            distance = float(times[row] - moment[n])
            for s in range(count):
                weight = 1.0 / (1.0 + (distance / spans[s]) ** 2)
                found[n, 2 * s] += weight * residual[row]
                found[n, 2 * s + 1] += weight
        for s in range(count):
            found[n, 2 * s] /= found[n, 2 * s + 1] + _DAMPING
            found[n, 2 * s + 1] = np.log1p(found[n, 2 * s + 1])
        if after > first:
            found[n, 2 * count] = residual[after - 1]
        if after < stop:
            found[n, 2 * count + 1] = residual[after]
    return found
