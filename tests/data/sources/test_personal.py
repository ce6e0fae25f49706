"""Parsing of the fields of personal exports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.schema import TIMESTAMP_LIMIT
from foreseen.data.sources.personal import (
    checked_timestamp,
    clean_title,
    parse_stars,
    parse_timestamp,
    parse_year,
)


@pytest.mark.parametrize(
    ("text", "points", "stars"), [("4.5", 1.0, 4.5), ("9", 2.0, 4.5), ("3.3", 1.0, 3.5)]
)
def test_points_become_half_stars(text: str, points: float, stars: float) -> None:
    assert parse_stars(text, points) == stars


@pytest.mark.parametrize(
    ("text", "message"),
    [("five", "should be a number"), ("nan", "should be finite"), ("11", "Received: 11")],
)
def test_a_rating_that_is_no_number_or_off_the_scale_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_stars(text, 2.0)


@pytest.mark.parametrize(
    ("text", "timestamp"),
    [
        ("", None),
        ("1970-01-02", 86_400),
        ("1970-01-01T00:01:00", 60),
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01T01:00:00+01:00", 0),
    ],
)
def test_dates_and_times_are_read_as_utc(text: str, timestamp: int | None) -> None:
    assert parse_timestamp(text) == timestamp


@pytest.mark.parametrize("text", ["2021-13-45", "yesterday", "1969-12-31", "2100-01-01"])
def test_an_invalid_or_distant_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="date should be"):
        parse_timestamp(text)


def test_timestamps_are_in_a_half_open_range() -> None:
    assert checked_timestamp(0) == 0
    assert checked_timestamp(TIMESTAMP_LIMIT - 1) == TIMESTAMP_LIMIT - 1
    for outside in (-1, TIMESTAMP_LIMIT):
        with pytest.raises(ValueError, match="1970 to 2099"):
            checked_timestamp(outside)


@given(st.text())
def test_a_clean_title_is_short_printable_utf_8(text: str) -> None:
    cleaned = clean_title(text)
    assert len(cleaned) <= 300
    assert "\0" not in cleaned
    assert cleaned == " ".join(cleaned.split())
    cleaned.encode()


def test_a_year_has_four_digits() -> None:
    assert [parse_year(text) for text in (" 1999 ", "99", "", "199x")] == [1999, None, None, None]
