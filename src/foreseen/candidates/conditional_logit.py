"""Conditional logits over candidates: a softmax over linear scores (McFadden, 1974).

Each weight varies linearly with the logarithm of the length of the history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.candidates.built_in import CANDIDATE_FEATURES, SEQUENCE_FEATURES
from foreseen.candidates.generator import Candidates

_PENALTY: Final = 32.0
"""L2 penalty on the weights, relative to the negative log-likelihood summed over examples."""
_STEPS: Final = 60
_TYPICAL_LOG_LENGTH: Final = 4.0
_PLACES: Final = np.array([CANDIDATE_FEATURES.index(name) for name in SEQUENCE_FEATURES])
"""Places of the scores of a sequence model among the features."""


@dataclass(frozen=True)
class ConditionalLogit:
    """A conditional logit over candidates.

    Attributes:
        weights: One per candidate feature, and one per feature times centred log length.
        candidate_recall: Share of the examples with a positive among the candidates.
    """

    weights: tuple[float, ...]
    candidate_recall: float

    def probabilities(self, candidates: Candidates) -> NDArray[np.float64]:
        """Return the probability of every movie of the catalogue, of shape C; they sum to one."""
        shares, missed = self._shares(candidates)
        rest = candidates.fallback.copy()
        rest[candidates.movies] = 0
        found = missed * rest / max(float(rest.sum()), 1e-12)
        found[candidates.movies] = shares
        return found / max(float(found.sum()), 1e-12)

    def _shares(self, candidates: Candidates) -> tuple[NDArray[np.float64], float]:
        """Return the probabilities of the candidates, and of all other movies together."""
        score = _inputs(candidates) @ np.array(self.weights)
        odds = np.exp(score - score.max(initial=-np.inf))
        missed = (1 - self.candidate_recall) if len(odds) else 1.0
        return self.candidate_recall * odds / max(float(odds.sum()), 1e-12), missed


def _untrained(features: int) -> ConditionalLogit:
    return ConditionalLogit((0.0,) * 2 * features, 0.5)


UNTRAINED_LOGIT: Final = _untrained(len(CANDIDATE_FEATURES))
"""Gives all candidates the same probability."""


def _inputs(candidates: Candidates) -> NDArray[np.float64]:
    """Return the features, and the features times the centred log length, of shape N x 2F."""
    length = np.log(max(candidates.known, 1)) - _TYPICAL_LOG_LENGTH
    return np.concatenate([candidates.values, candidates.values * length], axis=1)


def fit_logit(
    candidates: Sequence[Candidates], positives: Sequence[NDArray[np.bool_]], features: int
) -> ConditionalLogit:
    """Minimise the penalised mean negative log-likelihood of the positives by L-BFGS.

    Several positives of one example count as one, spread evenly over them. An example without a
    positive among its candidates enters the recall alone.

    Args:
        candidates: Of each example.
        positives: Which candidates of each example are positive.
        features: Number of features of a candidate.
    """
    inputs, shares = _with_positives(candidates, positives)
    if not inputs:
        return _untrained(features)
    weights = _minimise(inputs, shares, np.full(2 * features, _PENALTY))
    return ConditionalLogit(tuple(map(float, weights)), len(inputs) / len(candidates))


def with_sequence(
    logit: ConditionalLogit,
    candidates: Sequence[Candidates],
    positives: Sequence[NDArray[np.bool_]],
) -> ConditionalLogit:
    """Return a logit with weights for the scores of a sequence model.

    Only these weights and a common factor of the others are fitted: ratings that a sequence model
    was not fitted to are few and late, so the other weights are found without it.

    Args:
        logit: A logit that was fitted to candidates without these scores.
        candidates: Of each example, with the scores.
        positives: Which candidates of each example are positive.
    """
    inputs, shares = _with_positives(candidates, positives)
    if not inputs:
        return logit
    weights = np.array(logit.weights)
    places = np.concatenate([_PLACES, _PLACES + len(weights) // 2])
    few = [np.column_stack([rows @ weights, rows[:, places]]) for rows in inputs]
    penalty = np.append(0.0, np.full(len(places), _PENALTY))
    found = _minimise(few, shares, penalty)
    weights *= found[0]
    weights[places] = found[1:]
    return ConditionalLogit(tuple(map(float, weights)), len(inputs) / len(candidates))


def _with_positives(
    candidates: Sequence[Candidates], positives: Sequence[NDArray[np.bool_]]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Return the inputs of the examples with a positive, and each candidate's share of them."""
    kept = [(c, p) for c, p in zip(candidates, positives, strict=True) if p.any()]
    return [_inputs(c) for c, _ in kept], [p / p.sum() for _, p in kept]


def _minimise(
    inputs: Sequence[NDArray[np.float64]],
    shares: Sequence[NDArray[np.float64]],
    penalty: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the weights of a conditional logit, of shape F.

    Args:
        inputs: Of the candidates of each example, each of shape N x F.
        shares: Share of each candidate in the positives of its example, each of shape N.
        penalty: L2 penalty of each weight, relative to standardised inputs, of shape F.
    """
    rows = np.concatenate(inputs).astype(np.float32)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    standardised = torch.from_numpy((rows - mean) / scale)
    share = torch.from_numpy(np.concatenate(shares).astype(np.float32))
    group = torch.from_numpy(np.repeat(np.arange(len(shares)), [len(p) for p in shares]))
    strength = torch.from_numpy(penalty.astype(np.float32))
    weights = torch.zeros(len(penalty), requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def negative_log_likelihood() -> torch.Tensor:
        optimiser.zero_grad()
        score = standardised @ weights
        top = torch.full((len(shares),), -torch.inf).scatter_reduce(
            0, group, score.detach(), reduce="amax"
        )
        total = torch.zeros(len(shares)).index_add(0, group, torch.exp(score - top[group]))
        loss = (top + torch.log(total)).sum() - (share * score).sum()
        loss = (loss + (strength * weights**2).sum()) / len(shares)
        loss.backward()
        return loss

    optimiser.step(negative_log_likelihood)
    return weights.detach().numpy().astype(np.float64) / scale
