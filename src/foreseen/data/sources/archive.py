"""A folder or a zip, seen alike: a set of named files whose bytes can be asked for."""

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

_LARGEST_EXPORT: Final = 32 << 20
_MOST_MEMBERS: Final = 50


@dataclass(frozen=True)
class Archive:
    """The files of one data set, by their lower-case names without folders."""

    path: Path
    members: Mapping[str, str]

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            DataError: If the file cannot be read, or the zip is damaged there.
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

    def locate(self, name: str) -> str:
        """Return a file's place as a person would look for it."""
        return str(self.path / self.members[name])


def sha256(data: bytes) -> str:
    """Return the checksum that the manifest carries."""
    return hashlib.sha256(data).hexdigest()


def open_archive(path: Path) -> Archive:
    """List the files of a folder or a zip, looking one folder down where the top holds none.

    Raises:
        DataError: If there is nothing at `path`, or it is neither a folder nor a sound zip.
    """
    if path.is_dir():
        return Archive(path, _by_name(_folder_files(path)))
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.suffix.lower() in {".csv", ".data", ".dat", ".txt"}:
        raise DataError(f"{path} is a single file; give the folder that holds it")
    with _sound_zip(path) as bundle:
        return Archive(path, _by_name(bundle.namelist()))


@contextmanager
def _sound_zip(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as bundle:
            yield bundle
    except (zipfile.BadZipFile, OSError) as error:
        message = f"{path} is neither a folder nor a whole zip file ({error}); fetch it again"
        raise DataError(message) from error


def open_zip_members(data: bytes, name: str, wanted: str) -> list[tuple[bytes, str]]:
    """Return the bytes of the files of a zip whose names match, and what to call them.

    Of files with the same name in several folders the one nearest to the top is meant; numbered
    ones come in the order of their numbers.

    Args:
        data: The zip's bytes.
        name: What to call it in messages.
        wanted: A regular expression for the whole name, in lower case, without folders.

    Raises:
        DataError: If the zip is damaged or holds none.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            members = _by_name(bundle.namelist())
            matching = sorted(
                (file for file in members if re.fullmatch(wanted, file)),
                key=lambda file: [int(part[:9]) for part in re.findall(r"[0-9]+", file)],
            )
            found: list[tuple[bytes, str]] = []
            room = _LARGEST_EXPORT
            for file in matching[:_MOST_MEMBERS]:
                content = _read_bounded(bundle, members[file], room)
                room -= len(content)
                found.append((content, f"{name}, {members[file]}"))
    except (
        *(zipfile.BadZipFile, OSError, zlib.error, lzma.LZMAError, EOFError),
        *(RuntimeError, ValueError),
    ) as error:
        raise DataError(f"{name} is no whole zip file ({error}); export it again") from error
    if not found:
        raise DataError(f"{name} holds no {wanted.replace(chr(92), '')}; is it the right export?")
    return found


def _read_bounded(bundle: zipfile.ZipFile, member: str, room: int) -> bytes:
    """Read a member of a zip that somebody handed in: no more than a person can have rated."""
    with bundle.open(member) as file:
        data = file.read(room + 1)
    if len(data) > room:
        raise DataError(f"{member}: more than {_LARGEST_EXPORT >> 20} MiB are no one's ratings")
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
