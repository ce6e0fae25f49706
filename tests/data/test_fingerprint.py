"""Fingerprints of data sets with settings."""

from dataclasses import replace

import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.fingerprint import fingerprint


@pytest.fixture
def tables() -> Tables:
    return tables_of(ratings_of((1, 1, 3.0, 10), (1, 2, 4.0, 20)))


def test_equal_inputs_have_equal_fingerprints(tables: Tables) -> None:
    copy = replace(tables, ratings=tables.ratings.clone())
    assert fingerprint(tables, "bias", {"rank": 3}) == fingerprint(copy, "bias", {"rank": 3})
    assert len(fingerprint(tables)) == 16


def test_any_change_changes_the_fingerprint(tables: Tables) -> None:
    other_rating = replace(tables, ratings=ratings_of((1, 1, 3.0, 10), (1, 2, 4.5, 20)))
    other_movies = replace(tables, movies=tables.movies.head(1))
    found = {
        fingerprint(tables),
        fingerprint(tables, 1),
        fingerprint(tables, 1, 2),
        fingerprint(tables, 2, 1),
        fingerprint(other_rating),
        fingerprint(other_movies),
        fingerprint(replace(tables, ratings=tables.ratings.head(1))),
    }
    assert len(found) == 7


def test_a_part_that_json_cannot_hold_is_refused(tables: Tables) -> None:
    with pytest.raises(TypeError):
        fingerprint(tables, object())
