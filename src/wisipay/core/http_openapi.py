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


class _JsonWithOurErrors(JsonRenderPlugin):
    """Renders the document with our error shape."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        components = openapi_schema.setdefault("components", {}).setdefault("schemas", {})
        components.setdefault("Error", _ERROR_SCHEMA)
        for path in openapi_schema.get("paths", {}).values():
            for operation in path.values():
                _replace_error_shapes(operation)
        return super().render(request, openapi_schema)


def _replace_error_shapes(operation: object) -> None:
    responses = operation.get("responses", {}) if isinstance(operation, dict) else {}
    for response in responses.values():
        for content in response.get("content", {}).values():
            if "status_code" in content.get("schema", {}).get("properties", {}):
                content["schema"] = _ERROR_REFERENCE
