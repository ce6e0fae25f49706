"""What makes the pages installable: the service worker, and the page it shows offline."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from foreseen.serving.dependencies import Context, Snapshot
from foreseen.serving.languages import VARY, language, language_codes, language_of
from foreseen.serving.problems import ProblemError
from foreseen.serving.rendering import Page
from foreseen.serving.templates import STATIC_VERSION, WEB, render_template

_OFFLINE: Final = "/offline"
_SUFFIXES: Final = {".css", ".js", ".svg"}
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/service-worker.js")
async def service_worker(request: Request) -> Response:
    """Return the service worker; it changes whenever a static file or the language does."""
    chosen = language_of(request.scope)
    files = sorted(
        f"/static/{file.name}?{STATIC_VERSION}"
        for file in (WEB / "static").iterdir()
        if file.suffix in _SUFFIXES
    )
    script = render_template("service_worker.js", chosen, files=[*files, chosen.script_path])
    headers = {"Cache-Control": "no-cache", "Vary": VARY}
    return Response(script, media_type="text/javascript", headers=headers)


@router.get("/messages/{code}.js")
async def messages(code: str, request: Request) -> Response:
    """Return the texts of the scripts in a language."""
    if code not in language_codes():
        raise ProblemError(404, "no-such-language", f"there is no language {code}")
    chosen = language(code)
    is_versioned = request.url.query == chosen.script_path.partition("?")[2]
    kept = "public, max-age=31536000, immutable" if is_versioned else "no-cache"
    headers = {"Cache-Control": kept}
    return Response(chosen.script, media_type="text/javascript", headers=headers)


@router.get("/manifest.webmanifest")
async def manifest(request: Request) -> Response:
    """Return what describes the installed application."""
    text = render_template("manifest.webmanifest", language_of(request.scope))
    headers = {"Cache-Control": "no-cache", "Vary": VARY}
    return Response(text, media_type="application/manifest+json", headers=headers)


@router.get(_OFFLINE)
def offline(request: Request, snapshot: Snapshot, context: Context) -> Response:
    """Show the page without a connection; it is the same for everyone, whatever the session."""
    return Page(request, _OFFLINE, snapshot, context, None).render("offline.html", is_kept=True)
