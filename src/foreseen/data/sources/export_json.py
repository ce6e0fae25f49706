"""The JSON documents that services export: Trakt, Simkl, Jellyfin."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

from foreseen.data.rating_scale import RatingScale
from foreseen.data.sources.export_layouts import POINTS, SIMKL_LISTS
from foreseen.data.sources.json_entries import read_entries
from foreseen.data.sources.personal import (
    Entry,
    FilmList,
    LayoutError,
    SkippedEntry,
    UnreadableEntry,
    read_entry,
)
from foreseen.data.sources.personal_fields import clean_title
from foreseen.data.text import excerpt

JELLYFIN_POINTS: Final = RatingScale(0, 10, 0.1)
_MAX_ENTRY_TEXT: Final = 200
_RECOGNISED_BY: Final = 20
"""Number of entries that are looked at to recognise a document."""


def is_json(data: bytes) -> bool:
    """Return whether a file begins like a JSON list or object."""
    return data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))


@dataclass(frozen=True)
class ListLayout:
    """The entries of a service's JSON document.

    Attributes:
        name: What the document is.
        keys: Keys of the lists with entries in an object; None is a document that is a list.
        typical: Sets of keys; an entry that has all of one is recognised.
        convert: Returns an entry, given its position and the key of its list.
    """

    name: str
    keys: frozenset[str | None]
    typical: tuple[frozenset[str], ...]
    convert: Callable[[int, str | None, dict[str, Any]], Entry]

    def read(self, data: bytes, name: str) -> Iterator[Entry]:
        """Yield the entries of a file.

        Raises:
            LayoutError: If it is an object without a list of entries.
            DataError: If it is not JSON.
        """
        if not is_json(data) and data.strip():
            raise LayoutError(f"{name} should be a JSON list or object, as {self.name} is")
        position = 0
        for key, value in self._entries(data, name):
            position += 1
            entry = cast("dict[str, Any]", value)
            try:
                yield self.convert(position, key, entry)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                reason = str(error) if isinstance(error, ValueError) else "not a rating of a movie"
                yield UnreadableEntry(position, excerpt(json.dumps(entry), _MAX_ENTRY_TEXT), reason)
        if not position and not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            raise LayoutError(f"{name} should be a list of ratings, as {self.name} is")

    def fits(self, data: bytes, name: str) -> bool:
        """Return whether a file is recognised as one of the service.

        Raises:
            DataError: If it is not valid JSON.
        """
        if not is_json(data):
            return False
        return any(
            isinstance(value, dict) and any(keys <= value.keys() for keys in self.typical)
            for _, value in islice(self._entries(data, name), _RECOGNISED_BY)
        )

    def _entries(self, data: bytes, name: str) -> Iterator[tuple[str | None, object]]:
        return ((key, value) for key, value in read_entries(data, name) if key in self.keys)


def _trakt(position: int, _key: str | None, entry: dict[str, Any]) -> Entry:
    kind = str(entry.get("type", "movie" if "movie" in entry else "show"))
    if kind not in {"movie", "show"}:
        return SkippedEntry(clean_title(kind))
    title = entry[kind]
    if "rating" in entry:
        return _entry(position, title, entry["rating"], entry.get("rated_at"), POINTS, kind)
    if "listed_at" in entry:
        return _entry(position, title, "", entry["listed_at"], POINTS, kind, "watchlist")
    if "plays" not in entry and "watched_at" not in entry:
        raise ValueError("it has neither a rating nor the date it was watched or listed")
    date = entry.get("watched_at") or entry.get("last_watched_at")
    return _entry(position, title, "", date, POINTS, kind, "seen")


def _simkl(position: int, key: str | None, entry: dict[str, Any]) -> Entry:
    kind = str(entry.get("anime_type") or (key or "movies").removesuffix("s"))
    title = entry["movie"] if "movie" in entry else entry["show"]
    date = entry.get("user_rated_at") or entry.get("last_watched_at")
    unrated = SIMKL_LISTS.get(str(entry.get("status")))
    if unrated == "watchlist":
        date = entry.get("added_to_watchlist_at")
    rating = entry.get("user_rating") or ""
    return _entry(position, title, rating, date, POINTS, kind, unrated)


def _jellyfin(position: int, _key: str | None, entry: dict[str, Any]) -> Entry:
    use: dict[str, Any] = entry.get("UserData") or {}
    ids: dict[str, Any] = entry.get("ProviderIds") or {}
    title = {
        "title": entry["Name"],
        "year": entry.get("ProductionYear"),
        "ids": {key.lower(): value for key, value in ids.items()},
        "original": entry.get("OriginalTitle"),
    }
    rating = use.get("Rating")
    return _entry(
        position,
        title,
        "" if rating is None else rating,
        use.get("LastPlayedDate"),
        JELLYFIN_POINTS,
        str(entry.get("Type", "Movie")),
        "seen" if use.get("Played") else None,
    )


def _entry(
    position: int,
    title: dict[str, Any],
    rating: object,
    date: object,
    scale: RatingScale,
    kind: str,
    unrated: FilmList | None = None,
) -> Entry:
    if rating is None:
        raise ValueError("rating should be a number. Received: nothing")
    ids: Mapping[str, Any] = title.get("ids") or {}
    return read_entry(
        position,
        _text(title["title"]),
        _text(rating),
        scale,
        year=_text(title.get("year")),
        date=_text(date),
        imdb=_text(ids.get("imdb")),
        tmdb=_text(ids.get("tmdb")),
        title_type=kind,
        original_title=_text(title.get("original")),
        unrated=unrated,
    )


def _text(value: object) -> str:
    """Return a value as text; empty for null."""
    return "" if value is None else str(value).removesuffix(".0")


TRAKT: Final = ListLayout(
    "ratings-movies.json of Trakt",
    frozenset({None, "ratings", "movies"}),
    tuple(
        frozenset({key, kind})
        for key in ("rating", "listed_at", "watched_at", "plays")
        for kind in ("movie", "show")
    ),
    _trakt,
)
SIMKL_BACKUP: Final = ListLayout(
    "SimklBackup.json",
    frozenset({"movies", "shows", "anime"}),
    (frozenset({"user_rating"}), frozenset({"added_to_watchlist_at"})),
    _simkl,
)
JELLYFIN: Final = ListLayout(
    "a list of items of Jellyfin or Emby",
    frozenset({None, "Items"}),
    (frozenset({"Name", "UserData"}), frozenset({"Name", "ProviderIds"})),
    _jellyfin,
)
