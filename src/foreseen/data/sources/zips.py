"""Reading of zip files that others wrote, refusing those that would fill the memory."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from foreseen.data.input_files import display, path_error
from foreseen.data.text import excerpt
from foreseen.errors import DataError

SIGNATURE: Final = b"PK\x03\x04"
MAX_MEMBERS: Final = 20_000
_MAX_RATIO: Final = 100
_RATIO_COUNTS_FROM: Final = 64 << 20
_MAX_MEMBER: Final = 4 << 30
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1
# A file in the directory of a zip has 46 bytes and its name.
_BYTES_PER_MEMBER: Final = 256
_MAX_TAIL: Final = 65_557 + 20 + 56
_DAMAGED: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError),
    *(ValueError, IndexError, KeyError, OverflowError),
)


@contextmanager
def open_zip(source: Path | bytes, name: str, fix: str) -> Generator[zipfile.ZipFile]:
    """Open a zip.

    Args:
        source: The file, or its content.
        name: Its name in messages.
        fix: What to do if it is damaged.

    Raises:
        DataError: If it is no zip, has too many files, or is found damaged while it is open.
    """
    try:
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            if _directory_size(file) > MAX_MEMBERS * _BYTES_PER_MEMBER:
                raise DataError(f"{name}: a zip should have at most {MAX_MEMBERS:,} files")
            with zipfile.ZipFile(file) as bundle:
                check_offsets(bundle)
                yield bundle
    except _DAMAGED as error:
        reason = excerpt(str(error) or type(error).__name__)
        raise DataError(f"{name} is not a complete zip file ({reason}); {fix}") from error
    except OSError as error:
        if not isinstance(source, Path):
            raise DataError(f"{name} is not a complete zip file ({error}); {fix}") from error
        raise path_error(source, error) from error


def check_offsets(bundle: zipfile.ZipFile) -> None:
    """Check that no file of a zip begins before the zip: the system refuses to read it.

    Raises:
        BadZipFile: If one does.
    """
    if any(entry.header_offset < 0 for entry in bundle.infolist()):
        raise zipfile.BadZipFile("a file begins before the zip")


def is_zip(path: Path) -> bool:
    """Return whether a file is a zip, by its first bytes or its name.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE or path.suffix.lower() == ".zip"


def member_names(bundle: zipfile.ZipFile) -> list[str]:
    """Return the paths of the files in a zip, without folders and hidden copies of macOS."""
    return [
        entry.filename
        for entry in bundle.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]


def read_member(bundle: zipfile.ZipFile, member: str, name: str, limit: int = _MAX_MEMBER) -> bytes:
    """Return the content of a file in a zip.

    Args:
        bundle: The zip.
        member: Path of the file in it.
        name: Its name in messages.
        limit: Maximum size in bytes.

    Raises:
        DataError: If the file is encrypted, compressed by a method other than deflate, present
            twice, or larger than the limit; or if it is over 64 MiB and over 100 times its
            compressed size.
    """
    entry = bundle.getinfo(member)
    has_repeated = len(bundle.infolist()) > len(bundle.NameToInfo)
    if has_repeated and sum(other.filename == member for other in bundle.infolist()) > 1:
        raise DataError(f"{name} is in the zip twice; remove one of them")
    if entry.flag_bits & _ENCRYPTED:
        raise DataError(f"{name} is encrypted; unpack the zip and zip it without a password")
    if entry.compress_type not in _METHODS:
        message = (
            f"{name} is compressed by method {entry.compress_type}; zip it by deflate, the usual "
            f"one, or unpack it"
        )
        raise DataError(message)
    if entry.file_size > limit:
        raise DataError(f"{name} has {_mib(entry.file_size)}; it should have at most {_mib(limit)}")
    if entry.file_size > max(_RATIO_COUNTS_FROM, entry.compress_size * _MAX_RATIO):
        message = (
            f"{name} unpacks to {_mib(entry.file_size)}, more than {_MAX_RATIO} times its size in "
            f"the zip; if that is right, unpack it and give the folder"
        )
        raise DataError(message)
    # zipfile decompresses no more than it is asked for, even if the stated size is wrong.
    with bundle.open(entry) as file:
        data = file.read(entry.file_size)
        if len(data) < entry.file_size or file.read(1):
            raise DataError(f"{name} does not have the size that the zip states; zip it again")
    return data


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"


def _directory_size(file: IO[bytes]) -> int:
    """Return the size in bytes of the list of files at the end of a zip, 0 if it has none."""
    file.seek(max(0, file.seek(0, io.SEEK_END) - _MAX_TAIL))
    tail = file.read()
    file.seek(0)
    end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) < end + 16:
        return 0
    (size,) = struct.unpack_from("<L", tail, end + 12)
    large = end - 20 - 56  # A large zip has a record of 56 bytes and its locator of 20 before.
    if large >= 0 and tail[large : large + 4] == b"PK\6\6":
        (size,) = struct.unpack_from("<Q", tail, large + 40)
    return size


def zip_path(path: Path, member: str) -> str:
    """Return the path of a file in a zip for messages."""
    return display(path / member.lstrip("/"))
