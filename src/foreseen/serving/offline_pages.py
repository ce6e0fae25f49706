"""What makes the pages installable: the service worker, and the page it shows offline."""

from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from foreseen.serving.dependencies import Context, Snapshot
from foreseen.serving.rendering import Page
from foreseen.serving.templates import STATIC_VERSION, WEB, render_template

_OFFLINE: Final = "/offline"
_SUFFIXES: Final = {".css", ".js", ".svg"}
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/service-worker.js")
async def service_worker() -> Response:
    """Return the service worker; it changes whenever a static file does."""
    files = sorted(
        f"/static/{file.name}?{STATIC_VERSION}"
        for file in (WEB / "static").iterdir()
        if file.suffix in _SUFFIXES
    )
    script = render_template("service_worker.js", files=files)
    headers = {"Cache-Control": "no-cache"}
    return Response(script, media_type="text/javascript", headers=headers)


@router.get(_OFFLINE)
def offline(snapshot: Snapshot, context: Context) -> Response:
    """Show the page without a connection; it is the same for everyone, whatever the session."""
    return Page(_OFFLINE, snapshot, context, None).render("offline.html", is_kept=True)
