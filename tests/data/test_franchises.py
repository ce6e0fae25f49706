"""Film franchises recognised by titles."""

import numpy as np
import pytest

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.franchises import franchises_of


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
def test_films_with_a_common_name_share_a_franchise(one: str, other: str) -> None:
    assert len(set(franchises_of([one, other]))) == 1


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
def test_films_with_other_names_do_not(one: str, other: str) -> None:
    assert len(set(franchises_of([one, other]))) == 2


def test_films_without_a_title_have_no_franchise() -> None:
    assert len(set(franchises_of([None, None, "", "("]))) == 4


def test_a_name_shared_by_too_many_films_is_no_franchise() -> None:
    assert len(set(franchises_of([f"Movie {n}" for n in range(60)]))) == 60


def test_the_unknown_movie_of_a_catalogue_has_no_franchise(real: Tables) -> None:
    catalogue = Catalogue.of(real.movies)
    assert catalogue.franchises.shape == (len(catalogue) + 1,)
    assert catalogue.franchises.dtype == np.int32
    assert catalogue.franchises[-1] == -1
    rows = [catalogue.titles.index(title) for title in ("Toy Story", "Toy Story 2", "Toy Story 3")]
    assert len(set(catalogue.franchises[rows].tolist())) == 1
