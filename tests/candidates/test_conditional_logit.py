"""Conditional logits over candidates."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.built_in import CANDIDATE_FEATURES, SEQUENCE_FEATURES
from foreseen.candidates.conditional_logit import fit_logit, with_sequence
from foreseen.candidates.examples import NextItemExample
from foreseen.candidates.generator import Candidates

NEXT = CANDIDATE_FEATURES.index("sequence_next")
SEQUENCE = [CANDIDATE_FEATURES.index(name) for name in SEQUENCE_FEATURES]
COUNT = len(CANDIDATE_FEATURES)


def test_an_example_without_a_positive_lowers_the_recall_only(
    examples: list[NextItemExample],
) -> None:
    some = [example for example in examples if example.next.any()][:10]
    candidates, positives = [e.candidates for e in some], [e.next for e in some]
    whole = fit_logit(candidates, positives, len(CANDIDATE_FEATURES))
    missed = fit_logit(
        [*candidates, candidates[0]],
        [*positives, np.zeros_like(positives[0])],
        len(CANDIDATE_FEATURES),
    )
    assert whole.candidate_recall == 1
    assert missed == replace(whole, candidate_recall=10 / 11)


def scored(candidates: Candidates, score: NDArray[np.float64]) -> Candidates:
    values = candidates.values.copy()
    values[:, NEXT] = score
    return replace(candidates, values=values)


def test_scores_of_a_sequence_model_get_a_weight_and_the_others_a_common_factor(
    examples: list[NextItemExample],
) -> None:
    random = np.random.default_rng(0)
    positives = [example.next for example in examples]
    plain = fit_logit(
        [example.candidates for example in examples], positives, len(CANDIDATE_FEATURES)
    )
    informative, useless = (
        with_sequence(
            plain,
            [
                scored(e.candidates, gain * e.next + random.standard_normal(len(e.next)))
                for e in examples
            ],
            positives,
        )
        for gain in (3.0, 0.0)
    )
    weights, other = np.array(informative.weights), np.array(useless.weights)
    assert weights[NEXT] > 0.8
    assert abs(other[NEXT]) < 0.1
    rest = np.setdiff1d(np.arange(2 * COUNT), [*SEQUENCE, *(k + COUNT for k in SEQUENCE)])
    before = np.array(plain.weights)
    used = rest[np.abs(before[rest]) > 1e-3]
    np.testing.assert_allclose(np.ptp(weights[used] / before[used]), 0, atol=1e-6)
    assert (other[used] / before[used] > 0).all()


def test_without_examples_with_scores_the_logit_stays(examples: list[NextItemExample]) -> None:
    logit = fit_logit(
        [e.candidates for e in examples], [e.next for e in examples], len(CANDIDATE_FEATURES)
    )
    assert with_sequence(logit, [], []) == logit
