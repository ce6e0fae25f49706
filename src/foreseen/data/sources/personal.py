"""Personal rating exports of other services, in a common form.

The readers are in `foreseen.data.sources.exports`; `foreseen.data.title_matching` matches the
entries to the movies of a catalogue.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from foreseen.data.schema import HIGHEST_RATING, LOWEST_RATING, TIMESTAMP_LIMIT

_MAX_TITLE_LENGTH: Final = 300


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
    """

    line: int
    title: str
    year: int | None
    stars: float
    timestamp: int | None = None
    imdb: str | None = None
    tmdb: str | None = None
    movie: int | None = None


@dataclass(frozen=True)
class UnreadableEntry:
    """An entry of an export that could not be parsed, and the reason."""

    line: int
    text: str
    reason: str


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
    try:
        stars = float(text) / scale
    except ValueError:
        raise ValueError(f"rating should be a number. Received: '{text}'") from None
    if not math.isfinite(stars) or not LOWEST_RATING <= stars <= HIGHEST_RATING:
        low, high = LOWEST_RATING * scale, HIGHEST_RATING * scale
        raise ValueError(f"rating should be between {low:g} and {high:g}. Received: {text}")
    return round(stars * 2) / 2


def parse_timestamp(text: str) -> int | None:
    """Return the timestamp of an ISO 8601 date or time, UTC by default; None for empty text.

    Raises:
        ValueError: If the text is neither, or the timestamp is out of range.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) == len("2020-01-31"):
            moment = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date should be as in 2020-01-31. Received: '{text}'") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return checked_timestamp(int(moment.timestamp()))


def checked_timestamp(timestamp: int) -> int:
    """Return a timestamp that is in range.

    Raises:
        ValueError: If it is before 1970 or after 2099.
    """
    if not 0 <= timestamp < TIMESTAMP_LIMIT:
        raise ValueError(f"date should be from 1970 to 2099. Received: timestamp {timestamp}")
    return timestamp


def clean_title(title: str) -> str:
    """Return a title of at most 300 characters, valid in UTF-8, with single spaces."""
    valid = title[:_MAX_TITLE_LENGTH].encode("utf-8", "replace").decode()
    return " ".join(valid.replace("\0", " ").split())


def parse_year(text: str) -> int | None:
    """Return a release year of four digits; None for any other text."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) == 4 else None
