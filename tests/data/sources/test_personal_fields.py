"""Parsing of the fields of personal exports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.schema import TIMESTAMP_LIMIT
from foreseen.data.sources.personal_fields import (
    checked_timestamp,
    clean_title,
    is_ambiguous_date,
    parse_stars,
    parse_timestamp,
    parse_year,
)

POINTS = RatingScale(1, 10, 1)


@pytest.mark.parametrize(
    ("text", "scale", "stars"),
    [
        *(("4.5", STARS, 4.5), ("9", POINTS, 4.5), ("1", POINTS, 0.5), ("3.3", STARS, 3.5)),
        *(("4,5", STARS, 4.5), ("70", RatingScale(0, 100, 1), 3.5)),
    ],
)
def test_points_become_half_stars(text: str, scale: RatingScale, stars: float) -> None:
    assert parse_stars(text, scale) == stars


@pytest.mark.parametrize(
    ("text", "message"),
    [("five", "should be a number"), ("nan", "should be finite"), ("11", "Received: 11")],
)
def test_a_rating_that_is_no_number_or_off_the_scale_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_stars(text, POINTS)


@pytest.mark.parametrize(
    ("text", "timestamp"),
    [
        ("", None),
        ("1970-01-02", 86_400),
        ("1970-01-01T00:01:00", 60),
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01T01:00:00+01:00", 0),
        ("02.01.1970", 86_400),
        ("31/01/1970", 30 * 86_400),
        ("01-31-1970 10:05", 30 * 86_400),
        ("1970/1/2", 86_400),
        ("01/02/1970", None),
        ("01/01/1970", 0),
    ],
)
def test_dates_and_times_are_read_as_utc(text: str, timestamp: int | None) -> None:
    assert parse_timestamp(text) == timestamp


@pytest.mark.parametrize(
    ("text", "is_ambiguous"),
    [
        *(("01/05/2021", True), (" 1-5-2021 09:00", True), ("01/01/2021", False)),
        *(("01.05.2021", False), ("13/05/2021", False), ("2021-05-01", False), ("", False)),
        ("00/05/2021", False),
    ],
)
def test_a_date_whose_day_could_be_its_month_is_ambiguous(text: str, is_ambiguous: bool) -> None:
    assert is_ambiguous_date(text) == is_ambiguous


@pytest.mark.parametrize(
    "text", ["2021-13-45", "yesterday", "1969-12-31", "2100-01-01", "32/13/2020", "2020/13/01"]
)
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
    assert [parse_year(text) for text in ("1999.0", "1999-03-30", "1999-03-30T00:00:00Z")] == [
        *(1999, 1999, 1999)
    ]
