"""The page that documents the API, made from its OpenAPI description."""

import json
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from foreseen.serving.api.description import operations
from foreseen.serving.rendering import CurrentPage

router = APIRouter(include_in_schema=False)
_REFERENCE: Final = "#/components/schemas/"
_METHODS: Final = ("GET", "POST", "PUT", "DELETE")


@router.get("/docs")
def api_reference(request: Request, page: CurrentPage) -> Response:
    """Show the reference of the API."""
    document = request.app.openapi()
    described = [
        _describe(method, path, operation, document["components"]["schemas"])
        for method, path, operation in operations(document)
    ]
    described.sort(key=lambda entry: (entry["path"], _METHODS.index(entry["method"])))
    groups = [
        (tag, [entry for entry in described if entry["tag"] == tag["name"]])
        for tag in document["tags"]
    ]
    schemes = document["components"]["securitySchemes"]
    origin = f"{request.url.scheme}://{request.url.netloc}"
    return page.render(
        "reference.html", groups=groups, document=document, schemes=schemes, origin=origin
    )


def _describe(
    method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    """Return what the page shows of an operation."""
    body = next(iter(operation.get("requestBody", {}).get("content", {}).items()), None)
    status, response = next(
        entry for entry in operation["responses"].items() if entry[0].startswith("2")
    )
    content = next(iter(response.get("content", {}).items()), None)
    return {
        "id": operation["operationId"],
        "method": method,
        "path": path,
        "tag": operation["tags"][0],
        "text": operation["description"],
        "security": [" and ".join(choice) or "nobody" for choice in operation["security"]],
        "parameters": [
            {**parameter, "type": type_name(parameter["schema"])}
            for parameter in operation.get("parameters", ())
        ],
        "media_type": body[0] if body else None,
        "body": _fields(body[1]["schema"], schemas) if body else [],
        "request": _pretty(body[1].get("example")) if body else None,
        "status": status,
        "fields": _fields(content[1]["schema"], schemas) if content else [],
        "response": _pretty(content[1].get("example")) if content else None,
        "problems": [
            (code, other["description"])
            for code, other in operation["responses"].items()
            if code != status
        ],
    }


def type_name(schema: dict[str, Any]) -> str:
    """Return the name of the type that a schema describes."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REFERENCE)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(type_name(choice) for choice in choices))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {type_name(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the name, type and description of the fields of an object, or of a list of them."""
    while "$ref" in schema or schema.get("type") == "array":
        if "$ref" in schema:
            schema = schemas[str(schema["$ref"]).removeprefix(_REFERENCE)]
        else:
            schema = schema.get("items", {})
    return [
        (name, type_name(described), described.get("description", ""))
        for name, described in schema.get("properties", {}).items()
    ]


def _pretty(example: object) -> str:
    return example if isinstance(example, str) else json.dumps(example, indent=2)
