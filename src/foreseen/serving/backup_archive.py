"""The file format of a backup: a zip with a manifest of the checksums of its files."""

import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foreseen.data.sources.zips import check_offsets
from foreseen.errors import InputError
from foreseen.integrity import describe, from_json, to_json

DATABASE: Final = "database"
SECRET: Final = "secret"  # noqa: S105 - the name of a member
MODEL: Final = "model/"
"""Prefix of the members that are files of the folder of models."""
_MANIFEST: Final = "manifest.json"
_MAX_MANIFEST: Final = 64 << 20
_CHUNK: Final = 1 << 20
# No part begins with a dot, so no member lies outside.
_MEMBER: Final = re.compile(r"database|secret|model(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class Member(BaseModel):
    """What the manifest states about a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sha256: str
    size: int = Field(ge=0, lt=2**63)


class Manifest(BaseModel):
    """The manifest of a backup.

    Attributes:
        format: Number of the format.
        made: Second it was made.
        database: Kind of the database; None if there is none.
        files: The members by name.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1] = 1
    made: int
    database: Literal["sqlite", "postgresql"] | None
    files: dict[str, Member]


@dataclass
class ArchiveWriter:
    """A backup that is being written."""

    _bundle: zipfile.ZipFile
    _files: dict[str, Member] = field(default_factory=dict[str, Member])

    def add(self, file: Path, name: str) -> None:
        """Add a file under the name of a member.

        Raises:
            OSError: If it cannot be read or written.
        """
        digest, size = hashlib.sha256(), 0
        with file.open("rb") as source, self._bundle.open(name, "w", force_zip64=True) as member:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                member.write(chunk)
        self._files[name] = Member(sha256=digest.hexdigest(), size=size)

    def finish(self, made: int, database: Literal["sqlite", "postgresql"] | None) -> Manifest:
        """Write the manifest and return it."""
        manifest = Manifest(made=made, database=database, files=self._files)
        self._bundle.writestr(_MANIFEST, to_json(manifest.model_dump(mode="json")))
        return manifest


@contextmanager
def create_archive(file: Path) -> Generator[ArchiveWriter]:
    """Yield a backup to write to a new file, readable by its owner only."""
    with (
        private_file(file) as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle,
    ):
        yield ArchiveWriter(bundle)


def private_file(file: Path) -> IO[bytes]:
    """Open a new file for writing, readable by its owner only."""
    return os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


@contextmanager
def open_archive(file: Path) -> Generator["ArchiveReader"]:
    """Yield a backup to read.

    Raises:
        InputError: If it is none, or damaged.
    """
    try:
        bundle = zipfile.ZipFile(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror or error})") from error
    except _DAMAGE as error:
        raise InputError(f"{file} is no complete backup ({error}); use another") from error
    with bundle:
        yield ArchiveReader(file, bundle, _read_manifest(file, bundle))


def _read_manifest(file: Path, bundle: zipfile.ZipFile) -> Manifest:
    try:
        check_offsets(bundle)
        with bundle.open(_MANIFEST) as member:
            document, has_checksum = from_json(member.read(_MAX_MANIFEST))
        manifest = Manifest.model_validate(document)
    except KeyError as error:
        raise InputError(f"{file} is no backup of Foreseen, it has no {_MANIFEST}") from error
    except ValidationError as error:
        reason = describe(error)
        raise InputError(
            f"{file}: {_MANIFEST} is damaged or of a newer version ({reason}); use another backup"
        ) from error
    except _DAMAGE as error:
        raise InputError(f"{file}: {_MANIFEST} is damaged ({error}); use another backup") from error
    names = sorted(bundle.namelist())
    for name in (*names, *manifest.files):
        if name != _MANIFEST and not _MEMBER.fullmatch(name):
            raise InputError(f"{file} has a member outside of a backup: {name[:80]!r}")
    if not has_checksum or names != sorted([_MANIFEST, *manifest.files]):
        raise InputError(f"{file}: {_MANIFEST} does not list its files; use another backup")
    return manifest


@dataclass(frozen=True)
class ArchiveReader:
    """An open backup.

    Attributes:
        file: The file.
        bundle: The zip.
        manifest: Its manifest.
    """

    file: Path
    bundle: zipfile.ZipFile
    manifest: Manifest

    def members(self, prefix: str) -> Mapping[str, Member]:
        """Return the members with a prefix, by their name without it."""
        files = self.manifest.files
        return {
            name.removeprefix(prefix): member
            for name, member in files.items()
            if name.startswith(prefix)
        }

    def extract(self, name: str, stream: IO[bytes]) -> None:
        """Write a member to a stream, and compare it with its checksum.

        Raises:
            InputError: If it is damaged.
            OSError: If it cannot be written.
        """
        expected = self.manifest.files[name]
        digest, size = hashlib.sha256(), 0
        try:
            with self.bundle.open(name) as member:
                while (chunk := member.read(_CHUNK)) and size <= expected.size:
                    digest.update(chunk)
                    size += len(chunk)
                    stream.write(chunk)
        except _DAMAGE as error:
            raise InputError(f"{self.file}: {name} is damaged ({error}); use another") from error
        if (digest.hexdigest(), size) != (expected.sha256, expected.size):
            raise InputError(f"{self.file}: {name} does not match its checksum; use another backup")
