"""The rules for the fields of personal exports: ratings, dates, ids, titles and years."""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.schema import RATING, TIMESTAMP_LIMIT
from foreseen.data.sources.fields import parse_number, received
from foreseen.data.text import clean_text

_MAX_TITLE_LENGTH: Final = 300
_SECONDS: Final = re.compile(r"[0-9]{9,20}")
_TIME: Final = r"(?:[ T,]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
_DAY_AND_MONTH: Final = re.compile(rf"([0-9]{{1,2}})([/.-])([0-9]{{1,2}})\2([0-9]{{4}}){_TIME}")
_YEAR_FIRST: Final = re.compile(rf"([0-9]{{4}})[/.]([0-9]{{1,2}})[/.]([0-9]{{1,2}}){_TIME}")
_YEAR: Final = re.compile(r"([0-9]{4})(?:\.0|-[0-9]{2}.*)?")
_DECIMAL_COMMA: Final = re.compile(r"[0-9]+,[0-9]+")


@lru_cache(maxsize=1024)
def parse_stars(text: str, scale: RatingScale = STARS) -> float:
    """Return a rating in stars, rounded to half stars.

    Args:
        text: The rating, with a decimal point or comma.
        scale: The scale of the rating.

    Raises:
        ValueError: If it is not a number or not on the scale.
    """
    number = parse_rating_number(text)
    if not scale.low <= number <= scale.high:
        raise ValueError(
            f"rating should be between {scale.low:g} and {scale.high:g}. {received(text)}"
        )
    return round(float(scale.to_stars(number)) * 2) / 2


def parse_rating_number(text: str) -> float:
    """Return the number in a rating with a decimal point or comma.

    Raises:
        ValueError: If it is not a finite number.
    """
    text = text.strip()
    return parse_number(RATING, text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)


def parse_timestamp(text: str) -> int | None:
    """Return the timestamp of a date or time, UTC by default; None for empty text.

    It may be ISO 8601, seconds since 1970, or as spreadsheets write dates: 2020/01/31, 31.01.2020,
    31/01/2020 or 01/31/2020. Of the last two forms, a date whose day could be its month gives None;
    see `is_ambiguous_date`. Of times, spreadsheets' are left out.

    Raises:
        ValueError: If the text is neither, or the timestamp is out of range.
    """
    text = text.strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return checked_timestamp(int(text))
    if match := _DAY_AND_MONTH.fullmatch(text):
        return None if is_ambiguous_date(text) else _parse_day_and_month(match)
    if match := _YEAR_FIRST.fullmatch(text):
        return _midnight(int(match[1]), int(match[2]), int(match[3]), text)
    try:
        if len(text) == len("2020-01-31"):
            moment = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date should be as in 2020-01-31. {received(text)}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return checked_timestamp(int(moment.timestamp()))
    except OverflowError:
        raise ValueError(f"date should be from 1970 to 2099. {received(text)}") from None


def is_ambiguous_date(text: str) -> bool:
    """Return whether a date such as 01/05/2021 could be of two days."""
    match = _DAY_AND_MONTH.fullmatch(text.strip())
    if match is None or match[2] == ".":
        return False
    first, second = int(match[1]), int(match[3])
    return 1 <= first <= 12 and 1 <= second <= 12 and first != second


def _parse_day_and_month(match: re.Match[str]) -> int:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    is_american = match[2] != "." and second > 12
    day, month = (second, first) if is_american else (first, second)
    return _midnight(year, month, day, match[0])


def _midnight(year: int, month: int, day: int, text: str) -> int:
    try:
        return checked_timestamp(int(datetime(year, month, day, tzinfo=UTC).timestamp()))
    except ValueError:
        raise ValueError(f"date should be as in 2020-01-31. {received(text)}") from None


def imdb_digits(text: str) -> str | None:
    """Return the digits of an IMDb id without leading zeros, or None: 111161 for tt0111161."""
    match = re.fullmatch(r"(?:tt)?([0-9]{1,12})", text.strip())
    return match[1].lstrip("0") or "0" if match else None


def tmdb_digits(text: str) -> str | None:
    """Return the digits of a TMDB id, which may be written as 862 or 862.0, or None."""
    match = re.fullmatch(r"([0-9]{1,12})(?:\.0)?", text.strip())
    return match[1] if match else None


def checked_timestamp(timestamp: int) -> int:
    """Return a timestamp that is in range.

    Raises:
        ValueError: If it is before 1970 or after 2099.
    """
    if not 0 <= timestamp < TIMESTAMP_LIMIT:
        raise ValueError(f"date should be from 1970 to 2099. Received: timestamp {timestamp}")
    return timestamp


def clean_title(title: str) -> str:
    """Return a title of at most 300 characters, on one line, without control characters."""
    return clean_text(title[:_MAX_TITLE_LENGTH])


def parse_year(text: str) -> int | None:
    """Return a release year of four digits, or that of a date; None for any other text."""
    match = _YEAR.fullmatch(text.strip())
    return int(match[1]) if match else None
