"""Examples of the next movie."""

import numpy as np
import pytest

from foreseen.candidates.built_in import CANDIDATE_FEATURES
from foreseen.candidates.examples import (
    NextItemExample,
    OutOfSample,
    candidate_queries,
    sample_examples,
    with_predictions,
)
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.source import SequenceScores

PREDICTED_RATING = CANDIDATE_FEATURES.index("predicted_rating")


def test_examples_separate_the_history_from_what_was_watched_later(
    index: CandidateIndex, examples: list[NextItemExample]
) -> None:
    histories = index.log.histories
    assert len(examples) == -(-len(index.log.rating) // 100)
    for example in examples[:20]:
        rows = slice(int(histories.starts[example.user]), int(histories.starts[example.user + 1]))
        later = histories.movie[rows][histories.times[rows] >= example.before]
        liked = histories.rating[rows][histories.times[rows] >= example.before] >= 4
        movies = example.candidates.movies
        np.testing.assert_array_equal(example.next, np.isin(movies, later[:1]))
        np.testing.assert_array_equal(example.liked, np.isin(movies, later[liked]))


def test_candidate_queries_are_as_of_the_cut_of_their_example(
    examples: list[NextItemExample],
) -> None:
    queries = candidate_queries(examples)
    count = len(examples[0].candidates.movies)
    np.testing.assert_array_equal(queries.movie[:count], examples[0].candidates.movies)
    assert (queries.before[:count] == examples[0].before).all()
    assert (queries.user[:count] == examples[0].user).all()
    assert len(queries) == sum(len(example.candidates.movies) for example in examples)


def test_predictions_are_assigned_to_the_examples_in_order(
    examples: list[NextItemExample],
) -> None:
    some = examples[:3]
    rating = np.arange(len(candidate_queries(some)), dtype=np.float64)
    candidates = with_predictions(some, rating)
    bias = CANDIDATE_FEATURES.index("movie_bias")
    found = [part.values[:, PREDICTED_RATING] + part.values[:, bias] for part in candidates]
    np.testing.assert_allclose(np.concatenate(found), rating, atol=1e-9)
    assert with_predictions(some, None) == [example.candidates for example in some]


def test_examples_with_a_sequence_model_are_cut_after_what_it_was_fitted_to(
    index: CandidateIndex,
) -> None:
    histories = index.log.histories
    count = len(histories.starts) - 1
    # Every second user is new to the model; of the others it has the first two thirds.
    trained = np.where(np.arange(count) % 2, 2 * np.diff(histories.starts) // 3, 0)
    scored: list[tuple[int, int]] = []

    def scores(user: int, before: int) -> SequenceScores:
        scored.append((user, before))
        flat = np.full((len(index.log.catalogue), 2), -5.0, dtype=np.float32)
        return SequenceScores(flat, float(trained[user] > 0))

    examples = sample_examples(index, 0, OutOfSample(trained, scores))
    assert sorted(scored) == sorted((example.user, example.before) for example in examples)
    assert all(example.scored for example in examples)
    known = np.array([example.user % 2 for example in examples])
    assert known.mean() == pytest.approx(0.5, abs=0.1)
    for example in examples:
        user = np.array([example.user], np.int32)
        length = int(histories.known(user, np.array([example.before]))[0])
        assert length >= trained[example.user]


def test_examples_without_a_sequence_model_are_marked(examples: list[NextItemExample]) -> None:
    assert not any(example.scored for example in examples)
