"""Pieces of which operations are described in the OpenAPI document: headers, bodies, answers.

Decides how a struct becomes a schema of Litestar's. Knows no endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIType, Parameter, Schema


def described_answer(described: str, kind: Any, *told: Example) -> ResponseSpec:  # noqa: ANN401 - a type, or several
    """Describe an answer by its type, or a union of types, and by examples."""
    return ResponseSpec(kind, description=described, generate_examples=False, examples=list(told))


def described_header(name: str, description: str, example: str, *, needed: bool = True) -> Parameter:
    """Describe a header that is a text."""
    return Parameter(
        name=name,
        param_in="header",
        description=description,
        required=needed,
        schema=Schema(type=OpenAPIType.STRING, examples=[example]),
    )


def named_examples(told: Sequence[Example]) -> dict[str, Any]:
    """Return examples by their ids, as a body has them."""
    return {f"{example.id}": Example(summary=example.summary, value=example.value) for example in told}


def body_schema(body: type[msgspec.Struct]) -> Schema:
    """Return a struct's JSON schema as Litestar's type."""
    (schemas,), components = msgspec.json.schema_components([body], ref_template="{name}")
    del schemas
    return _schema(components[body.__name__])


def _schema(plain: dict[str, Any]) -> Schema:
    kind = plain.get("type") or ("string" if "enum" in plain else None)
    return Schema(
        title=plain.get("title"),
        description=plain.get("description"),
        type=OpenAPIType(kind) if kind else None,
        any_of=[_schema(each) for each in plain["anyOf"]] if "anyOf" in plain else None,
        properties={name: _schema(field) for name, field in plain["properties"].items()}
        if "properties" in plain
        else None,
        required=plain.get("required"),
        items=_schema(plain["items"]) if "items" in plain else None,
        format=plain.get("format"),
        enum=plain.get("enum"),
        pattern=plain.get("pattern"),
        min_length=plain.get("minLength"),
        max_length=plain.get("maxLength"),
        max_items=plain.get("maxItems"),
        minimum=plain.get("minimum"),
        maximum=plain.get("maximum"),
        default=plain.get("default"),
        examples=plain.get("examples"),
    )
