"""Uniform access to the files of a folder or a zip."""

import hashlib
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from foreseen.errors import DataError

_MAX_EXPORT_BYTES: Final = 32 << 20
_MAX_MEMBERS: Final = 50


@dataclass(frozen=True)
class Archive:
    """The files of a data set.

    Attributes:
        path: The folder or zip.
        members: Paths of the files in it, by lower-case name without folders.
    """

    path: Path
    members: Mapping[str, str]

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            DataError: If the file cannot be read or the zip is damaged.
        """
        member = self.members[name]
        try:
            if self.path.is_dir():
                return (self.path / member).read_bytes()
            with zipfile.ZipFile(self.path) as bundle:
                return bundle.read(member)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            message = f"{self.path}: {member} cannot be read ({error}); fetch the data set again"
            raise DataError(message) from error

    def display_path(self, name: str) -> str:
        """Return the path of a file for messages."""
        return str(self.path / self.members[name])


def sha256(data: bytes) -> str:
    """Return the SHA-256 checksum in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def open_archive(path: Path) -> Archive:
    """List the files of a zip, or of a folder and its immediate subfolders.

    Of files with the same name the one nearest to the top is kept.

    Raises:
        DataError: If `path` does not exist, or is neither a folder nor a valid zip.
    """
    if path.is_dir():
        return Archive(path, _by_name(_folder_files(path)))
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.suffix.lower() in {".csv", ".data", ".dat", ".txt"}:
        raise DataError(f"{path} is a single file; give its folder")
    with _open_zip(path) as bundle:
        return Archive(path, _by_name(bundle.namelist()))


@contextmanager
def _open_zip(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as bundle:
            yield bundle
    except (zipfile.BadZipFile, OSError) as error:
        message = f"{path} is neither a folder nor a complete zip file ({error}); fetch it again"
        raise DataError(message) from error


def open_zip_members(data: bytes, name: str, pattern: str) -> list[tuple[bytes, str]]:
    """Return content and display name of the files of a zip that match a pattern.

    Of files with the same name in several folders the one nearest to the top is kept. Files are
    sorted by the numbers in their names.

    Args:
        data: Content of the zip.
        name: Name of the zip in messages.
        pattern: A regular expression for the complete lower-case name, without folders.

    Raises:
        DataError: If the zip is damaged, too large, or has no such file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            members = _by_name(bundle.namelist())
            matching = sorted(
                (file for file in members if re.fullmatch(pattern, file)),
                key=lambda file: [int(part[:9]) for part in re.findall(r"[0-9]+", file)],
            )
            found: list[tuple[bytes, str]] = []
            remaining = _MAX_EXPORT_BYTES
            for file in matching[:_MAX_MEMBERS]:
                content = _read_bounded(bundle, members[file], remaining)
                remaining -= len(content)
                found.append((content, f"{name}, {members[file]}"))
    except (
        *(zipfile.BadZipFile, OSError, zlib.error, lzma.LZMAError, EOFError),
        *(RuntimeError, ValueError),
    ) as error:
        raise DataError(f"{name} is not a complete zip file ({error}); export it again") from error
    if not found:
        file = pattern.replace("\\", "")
        raise DataError(f"{name} has no file {file}; check that it is the right export")
    return found


def _read_bounded(bundle: zipfile.ZipFile, member: str, limit: int) -> bytes:
    """Read a member of an untrusted zip, refusing one that expands beyond a limit in bytes."""
    with bundle.open(member) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        limit_mib = _MAX_EXPORT_BYTES >> 20
        raise DataError(f"{member}: a personal export should have at most {limit_mib} MiB")
    return data


def _folder_files(path: Path) -> list[str]:
    top = [entry.name for entry in sorted(path.iterdir()) if entry.is_file()]
    below = [
        f"{folder.name}/{entry.name}"
        for folder in sorted(path.iterdir())
        if folder.is_dir()
        for entry in sorted(folder.iterdir())
        if entry.is_file()
    ]
    return top + below


def _by_name(members: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for member in sorted(members, key=lambda name: name.count("/")):
        if member.endswith("/") or member.startswith("__MACOSX/"):
            continue
        found.setdefault(PurePosixPath(member).name.lower(), member)
    return found
