"""A person's own ratings, as other services export them, in one form.

Each service says in its own words which movie is meant and how much it was liked; here stand the
words they share. Finding the movies in a catalogue is `foreseen.data.title_matching`'s.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime

from foreseen.data.schema import END_OF_TIME, HIGHEST_RATING, LOWEST_RATING

_LONGEST_TITLE = 300


@dataclass(frozen=True)
class PersonalRating:
    """One rating of an export.

    Attributes:
        line: Where it stands in the file: the line, or the place in a list, from 1.
        title: As the service writes it.
        year: Of release, if told.
        stars: Converted to 0.5 to 5.
        at: Second it was given, if told.
        imdb: Id at IMDb, digits only, if told.
        tmdb: Id at TMDB, if told.
        movie: Id at MovieLens, if told.
    """

    line: int
    title: str
    year: int | None
    stars: float
    at: int | None = None
    imdb: str | None = None
    tmdb: str | None = None
    movie: int | None = None


@dataclass(frozen=True)
class Unreadable:
    """An entry of an export that tells no rating, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class PersonalExport:
    """An export, read; `skipped` counts entries that are sound but rate no movie."""

    ratings: tuple[PersonalRating, ...]
    unreadable: tuple[Unreadable, ...] = ()
    skipped: int = 0


def stars_from(text: str, scale: float = 1.0) -> float:
    """Return a rating in stars, on the scale of this package.

    Args:
        text: A number.
        scale: Points of the service for one star.

    Raises:
        ValueError: If it is no number or lies off the scale.
    """
    try:
        stars = float(text) / scale
    except ValueError:
        raise ValueError(f"the rating '{text}' is no number") from None
    if not math.isfinite(stars) or not LOWEST_RATING <= stars <= HIGHEST_RATING:
        low, high = LOWEST_RATING * scale, HIGHEST_RATING * scale
        raise ValueError(f"the rating {text} is not between {low:g} and {high:g}")
    return round(stars * 2) / 2


def second_of(text: str) -> int | None:
    """Return the second of a date or a moment as ISO 8601 writes it, UTC; None if there is none.

    Raises:
        ValueError: If it is neither.
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
        raise ValueError(f"'{text}' is no date such as 2020-01-31") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return sound_second(int(moment.timestamp()))


def sound_second(second: int) -> int:
    """Return a second between 1970 and the end of time.

    Raises:
        ValueError: If it lies outside.
    """
    if not 0 <= second < END_OF_TIME:
        raise ValueError("the date lies before 1970 or too far ahead")
    return second


def tidy(title: str) -> str:
    """Return a title as text of reasonable length, with single blanks."""
    sound = title[:_LONGEST_TITLE].encode("utf-8", "replace").decode()
    return " ".join(sound.replace("\0", " ").split())


def year_of(text: str) -> int | None:
    """Return a year of release; None where the text holds none."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) == 4 else None
