"""Reader of personal exports of Trakt as JSON."""

import json
from collections.abc import Iterator
from typing import Any, Final, cast

from foreseen.data.sources.json_entries import read_entries
from foreseen.data.sources.personal import (
    Entry,
    PersonalRating,
    SkippedEntry,
    UnreadableEntry,
    clean_title,
    imdb_digits,
    parse_stars,
    parse_timestamp,
    parse_year,
    tmdb_digits,
)
from foreseen.data.text import excerpt
from foreseen.errors import DataError

_POINTS_PER_STAR: Final = 2.0
_MAX_ENTRY_TEXT: Final = 200


def read_trakt(data: bytes, name: str) -> Iterator[Entry]:
    """Yield the entries of a list of ratings, or of the list `ratings` in a complete export.

    Raises:
        DataError: If the document has neither.
    """
    position = 0
    for key, value in read_entries(data, name):
        if key not in {None, "ratings", "movies"}:
            continue
        position += 1
        entry = cast("dict[str, Any]", value)
        try:
            yield _trakt_entry(position, entry)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, ValueError) else "not a rating of a movie"
            yield UnreadableEntry(position, excerpt(json.dumps(entry), _MAX_ENTRY_TEXT), reason)
    if not position and not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise DataError(f"{name} should be a list of ratings, as ratings-movies.json of Trakt is")


def _trakt_entry(position: int, entry: dict[str, Any]) -> Entry:
    if entry.get("type", "movie") != "movie":
        return SkippedEntry(clean_title(str(entry["type"])))
    movie: dict[str, Any] = entry["movie"]
    ids: dict[str, Any] = movie.get("ids") or {}
    return PersonalRating(
        position,
        clean_title(str(movie["title"] or "")),
        parse_year(_text(movie.get("year"))),
        parse_stars(_text(entry["rating"]), _POINTS_PER_STAR),
        parse_timestamp(_text(entry.get("rated_at"))),
        imdb=imdb_digits(_text(ids.get("imdb"))),
        tmdb=tmdb_digits(_text(ids.get("tmdb"))),
    )


def _text(value: object) -> str:
    """Return a value as text; empty for null."""
    return "" if value is None else str(value).removesuffix(".0")
