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
    "Star Wars: Episode IV - A New Hope",
    "Star Wars: Episode V - The Empire Strikes Back",
    "2001: A Space Odyssey",
]
VIEWS = np.array([90.0, 40, 45, 30, 20, 80, 70, 60, 5, 50, 300, 90, 60])
YEARS = np.array([1999.0, 2003, 2001, 2001, 1990, 1994, 1995, 1999, 1986, 1995, 1977, 1980, 1968])


@pytest.fixture(scope="module")
def index() -> TitleSearch:
    return TitleSearch(TITLES, VIEWS, YEARS)


def test_titles_that_start_with_the_query_precede_titles_that_contain_it(
    index: TitleSearch,
) -> None:
    assert index.find("the matrix", 3) == [0, 1, 2]


def test_the_exact_title_precedes_longer_ones() -> None:
    assert TitleSearch(["Alien 3", "Alien"], np.array([9.0, 9]), np.full(2, np.nan)).find(
        "alien", 2
    ) == [1, 0]


def test_of_equal_titles_the_more_popular_precedes(index: TitleSearch) -> None:
    assert index.find("heat", 2) == [9, 8]


@pytest.mark.parametrize(
    ("query", "row"),
    [("shawshenk redemtion", 5), ("amelie", 3), ("AMÉLIE", 3), ("toy stroy 2", 7), ("mtarix", 0)],
)
def test_typos_accents_and_case_are_tolerated(index: TitleSearch, query: str, row: int) -> None:
    assert index.find(query, 3)[0] == row


@pytest.mark.parametrize(
    ("query", "row"),
    [("matrix 1999", 0), ("heat 1986", 8), ("heat (1995)", 9), ("2001", 12), ("it 1990", 4)],
)
def test_a_year_at_the_end_selects_among_the_movies_of_a_title(
    index: TitleSearch, query: str, row: int
) -> None:
    assert index.find(query, 3)[0] == row


@pytest.mark.parametrize("query", ["star wars empire", "empire strikes star", "star wars emp"])
def test_titles_with_all_words_precede_titles_with_some(index: TitleSearch, query: str) -> None:
    assert index.find(query, 3)[0] == 11


def test_a_short_title_within_a_word_of_the_query_is_not_found(index: TitleSearch) -> None:
    assert 4 not in index.find("kitchen sink", 10)


def test_titles_that_are_merely_similar_are_left_out_beside_titles_with_the_query() -> None:
    titles = ["Matrix, The", "Matilda", "Patriot Games", "Animatrix, The"]
    index = TitleSearch(titles, np.ones(4), np.full(4, np.nan))
    assert index.find("matrix", 4) == [0, 3]
    assert index.find("matrlx", 1) == [0]


@pytest.mark.parametrize("query", ["", "  ", "!?", "zzzzqqqq xxxx"])
def test_a_query_without_a_match_returns_nothing(index: TitleSearch, query: str) -> None:
    assert index.find(query, 5) == []


@given(query=st.text(max_size=20), k=st.integers(1, 12))
def test_a_search_returns_at_most_k_distinct_rows(query: str, k: int) -> None:
    index = TitleSearch(TITLES, VIEWS, YEARS)
    found = index.find(query, k)
    assert len(found) == len(set(found)) <= k
    assert all(0 <= row < len(TITLES) for row in found)
