"""Drawn covers: marks of genres, and the size of titles."""

import re

import pytest

from foreseen.serving.covers import MARKS, cover, letters_per_line
from foreseen.serving.templates import WEB


def test_the_mark_is_that_of_the_most_specific_genre() -> None:
    assert cover(1, "Alien", ["Action", "Horror", "Sci-Fi"]).mark == "horror"
    assert cover(1, "Heat", ["Action", "Crime", "Thriller"]).mark == "crime"
    assert cover(1, "Other", ["Telenovela"]).mark in MARKS
    assert cover(1, "None", []) == cover(1, "None", [])


def test_every_mark_is_drawn_and_has_a_ground() -> None:
    drawn = re.findall(r'symbol id="([^"]+)"', (WEB / "static" / "marks.svg").read_text("utf-8"))
    assert sorted(drawn) == sorted(MARKS)
    grounds = (WEB / "static" / "covers.css").read_text("utf-8")
    assert all(f"\n.m-{mark} {{ --h" in grounds for mark in MARKS)


def test_movies_of_a_genre_differ() -> None:
    assert {cover(movie, "A", ["Drama"]).variant for movie in range(40)} == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("title", "letters"), [("", 8), ("Heat", 8), ("Koyaanisqatsi", 13), ("A" * 60, 30)]
)
def test_a_line_is_as_wide_as_the_longest_word(title: str, letters: int) -> None:
    assert letters_per_line(title) == pytest.approx(letters, abs=1)


def test_a_long_title_is_set_in_smaller_letters() -> None:
    title = "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb"
    assert letters_per_line(title) > letters_per_line("Dr. Strangelove")
