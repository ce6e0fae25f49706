"""The movie catalogue as arrays."""

import math

import numpy as np
import polars as pl
import pytest

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIES_SCHEMA


@pytest.fixture
def catalogue() -> Catalogue:
    rows: list[tuple[int, str | None, int | None, list[str]]] = [
        (3, "Alien", 1979, ["Horror", "Sci-Fi"]),
        (5, "Aliens", 1986, ["Sci-Fi", "Horror"]),
        (8, "Heat", None, ["Crime"]),
        (9, None, None, []),
    ]
    return Catalogue.of(pl.DataFrame(rows, schema=MOVIES_SCHEMA, orient="row"))


def test_genres_are_indicators_with_a_row_for_the_unknown_movie(catalogue: Catalogue) -> None:
    assert catalogue.genre_names == ("Crime", "Horror", "Sci-Fi")
    assert catalogue.genres.tolist() == [[0, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert catalogue.genre_lists == [("Horror", "Sci-Fi"), ("Sci-Fi", "Horror"), ("Crime",), ()]


def test_genres_outside_fixed_names_are_ignored(catalogue: Catalogue) -> None:
    narrow = Catalogue.of(catalogue.table, ("Crime", "War"))
    assert narrow.genres[:, 0].tolist() == [0, 0, 1, 0, 0]
    assert not narrow.genres[:, 1].any()


def test_genre_weights_have_unit_length_and_favour_rare_genres(catalogue: Catalogue) -> None:
    weights = catalogue.genre_weights
    assert weights.shape == (4, 3)
    np.testing.assert_allclose(np.linalg.norm(weights[:3], axis=1), 1)
    assert not weights[3].any()


def test_genre_similarity_is_the_jaccard_index() -> None:
    rows = [(1, "a", 2000, ["A", "B"]), (2, "b", 2000, ["B", "C"]), (3, "c", 2000, ["B", "A"])]
    movies = pl.DataFrame(rows, schema=MOVIES_SCHEMA, orient="row")
    row, similarity = Catalogue.of(movies).genre_similarity
    assert row[0] == row[2] != row[1]
    assert similarity[row[0], row[0]] == 1
    assert similarity[row[0], row[1]] == pytest.approx(1 / 3)
    # A movie without genres is similar to none, and not to itself.
    assert not similarity[row[3]].any()


def test_missing_years_are_nan_and_missing_titles_are_named_by_id(catalogue: Catalogue) -> None:
    years = catalogue.years
    assert years[:2].tolist() == [1979, 1986]
    assert all(math.isnan(year) for year in years[2:])
    assert catalogue.titles == ["Alien", "Aliens", "Heat", "movie 9"]


def test_an_extended_catalogue_keeps_rows_and_genre_names(catalogue: Catalogue) -> None:
    extended = catalogue.extended([8, 4])
    assert extended.movies.ids.tolist() == [3, 5, 8, 9, 4]
    assert extended.genre_names == catalogue.genre_names
    assert extended.titles[-1] == "movie 4"
    assert len(catalogue) == 4
    assert catalogue.extended([3, 9]) is catalogue
