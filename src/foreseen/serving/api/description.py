"""The OpenAPI description of the API: tags, authentication, schemas of all responses, examples."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from foreseen.serving.accounts import SESSION_COOKIE
from foreseen.serving.api import responses
from foreseen.serving.api.examples import PARAMETERS, REQUESTS, RESPONSES
from foreseen.serving.api.schemas import BASE
from foreseen.serving.dependencies import (
    CSRF_HEADER,
    get_current_user,
    require_session,
    require_user,
)

_TAGS: Final = (
    ("movies", r"/movies", "Search, details, similar movies, explanations of predictions."),
    (
        "recommendations",
        r"/me/(recommendations|predictions|together|groups)|/groups",
        "Rankings and predictions for the user.",
    ),
    ("ratings", r"/me/ratings(?!\.csv)", "The user's ratings."),
    (
        "lists",
        r"/me/(watchlist|seen|dismissed|unseen)(?!\.csv)",
        "Movies saved for later, seen, not wanted, and not seen.",
    ),
    (
        "import and export",
        r"/me/(imports|export|[a-z]+\.csv)",
        "Exports of other services, and files for them.",
    ),
    ("model", r"/model", "The status of the model and, for administrators, its versions."),
    (
        "accounts",
        r"/(guests|accounts|session|me)",
        "Guests, accounts, sessions, API tokens.",
    ),
)
"""Name, pattern of the paths, and description; the first pattern that matches counts."""
_SCHEMES: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token, created on the page Me.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The cookie of a session.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "The formKey of the session; requests that change something need it.",
    },
}
_SCHEMAS: Final[dict[str, Any]] = {
    "GET /me": responses.Person,
    "GET /me/ratings": responses.RatingPage,
    "GET /me/recommendations": responses.Recommendations,
    "POST /me/predictions": list[responses.PredictedRating],
    "POST /me/imports": responses.ImportReport,
    "GET /me/export": responses.UserExport,
    "GET /movies/{movie}": responses.MovieDetails,
    "GET /movies/{movie}/why": list[responses.Influence],
    "GET /model": responses.ModelStatus,
    "POST /model/update": responses.UpdateDecision,
    "POST /model/promote": responses.CurrentVersion,
    "POST /model/rollback": responses.CurrentVersion,
}
"""Schemas of the responses that routes build as JSON documents, by method and path."""
_NOT_MODIFIED: Final = "Not modified since the response with the ETag in If-None-Match."


def describe_api(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Make an application return the complete description of routers at its OpenAPI address."""
    routes = {
        f"{method} {route.path}": route
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app, routes)
        return app.openapi_schema

    app.openapi = openapi


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the method, the path and the description of every operation of a document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _describe(app: FastAPI, routes: Mapping[str, APIRoute]) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=(
            "Errors are `application/problem+json` (RFC 9457), with a remedy in `detail`. Times "
            "are Unix times in seconds. Ratings are on the scale of the data."
        ),
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, _, text in _TAGS],
    )
    components = document["components"]
    components["securitySchemes"] = _SCHEMES
    for method, path, operation in operations(document):
        label = f"{method} {path.removeprefix(BASE)}"
        operation["tags"] = [_tag(path.removeprefix(BASE))]
        operation["security"] = _security(routes[f"{method} {path}"], method)
        _add_response(operation, label, components["schemas"])
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in PARAMETERS:
                parameter["example"] = PARAMETERS[parameter["name"]]
        if label in REQUESTS:
            for content in operation["requestBody"]["content"].values():
                content["example"] = REQUESTS[label]
    return document


def _tag(path: str) -> str:
    return next((name for name, pattern, _ in _TAGS if re.match(pattern, path)), _TAGS[-1][0])


def _security(route: APIRoute, method: str) -> list[dict[str, list[str]]]:
    """Return what authenticates a request; any of several. An empty one means that none is needed.

    It follows from the dependencies of the route.
    """
    required = set(_dependencies(route.dependant))
    session: dict[str, list[str]] = {"session": []}
    if method != "GET":
        session["csrf"] = []
    if require_session in required:
        return [session]
    if require_user in required:
        return [{"token": []}, session]
    return [{}, {"token": []}, session] if get_current_user in required else []


def _dependencies(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _dependencies(dependency)


def _add_response(operation: dict[str, Any], label: str, schemas: dict[str, Any]) -> None:
    """Add the schema and the example of the response of success."""
    status = next(status for status in operation["responses"] if status.startswith("2"))
    response = operation["responses"][status]
    if label in _SCHEMAS:
        schema = TypeAdapter(_SCHEMAS[label]).json_schema(
            ref_template="#/components/schemas/{model}", mode="serialization"
        )
        schemas.update(schema.pop("$defs", {}))
        response["content"] = {"application/json": {"schema": schema}}
    for media_type, content in response.get("content", {}).items():
        if media_type == "text/csv":
            content["schema"] = {"type": "string"}
        if label in RESPONSES:
            content["example"] = RESPONSES[label]
    if label == "GET /me/recommendations":
        operation["responses"]["304"] = {"description": _NOT_MODIFIED}
