"""Decompression of files that others wrote, by gzip or Zstandard."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Final

import zstandard

from foreseen.errors import DataError

_GZIP: Final = b"\x1f\x8b"
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
_BLOCK: Final = 1 << 20
# Zstandard expands 4 bytes to at most 128 KiB.
_INPUT: Final = 1 << 10
_MAX_RATIO: Final = 100
_RATIO_COUNTS_FROM: Final = 64 << 20
SUFFIXES: Final = (".gz", ".zst")
"""Extensions of compressed files."""


def decompress(data: bytes, file: str) -> bytes:
    """Return the content of a compressed file, recognised by its first bytes, or the data.

    Raises:
        DataError: If the file is damaged, or expands to over 64 MiB and over 100 times its size.
    """
    if not data.startswith((_GZIP, _ZSTANDARD)):
        return data
    blocks: list[bytes] = []
    size = 0
    limit = max(_RATIO_COUNTS_FROM, _MAX_RATIO * len(data))
    try:
        for block in _blocks(data):
            blocks.append(block)
            size += len(block)
            if size > limit:
                message = f"{file} expands to over {_MAX_RATIO} times its size"
                raise DataError(f"{message}; if that is right, decompress it first")
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise DataError(f"{file} is damaged ({error}); compress it again") from error
    return b"".join(blocks)


def _blocks(data: bytes) -> Iterator[bytes]:
    """Yield decompressed data in blocks of bounded size, of one or several frames.

    Raises:
        EOFError: If the data end within a frame.
    """
    if data.startswith(_GZIP):
        with gzip.open(io.BytesIO(data)) as stream:
            while block := stream.read(_BLOCK):
                yield block
        return
    frame = zstandard.ZstdDecompressor().decompressobj()
    for start in range(0, len(data), _INPUT):
        part = data[start : start + _INPUT]
        while part:
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(part)
            part = frame.unused_data
    if not frame.eof:
        raise EOFError("it ends too early")
