"""Text from files that others wrote: decoding, splitting into rows, quoting in messages.

Lines, rows and excerpts are bounded, so that no file costs more than its own size in memory.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from functools import partial
from typing import Final

from foreseen.errors import DataError

WINDOWS: Final = "cp1252"
_MAX_LINE: Final = 131_072
_MAX_ROW_LINES: Final = 1000
_BLOCK: Final = 1 << 20
_HEADER_BYTES: Final = 65_536
_BLANK: Final = re.compile(rb"(?:\xef\xbb\xbf)?[ \r\n\t]*")
_QUOTED: Final = frozenset({",", ";"})
# Formatting characters that reverse the direction of the text after them.
_DIRECTION: Final = frozenset(
    {0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069}
)


def excerpt(text: str, limit: int = 80) -> str:
    """Return the beginning of a text for a message, with unprintable characters escaped."""
    if len(text) <= limit and text.isprintable():
        return text
    shown = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text[:limit]
    )
    return shown if len(text) <= limit and len(shown) <= 2 * limit else f"{shown[: 2 * limit]}..."


def clean_text(text: str) -> str:
    """Return a text on one line, valid in UTF-8, without control characters."""
    if text.isprintable():
        return " ".join(text.split())
    kept = "".join(
        " " if unicodedata.category(letter) == "Cc" else letter
        for letter in text
        if ord(letter) not in _DIRECTION
    )
    return " ".join(kept.encode("utf-8", "replace").decode().split())


def encoding_of(data: bytes, file: str) -> str:
    """Return the encoding of a text: UTF-8, with or without a byte-order mark, or Windows-1252.

    Raises:
        DataError: If the data is binary or UTF-16.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{file} is in UTF-16; save it as UTF-8")
    position = data.find(b"\0")
    if position >= 0:
        line = data.count(b"\n", 0, position) + 1
        message = f"{file}, line {line}: a binary file (it has a NUL byte); give a text file"
        raise DataError(message)
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for start in range(0, len(data), _BLOCK):
            decoder.decode(view[start : start + _BLOCK], start + _BLOCK >= len(data))
    except UnicodeDecodeError:
        # ml-100k and ml-1m are in Latin-1, a subset of Windows-1252 but for control characters.
        return WINDOWS
    return "utf-8-sig"


def decode(data: bytes, file: str) -> str:
    """Decode a text.

    Raises:
        DataError: As `encoding_of`.
    """
    return data.decode(encoding_of(data, file), "replace")


def text_lines(data: bytes, file: str, max_lines: int | None = None) -> Iterator[str]:
    r"""Yield the lines of a text with their ends: `\n`, `\r\n` or `\r`.

    Raises:
        DataError: If the data is not text, or has too many or too long lines.
    """
    encoding = encoding_of(data, file)
    stream = io.TextIOWrapper(io.BytesIO(data), encoding, errors="replace", newline="")
    for number, line in enumerate(iter(partial(stream.readline, _MAX_LINE + 1), ""), start=1):
        if len(line) > _MAX_LINE:
            message = f"{file}, line {number}: a line should have at most {_MAX_LINE:,} characters"
            raise DataError(message)
        if max_lines is not None and number > max_lines:
            message = f"{file}: a file of this kind should have at most {max_lines:,} lines"
            raise DataError(f"{message}; split it")
        yield line


def split_rows(
    data: bytes, file: str, separator: str, max_lines: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of each row that is not blank.

    Only fields between commas or semicolons may be quoted, and then contain line ends.

    Raises:
        DataError: If the text cannot be split.
    """
    lines = text_lines(data, file, max_lines)
    if separator in _QUOTED:
        yield from _split_quoted(lines, file, separator)
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line.rstrip("\r\n").split(separator)


def start_of_text(data: bytes) -> int:
    """Return the position after a byte-order mark and blank lines."""
    blank = _BLANK.match(data)
    return blank.end() if blank else 0


def first_row(data: bytes, file: str, separator: str) -> tuple[int, list[str]]:
    """Return the line and the stripped fields of the first row that is not blank.

    Raises:
        DataError: If the file is empty or not text.
    """
    start = start_of_text(data)
    ends = [end for end in (data.find(b"\n", start), data.find(b"\r", start)) if end >= 0]
    encoding_of(data[: start + _HEADER_BYTES], file)
    head = data[: min(*ends, start + _HEADER_BYTES) if ends else start + _HEADER_BYTES]
    for line, fields in split_rows(head, file, separator):
        return line, [field.strip() for field in fields]
    raise DataError(f"{file} is empty")


def _split_quoted(
    lines: Iterator[str], file: str, separator: str
) -> Iterator[tuple[int, list[str]]]:
    start, read = 1, 0
    at_end = False

    def counted() -> Iterator[str]:
        nonlocal read, at_end
        for line in lines:
            read += 1
            if read - start >= _MAX_ROW_LINES:
                raise DataError(_unclosed_quote(file, start))
            yield line
        at_end = True

    reader = csv.reader(counted(), delimiter=separator)
    try:
        for fields in reader:
            if at_end:  # The reader asked for one more line than there is.
                raise DataError(_unclosed_quote(file, start))
            if any(field.strip() for field in fields):
                yield start, fields
            start = read + 1
    except csv.Error as error:
        message = f"{file}, line {start}: {error}; check the quotes of that line"
        raise DataError(message) from error


def _unclosed_quote(file: str, line: int) -> str:
    return f'{file}, line {line}: a quote (") is opened and never closed; close or double it'
