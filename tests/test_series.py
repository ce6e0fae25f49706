"""Which films are of a series, by their titles."""

import numpy as np
import pytest

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.franchises import series_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Toy Story", "Toy Story 2"),
        ("Rocky", "Rocky III"),
        ("Godfather, The", "Godfather: Part II, The"),
        ("Harry Potter and the Sorcerer's Stone", "Harry Potter and the Goblet of Fire"),
        ("Star Wars: Episode IV - A New Hope", "Star Wars: Episode I - The Phantom Menace"),
        ("Alien", "Alien (Director's Cut)"),
        ("X-Men", "X-Men: The Last Stand"),
        ("Amélie", "AMÉLIE"),
    ],
)
def test_films_whose_titles_begin_alike_are_of_a_series(one: str, other: str) -> None:
    assert len(set(series_of([one, other]))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Toy Story", "Toys"),
        ("Star Wars: Episode IV - A New Hope", "Star Trek: Generations"),
        ("12 Angry Men", "12 Monkeys"),
        ("Up", "Up"),
        ("2001: A Space Odyssey", "2010: The Year We Make Contact"),
    ],
)
def test_others_stand_alone(one: str, other: str) -> None:
    assert len(set(series_of([one, other]))) == 2


def test_films_without_a_title_stand_alone() -> None:
    assert len(set(series_of([None, None, "", "("]))) == 4


def test_what_too_many_share_is_no_name() -> None:
    assert len(set(series_of([f"Movie {n}" for n in range(60)]))) == 60


def test_the_unknown_movie_is_of_no_series(real: Tables) -> None:
    catalogue = Catalogue.of(real.movies)
    assert catalogue.series.shape == (len(catalogue) + 1,)
    assert catalogue.series.dtype == np.int32
    assert catalogue.series[-1] == -1
    rows = [catalogue.titles.index(title) for title in ("Toy Story", "Toy Story 2", "Toy Story 3")]
    assert len(set(catalogue.series[rows].tolist())) == 1
