"""Reading of personal exports: a file, a zip, or the folder of an unpacked zip."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from foreseen.data.input_files import display, path_error, read_file
from foreseen.data.rating_scale import RatingScale
from foreseen.data.sources.archive import (
    MAX_EXPORT_BYTES,
    open_folder_members,
    open_zip_members,
)
from foreseen.data.sources.export_columns import read_columns, recognise_scale
from foreseen.data.sources.export_formats import EXPORT_FORMATS, ExportFormat
from foreseen.data.sources.export_json import is_json
from foreseen.data.sources.export_lists import is_diary
from foreseen.data.sources.export_tables import table_header
from foreseen.data.sources.json_entries import read_entries
from foreseen.data.sources.personal import (
    LayoutError,
    ListedFilm,
    PersonalExport,
    PersonalRating,
    Provider,
    SkippedEntry,
    UnreadableEntry,
    as_seen,
)
from foreseen.data.sources.personal_fields import imdb_digits
from foreseen.data.sources.zips import SIGNATURE
from foreseen.errors import DataError, InputError

__all__ = [
    "EXPORT_FORMATS",
    "ExportFormat",
    "Provider",
    "ReadOptions",
    "imdb_digits",
    "load_export",
    "read_export",
]

_MAX_ENTRIES: Final = 100_000
_Files = list[tuple[bytes, str]]
_OpenFiles = Callable[[str, str], _Files]
"""Opens the files whose paths match a pattern, and those that match another one."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read a table that no known service wrote.

    Attributes:
        columns: Names of columns by what they are; see `export_columns.read_columns`.
        scale: Scale of the ratings; None to recognise it.
    """

    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    scale: RatingScale | None = None

    def __bool__(self) -> bool:
        """Return whether any option is set."""
        return bool(self.columns) or self.scale is not None


def load_export(
    file: Path, provider: Provider | None = None, options: ReadOptions | None = None
) -> PersonalExport:
    """Read an export from a file or the folder of an unpacked zip; see `read_export`.

    Raises:
        DataError: If the file cannot be read.
    """
    try:
        is_folder = file.is_dir()
    except (OSError, ValueError) as error:
        raise path_error(file, error) from error
    if is_folder:
        return _read(partial(open_folder_members, file), display(file), provider, options)
    return read_export(read_file(file, MAX_EXPORT_BYTES), display(file), provider, options)


def read_export(
    data: bytes,
    name: str,
    provider: Provider | None = None,
    options: ReadOptions | None = None,
) -> PersonalExport:
    """Read an export; line numbers continue from file to file if a zip has several.

    Args:
        data: Content of the file, or of a zip that contains it.
        name: Name of the file in error messages.
        provider: The service that wrote it; None to recognise it.
        options: How to read a table that no known service wrote.

    Raises:
        DataError: If it does not have the service's format, or has too many entries.
        InputError: If there are options for the export of a service.
    """
    name = display(name)
    if data.startswith(SIGNATURE):
        return _read(partial(open_zip_members, data, name), name, provider, options)
    return _read(lambda _pattern, _further: [(data, name)], name, provider, options)


def _read(
    open_files: _OpenFiles,
    name: str,
    provider: Provider | None,
    options: ReadOptions | None,
) -> PersonalExport:
    options = options or ReadOptions()
    if options and provider not in {None, "csv"}:
        raise InputError("columns and a scale can be given only for tables of ratings (csv)")
    if options:
        provider = "csv"
    if provider is None:
        provider, files = _recognise(open_files, name)
        return _read_files(files, provider, options)
    export_format = EXPORT_FORMATS[provider]

    def hint() -> str:
        return _looks_like(_other(open_files, name, provider))

    try:
        opened = open_files(export_format.members, export_format.lists)
        files = _own_files(opened, export_format)
    except DataError as error:
        raise DataError(f"{error}{hint()}") from error
    try:
        export = _read_files(files, provider, options)
    except LayoutError as error:
        raise DataError(f"{error}{hint()}") from None
    is_empty = not (export.ratings or export.listed)
    other = _other(open_files, name, provider) if is_empty else None
    if other not in {None, "csv"}:
        raise DataError(f"{name} has no ratings of {export_format.label}{_looks_like(other)}")
    return export


def _other(open_files: _OpenFiles, name: str, provider: Provider) -> Provider | None:
    """Return the service that wrote an export if it is recognised and not the given one."""
    try:
        other, _ = _recognise(open_files, name)
    except DataError:
        return None
    return None if other == provider else other


def _looks_like(other: Provider | None) -> str:
    """Return the end of a message on a file that another service wrote; empty if none did."""
    if other is None:
        return ""
    of = "" if other == "csv" else "an export of "
    return f"; it looks like {of}{EXPORT_FORMATS[other].label} ({other})"


def _recognise(open_files: _OpenFiles, name: str) -> tuple[Provider, _Files]:
    """Return the service that wrote an export, and its files.

    Raises:
        DataError: If no service did.
    """
    opened: _Files = []
    failure: DataError | None = None
    for provider, export_format in EXPORT_FORMATS.items():
        try:
            files = open_files(export_format.members, export_format.lists)
        except DataError as error:
            failure = error
            continue
        opened = opened or files
        if any(_fits(export_format, *file) for file in files):
            return provider, _own_files(files, export_format)
    if not opened and failure is not None:
        raise failure
    _check_readable(*opened[0])
    services = ", ".join(EXPORT_FORMATS)
    raise DataError(f"{name} is not recognised; name what exported it with --from: {services}")


def _own_files(files: _Files, export_format: ExportFormat) -> _Files:
    """Return those of several files that a service wrote; all of them if none is recognised."""
    if len(files) == 1:
        return files
    return [file for file in files if _fits(export_format, *file, default=True)] or files


def _fits(export_format: ExportFormat, data: bytes, name: str, *, default: bool = False) -> bool:
    """Return whether a service wrote a file, or a default if the file cannot be read."""
    try:
        return export_format.fits(data, name)
    except DataError:
        return default


def _check_readable(data: bytes, name: str) -> None:
    """Raise a DataError if a file is neither a table nor JSON."""
    if is_json(data):
        next(iter(read_entries(data, name)), None)
    else:
        table_header(data, name)


def _read_files(files: _Files, provider: Provider, options: ReadOptions) -> PersonalExport:
    export_format = EXPORT_FORMATS[provider]
    read, scale = export_format.read, export_format.scale
    if scale is None:
        scale = options.scale or recognise_scale(*files[0], options.columns)
        read = partial(read_columns, columns=options.columns, scale=scale)
    has_ratings = not all(is_diary(file) for _, file in files)
    ratings: list[PersonalRating] = []
    listed: list[ListedFilm] = []
    unreadable: list[UnreadableEntry] = []
    skipped: Counter[str] = Counter()
    count = last_line = 0
    for content, file in files:
        offset = max(count, last_line)
        for read_one in read(content, file):
            count += 1
            if count > _MAX_ENTRIES:
                message = f"{file}: a personal export should have at most {_MAX_ENTRIES:,} entries"
                raise DataError(f"{message}; split it")
            if isinstance(read_one, SkippedEntry):
                skipped[read_one.kind] += 1
                continue
            entry = replace(read_one, line=read_one.line + offset)
            last_line = entry.line
            if isinstance(entry, PersonalRating) and has_ratings and is_diary(file):
                listed.append(as_seen(entry))
            elif isinstance(entry, PersonalRating):
                ratings.append(entry)
            elif isinstance(entry, ListedFilm):
                listed.append(entry)
            else:
                unreadable.append(entry)
    return PersonalExport(
        tuple(ratings), tuple(unreadable), dict(skipped), provider, scale, tuple(listed)
    )
