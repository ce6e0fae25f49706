"""Personal rating exports of other services, in a common form.

The readers are in `foreseen.data.sources.exports`; `foreseen.data.title_matching` matches the
entries to the movies of a catalogue.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from foreseen.data.schema import HIGHEST_RATING, LOWEST_RATING, RATING, TIMESTAMP_LIMIT
from foreseen.data.sources.fields import parse_number, received
from foreseen.data.text import clean_text

_MAX_TITLE_LENGTH: Final = 300
_SECONDS: Final = re.compile(r"[0-9]{9,20}")
_DAY_AND_MONTH: Final = re.compile(r"([0-9]{1,2})([/.])([0-9]{1,2})\2([0-9]{4})")


@dataclass(frozen=True)
class PersonalRating:
    """One rating of an export; optional fields are None where the export lacks them.

    Attributes:
        line: Line in the file, or position in a list, from 1.
        title: Title as the service writes it.
        year: Release year.
        stars: Rating, converted to stars.
        timestamp: Second it was given.
        imdb: IMDb id, digits only.
        tmdb: TMDB id.
        movie: MovieLens id.
        original_title: Title in the language of the film, if it differs.
    """

    line: int
    title: str
    year: int | None
    stars: float
    timestamp: int | None = None
    imdb: str | None = None
    tmdb: str | None = None
    movie: int | None = None
    original_title: str | None = None


@dataclass(frozen=True)
class UnreadableEntry:
    """An entry of an export that could not be parsed, and the reason."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class SkippedEntry:
    """A valid entry that does not rate a movie, and what it is: a TV series, say."""

    kind: str


Entry = PersonalRating | UnreadableEntry | SkippedEntry
"""An entry of an export."""


@dataclass(frozen=True)
class PersonalExport:
    """A parsed export.

    Attributes:
        ratings: The ratings of movies.
        unreadable: Entries that could not be parsed.
        skipped: Number of valid entries that do not rate a movie.
    """

    ratings: tuple[PersonalRating, ...]
    unreadable: tuple[UnreadableEntry, ...] = ()
    skipped: int = 0


def parse_stars(text: str, scale: float = 1.0) -> float:
    """Return a rating in stars, rounded to half stars.

    Args:
        text: The rating in points of the service.
        scale: Points per star.

    Raises:
        ValueError: If it is not a number or not on the scale.
    """
    stars = parse_number(RATING, text) / scale
    if not LOWEST_RATING <= stars <= HIGHEST_RATING:
        low, high = LOWEST_RATING * scale, HIGHEST_RATING * scale
        raise ValueError(f"rating should be between {low:g} and {high:g}. {received(text)}")
    return round(stars * 2) / 2


def parse_timestamp(text: str) -> int | None:
    """Return the timestamp of a date or time, UTC by default; None for empty text.

    It may be ISO 8601, seconds since 1970, or as spreadsheets write dates: 31.01.2020, 31/01/2020
    or 01/31/2020. Of the last two forms, a date whose day could be its month gives None.

    Raises:
        ValueError: If the text is neither, or the timestamp is out of range.
    """
    text = text.strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return checked_timestamp(int(text))
    if match := _DAY_AND_MONTH.fullmatch(text):
        return _parse_day_and_month(match)
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


def _parse_day_and_month(match: re.Match[str]) -> int | None:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if match[2] == "/" and first <= 12 and second <= 12 and first != second:
        return None
    day, month = (second, first) if match[2] == "/" and second > 12 else (first, second)
    try:
        return checked_timestamp(int(datetime(year, month, day, tzinfo=UTC).timestamp()))
    except ValueError:
        raise ValueError(f"date should be as in 2020-01-31. {received(match[0])}") from None


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
    """Return a release year of four digits; None for any other text."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 4 else None
