"""Ids as segments of paths: any text, also one with slashes or of dots."""

from typing import Final
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASH: Final = "\x9f"
"""Stands for an encoded slash; a control character, which no id has."""
_DOTS: Final = (".", "..")
"""Segments that clients remove from paths, encoded or not."""


def path_segment(identifier: object) -> str:
    """Return an id as a segment of a path; see `id_of_segment`."""
    text = str(identifier)
    # No id ends with a space.
    return f"{quote(text, safe='')}{'%20' if text in _DOTS else ''}"


def id_of_segment(segment: str) -> str:
    """Return the id of a decoded segment of a path."""
    return segment.replace(_SLASH, "/").strip()


class EncodedSlashes:
    """Keeps percent-encoded slashes apart from those between the segments of a path.

    Servers decode paths before they are split into segments.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        raw = scope.get("raw_path") or b""
        if b"%" in raw:
            segments = (unquote(segment) for segment in raw.decode("latin-1").split("/"))
            scope["path"] = "/".join(segment.replace("/", _SLASH) for segment in segments)
        await self._app(scope, receive, send)
