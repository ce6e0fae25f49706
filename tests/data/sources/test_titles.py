"""Parsing of titles and genres."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.sources.titles import split_genres, split_title
from foreseen.data.text import clean_text


@pytest.mark.parametrize(
    ("text", "title", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("Usual Suspects, The (1995) ", "Usual Suspects, The", 1995),
        ("Babylon 5", "Babylon 5", None),
        ("1984", "1984", None),
        ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968),
        ("City of God (Cidade de Deus) (2002)", "City of God (Cidade de Deus)", 2002),
        ("Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", 2006),
        ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
        ("Doctor Who (2005-)", "Doctor Who", 2005),
        ("Big Bang Theory, The (2007- )", "Big Bang Theory, The", 2007),
        ("(500) Days of Summer (2009)", "(500) Days of Summer", 2009),
        ("Ready Player One", "Ready Player One", None),
        ("Hyena Road", "Hyena Road", None),
        ("Paris (je t'aime (bien)) (2006)", "Paris (je t'aime (bien))", 2006),
        ("  Spaces   within (1999)", "Spaces within", 1999),
        ("(1995)", "(1995)", None),
        ("", "", None),
    ],
)
def test_a_year_in_the_last_parentheses_is_split_off(
    text: str, title: str, year: int | None
) -> None:
    assert split_title(text) == (title, year)


@given(
    st.text(alphabet=st.characters(exclude_characters="()"), min_size=1), st.integers(1874, 2030)
)
def test_a_title_survives_a_round_trip_with_its_year(title: str, year: int) -> None:
    clean = clean_text(title)
    if clean:
        assert split_title(f"{clean} ({year})") == (clean, year)


def test_genres_are_split_without_duplicates_or_placeholders() -> None:
    assert split_genres("Action|Sci-Fi|Action") == ["Action", "Sci-Fi"]
    assert split_genres("(no genres listed)") == []
    assert split_genres("Children's|unknown") == ["Children"]
    assert split_genres("") == []
