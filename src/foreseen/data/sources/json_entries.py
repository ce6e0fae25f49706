"""The entries of JSON files that others wrote, read one by one in bounded memory."""

import io
import json
import re
from collections.abc import Iterator
from typing import Final, TextIO

from foreseen.data.text import encoding_of, excerpt
from foreseen.errors import DataError

_BLOCK: Final = 1 << 18
_MAX_ENTRY: Final = 1 << 19
"""Characters of an entry: a series with a thousand watched episodes fits."""
_MAX_KEYS: Final = 1000
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def read_entries(data: bytes, file: str) -> Iterator[tuple[str | None, object]]:
    """Yield the entries of a list, or of every list in an object with the key of that list.

    Raises:
        DataError: If the text is not valid JSON, is neither a list nor an object, or has an entry
            of over 524,288 characters.
    """
    stream = io.TextIOWrapper(io.BytesIO(data), encoding_of(data, file), errors="replace")
    scanner = _Scanner(stream, file)
    opening = scanner.next_character()
    if opening == "[":
        yield from ((None, entry) for entry in scanner.list_entries())
    elif opening == "{":
        yield from scanner.object_entries()
    else:
        raise DataError(f"{file} should be a JSON list or object. Received: {excerpt(opening)!r}")
    if trailing := scanner.next_character():
        raise DataError(f"{file}: text after the end of the JSON document: {excerpt(trailing)!r}")


class _Scanner:
    """A position in a JSON text, of which one block at a time is in memory."""

    def __init__(self, stream: TextIO, file: str) -> None:
        self._stream = stream
        self._file = file
        self._text = ""
        self._position = 0
        self._at_end = False
        self._decoder = json.JSONDecoder()
        self._entries = 0

    def list_entries(self) -> Iterator[object]:
        """Yield the entries of a list whose bracket has been read."""
        if self._skip("]"):
            return
        while True:
            self._entries += 1
            yield self._value()
            if self._skip("]"):
                return
            self._expect(",")

    def object_entries(self) -> Iterator[tuple[str | None, object]]:
        """Yield the entries of the lists in an object whose brace has been read."""
        if self._skip("}"):
            return
        for _ in range(_MAX_KEYS):
            key = self._value()
            if not isinstance(key, str):
                raise self._error("a key should be text")
            self._expect(":")
            if self._skip("["):
                yield from ((key, entry) for entry in self.list_entries())
            else:
                self._value()
            if self._skip("}"):
                return
            self._expect(",")
        raise self._error(f"an object has over {_MAX_KEYS:,} keys")

    def next_character(self) -> str:
        """Return the next character that is no space and move past it; empty at the end."""
        character = self._peek()
        self._position += len(character)
        return character

    def _peek(self) -> str:
        while True:
            if space := _SPACE.match(self._text, self._position):
                self._position = space.end()
            if self._position < len(self._text):
                return self._text[self._position]
            if self._at_end:
                return ""
            self._read_block()

    def _skip(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self._position += 1
        return True

    def _expect(self, character: str) -> None:
        if not self._skip(character):
            raise self._error(f"'{character}' is missing")

    def _value(self) -> object:
        self._peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._position)
            except json.JSONDecodeError as error:
                if self._at_end or len(self._text) - self._position > _MAX_ENTRY:
                    raise self._error(error.msg) from error
            except (ValueError, RecursionError) as error:
                # A number of thousands of digits, or brackets nested thousands deep.
                raise self._error("a number is too long or brackets are too deep") from error
            else:
                # A number at the end of the block may go on in the next one.
                if end < len(self._text) or self._at_end:
                    if end - self._position > _MAX_ENTRY:
                        raise self._error(f"it has over {_MAX_ENTRY:,} characters")
                    self._position = end
                    return value
            self._read_block()

    def _read_block(self) -> None:
        block = self._stream.read(_BLOCK)
        self._at_end = not block
        self._text = self._text[self._position :] + block
        self._position = 0

    def _error(self, reason: str) -> DataError:
        return DataError(f"{self._file}: invalid JSON in entry {self._entries}: {reason}")
