"""Readers for personal rating exports of Letterboxd, IMDb, Trakt and MovieLens.

- Letterboxd, Settings, Data, Export: a zip with `ratings.csv`
  (Date,Name,Year,Letterboxd URI,Rating; half stars), or that file.
- IMDb, Your ratings, Export: `ratings.csv` (Const,Your Rating,Date Rated,Title,...,Title Type,...,
  Year,...; 1 to 10 points; UTF-8), or the layout before 2017 (const,created,Title,Title type,
  You rated,Year,...; Latin-1).
- Trakt: the response of `/sync/ratings/movies` in its API, or `ratings-movies.json` of its data
  export, split into `ratings-movies-1.json` and so on if long: a list of {rated_at, rating,
  movie: {title, year, ids: {imdb, tmdb}}}; 1 to 10 points.
- MovieLens, Profile, Export: `movielens-ratings.csv` (movie_id,imdb_id,tmdb_id,rating,
  average_rating,title), or a `ratings.csv` of movieId,rating[,timestamp].
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, Literal, cast

from foreseen.data.sources.archive import open_zip_members
from foreseen.data.sources.delimited import decode, split_rows
from foreseen.data.sources.personal import (
    PersonalExport,
    PersonalRating,
    UnreadableEntry,
    checked_timestamp,
    clean_title,
    parse_stars,
    parse_timestamp,
    parse_year,
)
from foreseen.data.sources.titles import split_title
from foreseen.errors import DataError

Provider = Literal["letterboxd", "imdb", "trakt", "movielens"]
"""The services with a supported export format."""

_POINTS_PER_STAR: Final = 2.0
_IMDB_FILM_TYPES: Final = frozenset(
    {"movie", "featurefilm", "documentary", "short", "shortfilm", "video", "tvmovie", "tvshort"}
)
_IMDB_ALIASES: Final = {
    "you rated": "your rating",
    "date added": "date rated",
    "created": "date rated",
}
_MAX_ENTRIES: Final = 100_000
_ZIP_SIGNATURE: Final = b"PK\x03\x04"


def read_export(data: bytes, name: str, provider: Provider) -> PersonalExport:
    """Read an export; line numbers continue from file to file if a zip has several.

    Args:
        data: Content of the file, or of a zip that contains it.
        name: Name of the file in error messages.
        provider: The service that wrote it.

    Raises:
        DataError: If it does not have the service's format, or has too many entries.
    """
    export_format = EXPORT_FORMATS[provider]
    files = [(data, name)]
    if data.startswith(_ZIP_SIGNATURE):
        files = open_zip_members(data, name, export_format.members)
    export = PersonalExport(())
    lines = 0
    for content, file in files:
        try:
            part = export_format.read(content, file)
        except (ValueError, RecursionError) as error:
            message = f"{file} cannot be read as an export of {export_format.label}: {error}"
            raise DataError(message) from error
        ratings = [replace(rating, line=rating.line + lines) for rating in part.ratings]
        unreadable = [replace(entry, line=entry.line + lines) for entry in part.unreadable]
        lines += len(part.ratings) + len(part.unreadable) + part.skipped
        export = PersonalExport(
            (*export.ratings, *ratings),
            (*export.unreadable, *unreadable),
            export.skipped + part.skipped,
        )
        if lines > _MAX_ENTRIES:
            message = f"{file}: a personal export should have at most {_MAX_ENTRIES:,} entries"
            raise DataError(message)
    return export


def _read_letterboxd(data: bytes, name: str) -> PersonalExport:
    def convert(line: int, row: Mapping[str, str]) -> PersonalRating | None:
        if not row["rating"]:
            return None
        return PersonalRating(
            line,
            clean_title(row["name"]),
            parse_year(row.get("year", "")),
            parse_stars(row["rating"]),
            parse_timestamp(row.get("date", "")),
        )

    return _read_table(data, name, ("name", "rating"), convert, "Letterboxd's ratings.csv")


def _read_imdb(data: bytes, name: str) -> PersonalExport:
    def convert(line: int, row: Mapping[str, str]) -> PersonalRating | None:
        title_type = row.get("title type", "").replace(" ", "").lower()
        if (title_type and title_type not in _IMDB_FILM_TYPES) or not row["your rating"]:
            return None
        return PersonalRating(
            line,
            clean_title(row.get("title", "")),
            parse_year(row.get("year", "")),
            parse_stars(row["your rating"], _POINTS_PER_STAR),
            _imdb_timestamp(row.get("date rated", "")),
            imdb=imdb_digits(row["const"]),
        )

    return _read_table(data, name, ("const", "your rating"), convert, "IMDb's ratings.csv")


def _imdb_timestamp(text: str) -> int | None:
    try:
        # The format before 2017: Sat Mar  4 00:00:00 2017.
        moment = datetime.strptime(text, "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007
    except ValueError:
        return parse_timestamp(text)
    return checked_timestamp(int(moment.replace(tzinfo=UTC).timestamp()))


def _read_movielens(data: bytes, name: str) -> PersonalExport:
    def convert(line: int, row: Mapping[str, str]) -> PersonalRating | None:
        text = row.get("movie_id") or row.get("movieid") or ""
        if not text.isdecimal() or len(text) > 15:
            raise ValueError(f"movie_id should be a whole number. Received: '{text}'")
        if not row["rating"] or float(row["rating"]) < 0:
            return None
        title, year = split_title(clean_title(row.get("title", "")))
        timestamp = row.get("timestamp", "")
        return PersonalRating(
            line,
            title,
            year,
            parse_stars(row["rating"]),
            checked_timestamp(int(timestamp[:20])) if timestamp.isdecimal() else None,
            imdb=imdb_digits(row.get("imdb_id", "")),
            tmdb=row.get("tmdb_id") or None,
            movie=int(text),
        )

    return _read_table(data, name, ("rating",), convert, "a MovieLens export")


def _read_trakt(data: bytes, name: str) -> PersonalExport:
    try:
        document: object = json.loads(decode(data, name))
    except json.JSONDecodeError as error:
        raise DataError(f"{name}, line {error.lineno}: invalid JSON ({error.msg})") from error
    if not isinstance(document, list):
        raise DataError(f"{name} should be a list of ratings, as Trakt's ratings-movies.json is")
    ratings: list[PersonalRating] = []
    unreadable: list[UnreadableEntry] = []
    skipped = 0
    for position, entry in enumerate(cast("list[Any]", document), start=1):
        try:
            if entry.get("type", "movie") != "movie":
                skipped += 1
                continue
            movie: dict[str, Any] = entry["movie"]
            ids: dict[str, Any] = movie.get("ids") or {}
            ratings.append(
                PersonalRating(
                    position,
                    clean_title(str(movie["title"])),
                    parse_year(str(movie.get("year") or "")),
                    parse_stars(str(entry["rating"]), _POINTS_PER_STAR),
                    parse_timestamp(str(entry.get("rated_at") or "")),
                    imdb=imdb_digits(str(ids.get("imdb") or "")),
                    tmdb=str(ids["tmdb"]) if ids.get("tmdb") else None,
                )
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, ValueError) else "not a rating of a movie"
            unreadable.append(UnreadableEntry(position, clean_title(json.dumps(entry)), reason))
    return PersonalExport(tuple(ratings), tuple(unreadable), skipped)


def imdb_digits(text: str) -> str | None:
    """Return the digits of an IMDb id without leading zeros, or None: 111161 for tt0111161."""
    match = re.fullmatch(r"(?:tt)?([0-9]{1,12})", text.strip())
    return match[1].lstrip("0") or "0" if match else None


def _read_table(
    data: bytes,
    name: str,
    required: Sequence[str],
    convert: Callable[[int, Mapping[str, str]], PersonalRating | None],
    layout: str,
) -> PersonalExport:
    rows = split_rows(data, name, ",")
    header = [field.strip().lower() for _, fields in islice(rows, 1) for field in fields]
    header = [_IMDB_ALIASES.get(field, field) for field in header]
    missing = [column for column in required if column not in header]
    if missing:
        found = ", ".join(header) or "nothing"
        raise DataError(
            f"{name}, line 1: {layout} has the columns {', '.join(required)}; this has {found}"
        )
    ratings: list[PersonalRating] = []
    unreadable: list[UnreadableEntry] = []
    skipped = 0
    for line, fields in rows:
        values = [field.strip() for field in fields] + [""] * (len(header) - len(fields))
        try:
            rating = convert(line, dict(zip(header, values, strict=False)))
        except ValueError as error:
            unreadable.append(UnreadableEntry(line, ",".join(fields)[:200], str(error)))
            continue
        if rating is None:
            skipped += 1
        else:
            ratings.append(rating)
    return PersonalExport(tuple(ratings), tuple(unreadable), skipped)


@dataclass(frozen=True)
class ExportFormat:
    """The export format of a service.

    Attributes:
        label: Name of the service in text.
        members: Regular expression for the names of the relevant files in a zip.
        read: Parses one file, given its content and its name.
    """

    label: str
    members: str
    read: Callable[[bytes, str], PersonalExport]


EXPORT_FORMATS: Final[Mapping[Provider, ExportFormat]] = {
    "letterboxd": ExportFormat("Letterboxd", r"ratings\.csv", _read_letterboxd),
    "imdb": ExportFormat("IMDb", r"ratings\.csv", _read_imdb),
    "trakt": ExportFormat("Trakt", r"ratings[-_]movies(-\d+)?\.json", _read_trakt),
    "movielens": ExportFormat("MovieLens", r"(movielens-)?ratings\.csv", _read_movielens),
}
