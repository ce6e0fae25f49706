"""Readers of personal exports: Letterboxd, IMDb, Trakt, MovieLens.

- Letterboxd, Settings, Data, Export: a zip with `ratings.csv`
  (Date,Name,Year,Letterboxd URI,Rating; half stars), or that file.
- IMDb, Your ratings, Export: `ratings.csv` (Const,Your Rating,Date Rated,Title,...,Title Type,...,
  Year,...; points of ten; UTF-8), or the one of before 2017 (const,created,Title,Title type,
  You rated,Year,...; Latin-1).
- Trakt: `/sync/ratings/movies` of its API and the `ratings-movies.json` of its data export, in
  pages `ratings-movies-1.json` and on if it is long: a list of {rated_at, rating, movie: {title,
  year, ids: {imdb, tmdb}}}; points of ten.
- MovieLens, Profile, Export: `movielens-ratings.csv` (movie_id,imdb_id,tmdb_id,rating,
  average_rating,title), or a `ratings.csv` of movieId,rating[,timestamp].
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, Literal, cast

from foreseen.errors import DataError
from foreseen.data.sources.archive import open_zip_members
from foreseen.data.sources.delimited import decode, split_rows
from foreseen.data.sources.personal import (
    PersonalExport,
    PersonalRating,
    Unreadable,
    second_of,
    sound_second,
    stars_from,
    tidy,
    year_of,
)
from foreseen.data.sources.titles import split_title

Service = Literal["letterboxd", "imdb", "trakt", "movielens"]

_POINTS_A_STAR: Final = 2.0
_FILMS: Final = frozenset(
    {"movie", "featurefilm", "documentary", "short", "shortfilm", "video", "tvmovie", "tvshort"}
)
_IMDB_NAMES: Final = {
    "you rated": "your rating",
    "date added": "date rated",
    "created": "date rated",
}
_MOST: Final = 100_000
_ZIP: Final = b"PK\x03\x04"


def read_export(data: bytes, name: str, service: Service) -> PersonalExport:
    """Read an export; entries of several files are numbered on from file to file.

    Args:
        data: The file's bytes.
        name: What to call the file in messages.
        service: Where it comes from.

    Raises:
        DataError: If it is not of that service's layout, or larger than a person's ratings are.
    """
    files = [(data, name)]
    if data.startswith(_ZIP):
        files = open_zip_members(data, name, _MEMBERS[service])
    whole = PersonalExport(())
    lines = 0
    for content, file in files:
        try:
            part = _READERS[service](content, file)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{file} cannot be read as an export of {service}: {error}") from error
        moved = [replace(rating, line=rating.line + lines) for rating in part.ratings]
        unread = [replace(entry, line=entry.line + lines) for entry in part.unreadable]
        lines += len(part.ratings) + len(part.unreadable) + part.skipped
        whole = PersonalExport(
            (*whole.ratings, *moved), (*whole.unreadable, *unread), whole.skipped + part.skipped
        )
        if lines > _MOST:
            raise DataError(f"{file}: more than {_MOST:,} entries are no one person's")
    return whole


def _read_letterboxd(data: bytes, name: str) -> PersonalExport:
    def convert(line: int, row: Mapping[str, str]) -> PersonalRating | None:
        if not row["rating"]:
            return None
        return PersonalRating(
            line,
            tidy(row["name"]),
            year_of(row.get("year", "")),
            stars_from(row["rating"]),
            second_of(row.get("date", "")),
        )

    return _read_table(data, name, ("name", "rating"), convert, "Letterboxd's ratings.csv")


def _read_imdb(data: bytes, name: str) -> PersonalExport:
    def convert(line: int, row: Mapping[str, str]) -> PersonalRating | None:
        kind = row.get("title type", "").replace(" ", "").lower()
        if (kind and kind not in _FILMS) or not row["your rating"]:
            return None
        return PersonalRating(
            line,
            tidy(row.get("title", "")),
            year_of(row.get("year", "")),
            stars_from(row["your rating"], _POINTS_A_STAR),
            _imdb_second(row.get("date rated", "")),
            imdb=imdb_digits(row["const"]),
        )

    return _read_table(data, name, ("const", "your rating"), convert, "IMDb's ratings.csv")


def _imdb_second(text: str) -> int | None:
    try:
        # As it was before 2017: Sat Mar  4 00:00:00 2017.
        moment = datetime.strptime(text, "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007
    except ValueError:
        return second_of(text)
    return sound_second(int(moment.replace(tzinfo=UTC).timestamp()))


def _read_movielens(data: bytes, name: str) -> PersonalExport:
    def convert(line: int, row: Mapping[str, str]) -> PersonalRating | None:
        text = row.get("movie_id") or row.get("movieid") or ""
        if not text.isdecimal() or len(text) > 15:
            raise ValueError(f"the movie id '{text}' is no number")
        if not row["rating"] or float(row["rating"]) < 0:
            return None
        title, year = split_title(tidy(row.get("title", "")))
        moment = row.get("timestamp", "")
        return PersonalRating(
            line,
            title,
            year,
            stars_from(row["rating"]),
            sound_second(int(moment[:20])) if moment.isdecimal() else None,
            imdb=imdb_digits(row.get("imdb_id", "")),
            tmdb=row.get("tmdb_id") or None,
            movie=int(text),
        )

    return _read_table(data, name, ("rating",), convert, "a MovieLens export")


def _read_trakt(data: bytes, name: str) -> PersonalExport:
    try:
        document: object = json.loads(decode(data, name))
    except json.JSONDecodeError as error:
        raise DataError(f"{name}, line {error.lineno}: no sound JSON ({error.msg})") from error
    if not isinstance(document, list):
        raise DataError(f"{name} should hold a list of ratings, as Trakt's ratings-movies.json")
    ratings: list[PersonalRating] = []
    unreadable: list[Unreadable] = []
    skipped = 0
    for place, entry in enumerate(cast("list[Any]", document), start=1):
        try:
            if entry.get("type", "movie") != "movie":
                skipped += 1
                continue
            movie: dict[str, Any] = entry["movie"]
            ids: dict[str, Any] = movie.get("ids") or {}
            ratings.append(
                PersonalRating(
                    place,
                    tidy(str(movie["title"])),
                    year_of(str(movie.get("year") or "")),
                    stars_from(str(entry["rating"]), _POINTS_A_STAR),
                    second_of(str(entry.get("rated_at") or "")),
                    imdb=imdb_digits(str(ids.get("imdb") or "")),
                    tmdb=str(ids["tmdb"]) if ids.get("tmdb") else None,
                )
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, ValueError) else "no rating of a movie"
            unreadable.append(Unreadable(place, tidy(json.dumps(entry)), reason))
    return PersonalExport(tuple(ratings), tuple(unreadable), skipped)


def imdb_digits(text: str) -> str | None:
    """Return the digits of an id such as tt0111161, without leading zeros; None if it is none."""
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
    header = [_IMDB_NAMES.get(field, field) for field in header]
    missing = [column for column in required if column not in header]
    if missing:
        shown = ", ".join(header) or "nothing"
        raise DataError(
            f"{name}, line 1: {layout} has the columns {', '.join(required)}; this has {shown}"
        )
    ratings: list[PersonalRating] = []
    unreadable: list[Unreadable] = []
    skipped = 0
    for line, fields in rows:
        values = [field.strip() for field in fields] + [""] * (len(header) - len(fields))
        try:
            rating = convert(line, dict(zip(header, values, strict=False)))
        except ValueError as error:
            unreadable.append(Unreadable(line, ",".join(fields)[:200], str(error)))
            continue
        if rating is None:
            skipped += 1
        else:
            ratings.append(rating)
    return PersonalExport(tuple(ratings), tuple(unreadable), skipped)


_READERS: Final[Mapping[Service, Callable[[bytes, str], PersonalExport]]] = {
    "letterboxd": _read_letterboxd,
    "imdb": _read_imdb,
    "trakt": _read_trakt,
    "movielens": _read_movielens,
}
_MEMBERS: Final[Mapping[Service, str]] = {
    "letterboxd": r"ratings\.csv",
    "imdb": r"ratings\.csv",
    "trakt": r"ratings[-_]movies(-\d+)?\.json",
    "movielens": r"(movielens-)?ratings\.csv",
}
"""What the wanted files of a zip are called."""
