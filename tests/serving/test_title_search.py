"""Search over titles: ranking, typos, popularity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.serving.title_search import TitleSearch

TITLES = [
    "Matrix, The",
    "Matrix Reloaded, The",
    "Entering the Matrix",
    "Amélie",
    "It",
    "Shawshank Redemption, The",
    "Toy Story",
    "Toy Story 2",
    "Heat",
    "Heat",
]
VIEWS = np.array([90.0, 40, 45, 30, 20, 80, 70, 60, 5, 50])


@pytest.fixture(scope="module")
def index() -> TitleSearch:
    return TitleSearch(TITLES, VIEWS)


def test_titles_that_start_with_the_query_precede_titles_that_contain_it(
    index: TitleSearch,
) -> None:
    assert index.find("the matrix", 3) == [0, 1, 2]


def test_the_exact_title_precedes_longer_ones() -> None:
    assert TitleSearch(["Alien 3", "Alien"], np.array([9.0, 9])).find("alien", 2) == [1, 0]


def test_of_equal_titles_the_more_popular_precedes(index: TitleSearch) -> None:
    assert index.find("heat", 2) == [9, 8]


@pytest.mark.parametrize(
    ("query", "row"),
    [("shawshenk redemtion", 5), ("amelie", 3), ("AMÉLIE", 3), ("toy stroy 2", 7), ("mtarix", 0)],
)
def test_typos_accents_and_case_are_tolerated(index: TitleSearch, query: str, row: int) -> None:
    assert index.find(query, 3)[0] == row


def test_a_short_title_within_a_word_of_the_query_is_not_found(index: TitleSearch) -> None:
    assert 4 not in index.find("kitchen sink", 10)


@pytest.mark.parametrize("query", ["", "  ", "!?", "zzzzqqqq xxxx"])
def test_a_query_without_a_match_returns_nothing(index: TitleSearch, query: str) -> None:
    assert index.find(query, 5) == []


@given(query=st.text(max_size=20), k=st.integers(1, 12))
def test_a_search_returns_at_most_k_distinct_rows(query: str, k: int) -> None:
    index = TitleSearch(TITLES, VIEWS)
    found = index.find(query, k)
    assert len(found) == len(set(found)) <= k
    assert all(0 <= row < len(TITLES) for row in found)
