"""Readers for personal rating exports of Letterboxd, IMDb, Trakt and MovieLens.

- Letterboxd, Settings, Data, Export: a zip with `ratings.csv`, its folder, or that file
  (Date,Name,Year,Letterboxd URI,Rating; half stars); or a table in Letterboxd's import format
  (Title,Year,Rating or Rating10,WatchedDate,imdbID,tmdbID).
- IMDb, Your ratings, Export: `ratings.csv` (Const,Your Rating,Date Rated,Title,Original Title,...,
  Title Type,...,Year,...; 1 to 10 points; UTF-8), or the layout before 2017 (const,created,Title,
  Title type,You rated,Year,...; Latin-1).
- Trakt: the response of `/sync/ratings/movies` in its API, `ratings-movies.json` of its data
  export, split into `ratings-movies-1.json` and so on if long, or `ratings/movies.json`: a list of
  {rated_at, rating, movie: {title, year, ids: {imdb, tmdb}}}, or an object with it as `ratings`;
  1 to 10 points.
- MovieLens, Profile, Export: `movielens-ratings.csv` (movie_id,imdb_id,tmdb_id,rating,
  average_rating,title), or a `ratings.csv` of movieId,rating[,timestamp].

Tables may be saved again by a spreadsheet program: with semicolons or tabs, and other dates.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from foreseen.data.input_files import display, path_error, read_file
from foreseen.data.sources.archive import (
    MAX_EXPORT_BYTES,
    open_folder_members,
    open_zip_members,
)
from foreseen.data.sources.export_json import read_trakt
from foreseen.data.sources.export_tables import (
    IMDB,
    LETTERBOXD,
    MOVIELENS,
    TableLayout,
    read_table,
    table_header,
)
from foreseen.data.sources.personal import (
    Entry,
    PersonalExport,
    PersonalRating,
    UnreadableEntry,
    imdb_digits,
)
from foreseen.data.sources.zips import SIGNATURE
from foreseen.errors import DataError

__all__ = ["EXPORT_FORMATS", "Provider", "imdb_digits", "load_export", "read_export"]

Provider = Literal["letterboxd", "imdb", "trakt", "movielens"]
"""The services with a supported export format."""

_MAX_ENTRIES: Final = 100_000


def load_export(file: Path, provider: Provider) -> PersonalExport:
    """Read an export from a file or the folder of an unpacked zip; see `read_export`.

    Raises:
        DataError: If the file cannot be read.
    """
    try:
        is_folder = file.is_dir()
    except (OSError, ValueError) as error:
        raise path_error(file, error) from error
    if is_folder:
        return _read_files(open_folder_members(file, EXPORT_FORMATS[provider].members), provider)
    return read_export(read_file(file, MAX_EXPORT_BYTES), display(file), provider)


def read_export(data: bytes, name: str, provider: Provider) -> PersonalExport:
    """Read an export; line numbers continue from file to file if a zip has several.

    Args:
        data: Content of the file, or of a zip that contains it.
        name: Name of the file in error messages.
        provider: The service that wrote it.

    Raises:
        DataError: If it does not have the service's format, or has too many entries.
    """
    name = display(name)
    export_format = EXPORT_FORMATS[provider]
    files = [(data, name)]
    if data.startswith(SIGNATURE):
        files = open_zip_members(data, name, export_format.members)
    return _read_files(files, provider)


def _read_files(files: list[tuple[bytes, str]], provider: Provider) -> PersonalExport:
    export_format = EXPORT_FORMATS[provider]
    ratings: list[PersonalRating] = []
    unreadable: list[UnreadableEntry] = []
    skipped = 0
    for content, file in files:
        offset = len(ratings) + len(unreadable) + skipped
        for count, entry in enumerate(export_format.read(content, file), start=offset + 1):
            if count > _MAX_ENTRIES:
                message = f"{file}: a personal export should have at most {_MAX_ENTRIES:,} entries"
                raise DataError(f"{message}; split it")
            if isinstance(entry, PersonalRating):
                ratings.append(replace(entry, line=entry.line + offset))
            elif isinstance(entry, UnreadableEntry):
                unreadable.append(replace(entry, line=entry.line + offset))
            else:
                skipped += 1
    return PersonalExport(tuple(ratings), tuple(unreadable), skipped)


def _table_reader(
    layout: TableLayout, provider: Provider
) -> Callable[[bytes, str], Iterator[Entry]]:
    def read(data: bytes, name: str) -> Iterator[Entry]:
        return read_table(data, name, layout, _hint(data, name, provider))

    return read


def _read_trakt(data: bytes, name: str) -> Iterator[Entry]:
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text and not text.startswith((b"[", b"{")):
        message = f"{name} should be a JSON list of ratings, as Trakt's ratings-movies.json is"
        raise DataError(message + _hint(data, name, "trakt"))
    return read_trakt(data, name)


def _hint(data: bytes, name: str, provider: Provider) -> str:
    """Return the end of a message on a file that another service wrote; empty if none did."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return "; it looks like an export of Trakt (trakt)" if provider != "trakt" else ""
    header = table_header(data, name)[2]
    # The columns of the last one are also those of others.
    for other in ("imdb", "movielens", "letterboxd"):
        if other != provider and _LAYOUTS[other].fits(header):
            return f"; it looks like an export of {EXPORT_FORMATS[other].label} ({other})"
    return ""


@dataclass(frozen=True)
class ExportFormat:
    """The export format of a service.

    Attributes:
        label: Name of the service in text.
        members: Regular expression for the end of the paths of its files in a zip or folder.
        read: Yields the entries of one file, given its content and its name.
    """

    label: str
    members: str
    read: Callable[[bytes, str], Iterator[Entry]]


_LAYOUTS: Final[Mapping[Provider, TableLayout]] = {
    "letterboxd": LETTERBOXD,
    "imdb": IMDB,
    "movielens": MOVIELENS,
}
EXPORT_FORMATS: Final[Mapping[Provider, ExportFormat]] = {
    "letterboxd": ExportFormat(
        "Letterboxd", r"ratings\.csv", _table_reader(LETTERBOXD, "letterboxd")
    ),
    "imdb": ExportFormat("IMDb", r"ratings\.csv", _table_reader(IMDB, "imdb")),
    "trakt": ExportFormat(
        "Trakt", r"ratings[-_]movies(-\d+)?\.json|ratings/movies\.json", _read_trakt
    ),
    "movielens": ExportFormat(
        "MovieLens", r"(movielens-)?ratings\.csv", _table_reader(MOVIELENS, "movielens")
    ),
}
