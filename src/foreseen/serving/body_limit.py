"""No request is larger than what it can be about."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foreseen.serving.problems import problem

_ORDINARY: Final = 1 << 16
_IMPORT: Final = 33 << 20
_IMPORTS: Final = "/api/v1/me/imports"


class BodyLimit:
    """Refuses a request as soon as more of its body has come than it may have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _IMPORT if scope["path"] == _IMPORTS else _ORDINARY
        come, refused = 0, False

        async def counted() -> Message:
            nonlocal come, refused
            message = await receive()
            come += len(message.get("body", b""))
            if come > limit and not refused:
                refused = True
                detail = f"a request like this has no more than {limit >> 10} KiB"
                await problem(413, "too-large", detail)(scope, receive, send)
            return {"type": "http.disconnect"} if refused else message

        async def unless_refused(message: Message) -> None:
            if not refused:
                await send(message)

        await self._app(scope, counted, unless_refused)
