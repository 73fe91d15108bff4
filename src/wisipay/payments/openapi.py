"""What the OpenAPI document says of the payment endpoints beyond their return types: headers, bodies, errors.

The request bodies are read and checked by `validation`, which sees the raw bytes that the signature covers; here they
are described from the structs of `contract`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Parameter, RequestBody, Schema

from wisipay.payments.contract import ErrorBody, PayErrorBody, PayinBody, PayoutBody

_SIGNATURE: Final = (
    "v1: hex HMAC-SHA256 of `raw_body|timestamp`, keyed with your API secret; "
    "v2: `v2=` and the same of the lines `timestamp`, `METHOD`, `path?query` and `sha256hex(raw_body)`"
)

_SIGNED: Final = (
    ("x-merchant-id", "your merchant id", "MER-1"),
    ("x-timestamp", "Unix time in milliseconds, within 60 s of ours", "1770323283897"),
    (
        "x-signature",
        _SIGNATURE,
        "afea291dbbe10f0622ac2190dd7f4503f0f621f63cfe83df5ed058b2d836b819",
    ),
)


def _error(described: str, kind: type[msgspec.Struct] = ErrorBody) -> ResponseSpec:
    return ResponseSpec(kind, description=described, generate_examples=False)


STATUS_ERRORS: Final = {
    400: _error("A header is missing or malformed"),
    401: _error("Unknown merchant"),
    403: _error("Signature, timestamp, address, or a merchant or service that is switched off"),
    404: _error("You have no such order"),
    429: _error("Too many requests; see retry-after"),
    500: _error("Unexpected; tell us the request id"),
    503: _error("Temporarily unavailable; try again"),
}

INITIATE_ERRORS: Final = {
    **{status: spec for status, spec in STATUS_ERRORS.items() if status != 404},  # noqa: PLR2004 - an HTTP status
    400: _error("A header or field is wrong, or the provider refused the payment (then in the shape of 402)"),
    402: _error("Insufficient balance (PAY_1205)", PayErrorBody),
    409: _error("This orderId has been used before, or its first request is still running"),
    413: _error("The body is over 64 KiB"),
    415: _error("The body is not JSON"),
    422: _error("This Idempotency-Key was used for another request"),
    502: _error("The provider's answer could not be read", PayErrorBody),
    504: _error("The provider did not answer in time (PAY_1302)", PayErrorBody),
}


@dataclass
class SignedOperation(Operation):
    """An operation that takes the authentication headers."""

    def __post_init__(self) -> None:
        """Add the headers to the parameters that Litestar found."""
        self.parameters = [*(self.parameters or ()), *(_header(*row) for row in _SIGNED)]


@dataclass
class PayinOperation(SignedOperation):
    """The payin initiate call."""

    def __post_init__(self) -> None:
        """Add headers and body."""
        super().__post_init__()
        _describe_initiate(self, PayinBody)


@dataclass
class PayoutOperation(SignedOperation):
    """The payout initiate call."""

    def __post_init__(self) -> None:
        """Add headers and body."""
        super().__post_init__()
        _describe_initiate(self, PayoutBody)


def _describe_initiate(operation: Operation, body: type[msgspec.Struct]) -> None:
    key = _header(
        "idempotency-key", "the first answer to this key is given again for 24 h", "0d9c1a52-order-10001", needed=False
    )
    operation.parameters = [*(operation.parameters or ()), key]
    content = {"application/json": OpenAPIMediaType(schema=body_schema(body))}
    operation.request_body = RequestBody(content=content, required=True)


def _header(name: str, description: str, example: str, *, needed: bool = True) -> Parameter:
    return Parameter(
        name=name,
        param_in="header",
        description=description,
        required=needed,
        schema=Schema(type=OpenAPIType.STRING, examples=[example]),
    )


def body_schema(body: type[msgspec.Struct]) -> Schema:
    """Return a struct's JSON schema as Litestar's type."""
    (schemas,), components = msgspec.json.schema_components([body], ref_template="{name}")
    del schemas
    return _schema(components[body.__name__])


def _schema(plain: dict[str, Any]) -> Schema:
    return Schema(
        title=plain.get("title"),
        description=plain.get("description"),
        type=OpenAPIType(plain["type"]) if "type" in plain else None,
        properties={name: _schema(field) for name, field in plain["properties"].items()}
        if "properties" in plain
        else None,
        required=plain.get("required"),
        enum=plain.get("enum"),
        pattern=plain.get("pattern"),
        min_length=plain.get("minLength"),
        max_length=plain.get("maxLength"),
        minimum=plain.get("minimum"),
        default=plain.get("default"),
        examples=plain.get("examples"),
    )
