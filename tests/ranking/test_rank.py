"""The order of scores, and diversification."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from foreseen.ranking.rank import diversify, rank


@given(
    arrays.arrays(np.float64, 30, elements=st.sampled_from([1.0, 2.0, 3.0])),
    arrays.arrays(np.bool_, 30),
    st.integers(1, 40),
)
def test_the_highest_scores_come_first_and_ties_keep_their_order(
    score: np.ndarray, excluded: np.ndarray, k: int
) -> None:
    expected = sorted((n for n in range(30) if not excluded[n]), key=lambda n: (-score[n], n))[:k]
    assert rank(score, excluded, k).tolist() == expected


@given(arrays.arrays(np.float64, 12, elements=st.floats(0, 5)), st.integers(1, 15))
def test_a_weight_of_zero_keeps_the_order(score: np.ndarray, k: int) -> None:
    rows = rank(score, np.zeros(12, dtype=np.bool_), 12)
    assert diversify(score, rows, np.eye(12), k, 0.0).tolist() == rows[:k].tolist()


@given(
    arrays.arrays(np.float64, 12, elements=st.floats(0, 5)),
    st.integers(1, 15),
    st.floats(0.01, 1),
)
def test_diversified_rows_are_distinct_and_among_those_offered(
    score: np.ndarray, k: int, weight: float
) -> None:
    rows = rank(score, np.arange(12) % 3 == 0, 12)
    chosen = diversify(score, rows, np.eye(4)[np.arange(12) % 4], k, weight).tolist()
    assert len(chosen) == len(set(chosen)) == min(k, len(rows))
    assert set(chosen) <= set(rows.tolist())
    assert chosen[0] == rows[0]


def test_a_similar_movie_ranks_below_a_different_one() -> None:
    score = np.array([3.0, 2.9, 2.5])
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    rows = np.arange(3)
    assert diversify(score, rows, vectors, 3, 0.5).tolist() == [0, 2, 1]


def test_nothing_offered_gives_nothing() -> None:
    empty = np.empty(0, dtype=np.intp)
    assert diversify(np.array([1.0]), empty, np.eye(1), 3, 0.5).tolist() == []
