"""Checksums: of bytes, and of JSON documents that carry their own."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import ValidationError

CHECKSUM: Final = "checksum"
"""Key of a document's checksum."""


def sha256(data: bytes) -> str:
    """Return the SHA-256 checksum in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def to_json(document: Mapping[str, object]) -> bytes:
    """Return a document as JSON, with its checksum under the key `checksum`.

    The checksum covers keys and values, not the white space between them.
    """
    complete = {**document, CHECKSUM: _checksum(document)}
    return (json.dumps(complete, indent=2) + "\n").encode()


def from_json(data: bytes) -> tuple[dict[str, Any], bool]:
    """Return a document without its checksum, and whether it had one.

    Raises:
        ValueError: If the data are not a JSON object, or do not match the checksum.
    """
    try:
        document: object = json.loads(data.decode())
        if not isinstance(document, dict):
            raise ValueError("not a JSON object")  # noqa: TRY004 - the content has the wrong form
        fields = cast("dict[str, Any]", document)
        expected: object = fields.pop(CHECKSUM, None)
        actual = _checksum(fields)
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if expected is not None and expected != actual:
        raise ValueError("it does not match its checksum")
    return fields, expected is not None


def describe(error: ValidationError) -> str:
    """Return the first fault of a document, with its place."""
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part)[:40] for part in fault["loc"])
    return f"{place}: {fault['msg']}" if place else fault["msg"]


def _checksum(document: Mapping[str, object]) -> str:
    return sha256(json.dumps(document, sort_keys=True).encode())
