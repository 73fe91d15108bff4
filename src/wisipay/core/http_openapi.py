"""The OpenAPI 3.1 document, at /schema/openapi.json.

Decides how our errors are described: Litestar documents its own error shape, which nobody ever gets from us, so it is
replaced by ours. Must never load a viewer from a foreign host.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from litestar import Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

_ERROR_REFERENCE: Final = {"$ref": "#/components/schemas/Error"}
_HEADERS: Final = {
    "x-request-id": "names this request in our logs; yours, when you send one",
    "retry-after": "seconds to wait before the next attempt",
}
_COME_AGAIN: Final = frozenset({"429", "503"})
_ERROR_SCHEMA: Final = {
    "type": "object",
    "title": "Error",
    "required": ["success", "error", "code", "details"],
    "properties": {
        "success": {"const": False},
        "error": {"type": "string", "description": "What is wrong, for people"},
        "code": {"type": "string", "description": "What is wrong, for programs"},
        "details": {
            "type": "object",
            "description": "Each field at fault, or further facts",
            "additionalProperties": True,
        },
    },
}


def openapi_config(title: str, extra: Mapping[str, Any]) -> OpenAPIConfig:
    """Return Litestar's configuration; `extra` are further fields of it."""
    return OpenAPIConfig(
        title=title,
        version=version("wisipay"),
        path="/schema",
        render_plugins=[_JsonWithOurErrors()],
        **extra,
    )


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Complete Litestar's document: our errors, the headers of every answer, and what its own rendering gets wrong."""
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.setdefault("Error", _ERROR_SCHEMA)
    for path in document.get("paths", {}).values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                _complete(f"{status}", response)
    for schema in components.values():
        # Always sent, though msgspec, which knows its value beforehand, calls it optional.
        if "success" in schema.get("properties", {}):
            schema["required"] = sorted({*schema.get("required", ()), "success"})
    return document


class _JsonWithOurErrors(JsonRenderPlugin):
    """Renders the completed document."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, completed(openapi_schema))


def _complete(status: str, response: dict[str, Any]) -> None:
    for content in response.get("content", {}).values():
        if "status_code" in content.get("schema", {}).get("properties", {}):
            content["schema"] = _ERROR_REFERENCE
        for example in content.get("examples", {}).values():
            example.pop("id", None)  # its key says it, and an example has no such field
    for name, description in _HEADERS.items():
        if name != "retry-after" or status in _COME_AGAIN:
            told = {"description": description, "schema": {"type": "string"}}
            response.setdefault("headers", {}).setdefault(name, told)
