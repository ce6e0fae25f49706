"""Candidates of many histories equal those of each history alone."""

import numpy as np
import pytest

from foreseen.candidates import batch, generator
from foreseen.candidates.batch import BatchCandidates
from foreseen.candidates.generator import Candidates, find_candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.popularity import Popularity
from foreseen.candidates.source import CandidateSource, SequenceScores, only_features
from foreseen.features.interaction_log import InteractionLog

OTHER = CandidateSource(
    "constant",
    ("constant",),
    lambda _: lambda request: only_features(request.view, lambda rows: np.ones((len(rows), 1))),
)


def scores_of(count: int, seed: int) -> SequenceScores:
    logits = np.random.default_rng(seed).normal(size=(count, 2))
    log_probability = logits - np.log(np.exp(logits).sum(axis=0))
    return SequenceScores(log_probability.astype(np.float32), 0.5)


def alone(
    index: CandidateIndex, rows: np.ndarray, before: int, sequence: list[SequenceScores] | None
) -> list[Candidates]:
    popularity = Popularity.of(index.log, before)
    return [
        find_candidates(
            index, index.log.view, int(row), before, popularity,
            None if sequence is None else sequence[number],
        )
        for number, row in enumerate(rows)
    ]  # fmt: skip


@pytest.mark.parametrize("others", [(), (OTHER,)])
@pytest.mark.parametrize("with_sequence", [False, True])
@pytest.mark.parametrize("leaders", [10, 100_000])
def test_candidates_and_their_features_are_those_of_each_history(
    log: InteractionLog,
    others: tuple[CandidateSource, ...],
    with_sequence: bool,
    leaders: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch, "LEADERS", leaders)
    monkeypatch.setattr(generator, "LEADERS", leaders)
    index, count = CandidateIndex(log, others), len(log.catalogue)
    rows = np.arange(0, len(log.users), 12, dtype=np.int32)
    sequence = [scores_of(count, seed) for seed in range(len(rows))] if with_sequence else None
    for before in (log.end, int(log.timestamp[len(log.timestamp) // 3])):
        found = BatchCandidates(index, before).find(log.view, rows, sequence)
        for one, expected in zip(found, alone(index, rows, before, sequence), strict=True):
            assert one.known == expected.known
            np.testing.assert_allclose(one.fallback, expected.fallback, rtol=1e-6)
            common, left, right = np.intersect1d(one.movies, expected.movies, return_indices=True)
            # With few leaders, any of several movies with the same counts may be the last.
            assert len(common) >= 0.7 * len(expected.movies)
            if leaders > count:
                assert len(common) == len(one.movies) == len(expected.movies)
            assert (np.diff(one.movies) > 0).all()
            np.testing.assert_allclose(
                one.values[left], expected.values[right], rtol=1e-6, atol=1e-9
            )


def test_a_history_after_an_error_has_no_counts_of_the_one_before(log: InteractionLog) -> None:
    found = BatchCandidates(CandidateIndex(log), log.end)
    rows = np.array([3], dtype=np.int32)
    expected = found.find(log.view, rows, None)[0]
    with pytest.raises((IndexError, ValueError)):
        found.find(log.view, np.array([5], dtype=np.int32), [scores_of(1, 0)])
    after = found.find(log.view, rows, None)[0]
    np.testing.assert_array_equal(after.movies, expected.movies)
    np.testing.assert_array_equal(after.values, expected.values)
