"""What the OpenAPI document says beyond the endpoints' return types: headers, bodies, errors, callbacks.

The request bodies are read and checked by `validation`, which sees the raw bytes that the signature covers; here they
are described from the structs of `contract`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Schema,
)

from wisipay.core.http_operations import body_schema, described_answer, described_header, named_examples
from wisipay.merchants import SIGNED_HEADERS
from wisipay.payments import openapi_examples as examples
from wisipay.payments.contract import (
    CallbackBody,
    ErrorBody,
    PayErrorBody,
    PayinAnswer,
    PayinBody,
    PayoutAnswer,
    PayoutBody,
    StatusAnswer,
)

_CALLBACK_HEADERS: Final = (
    ("webhook-id", "the event's id, the same over all attempts", "01998b5e-6a52-7c1e-9a55-0d8f0e6b7a11"),
    ("webhook-timestamp", "Unix time in seconds at which this attempt was signed", "1770323283"),
    ("webhook-signature", "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body` (Standard Webhooks)", "v1,nk3m..."),
    ("x-merchant-id", "your merchant id", "MER-1"),
    ("x-timestamp", "Unix time in milliseconds", "1770323283897"),
    (
        "x-signature",
        "hex HMAC-SHA256 of `body|x-timestamp`",
        "afea291dbbe10f0622ac2190dd7f4503f0f621f63cfe83df5ed058b2",
    ),
)


def _errors(*statuses: tuple[int, str]) -> dict[int, ResponseSpec]:
    """Describe errors, each with an example of everything that the code's tables know under its status."""
    made = {}
    for status, described in statuses:
        told = examples.errors_of(status)
        shapes = {(each.id or "").startswith("PAY_") for each in told}
        kind: Any = ErrorBody | PayErrorBody if len(shapes) > 1 else PayErrorBody if True in shapes else ErrorBody
        made[status] = described_answer(described, kind, *told)
    return made


_OF_ALL: Final = (
    (401, "Unknown merchant"),
    (403, "Signature, timestamp, address, or a merchant or service that is switched off: see `details.reason`"),
    (429, "Too many requests, or a limit of amounts is reached; see `retry-after`"),
    (500, "Unexpected; tell us the request id"),
    (503, "Temporarily unavailable; see `retry-after`"),
)

STATUS_ANSWERS: Final = {
    200: described_answer("How the payment stands", StatusAnswer, *examples.STATUS),
    400: described_answer("A header is missing or malformed", ErrorBody, *examples.HEADERS_MISSING),
    404: described_answer("You have no such order", ErrorBody, *examples.errors_of(404)),
    **_errors(*_OF_ALL),
}

_INITIATE_ERRORS: Final = _errors(
    (400, "A header or field is wrong, or the provider refused the payment"),
    *_OF_ALL,
    (402, "The balance is too small"),
    (409, "This orderId has been used before, or its first request is still running"),
    (413, "The body is over 64 KiB"),
    (415, "The body is not JSON in UTF-8"),
    (422, "This Idempotency-Key was used for another request"),
    (502, "The provider's answer could not be read"),
    (504, "The provider did not answer in time: ask for the status"),
)
PAYIN_ANSWERS: Final = {
    200: described_answer("The payin was started: send your customer to `paymentUrl`", PayinAnswer, *examples.PAYIN),
    **_INITIATE_ERRORS,
}
PAYOUT_ANSWERS: Final = {
    200: described_answer("The payout was started", PayoutAnswer, *examples.PAYOUT),
    **_INITIATE_ERRORS,
}


@dataclass
class SignedOperation(Operation):
    """An operation that takes the authentication headers."""

    def __post_init__(self) -> None:
        """Add the headers to the parameters that Litestar found, and say what an order id in the path is."""
        in_path = [_order_id() for _ in self.parameters or ()]  # no path has another parameter
        self.parameters = [*in_path, *(described_header(*row) for row in SIGNED_HEADERS)]


@dataclass
class PayinOperation(SignedOperation):
    """The payin initiate call."""

    def __post_init__(self) -> None:
        """Add headers and body."""
        super().__post_init__()
        _describe_initiate(self, body_schema(PayinBody), examples.PAYIN_BODIES)


@dataclass
class PayoutOperation(SignedOperation):
    """The payout initiate call."""

    def __post_init__(self) -> None:
        """Add headers and body: to a bank account, or by UPI to a VPA."""
        super().__post_init__()
        schema = body_schema(PayoutBody)
        account = ["beneficiaryAccountNumber", "beneficiaryIfsc", "beneficiaryBankName"]
        by_vpa: dict[str, Reference | Schema] = {"paymentMode": Schema(type=OpenAPIType.STRING, const="UPI")}
        schema.one_of = [
            Schema(title="to an account", required=account, schema_not=Schema(required=["beneficiaryVpa"])),
            Schema(title="to a VPA", required=["beneficiaryVpa"], properties=by_vpa),
        ]
        _describe_initiate(self, schema, examples.PAYOUT_BODIES)


def callbacks() -> dict[str, PathItem]:
    """Describe what we send to a merchant, for the document's `webhooks`."""
    shown = named_examples(examples.CALLBACKS)
    told = {"application/json": OpenAPIMediaType(schema=body_schema(CallbackBody), examples=shown)}
    answers: dict[str, OpenAPIResponse | Reference] = {
        "2XX": OpenAPIResponse(description="Delivered, when it comes within ten seconds"),
        "410": OpenAPIResponse(description="Switches this address off, and mails you"),
        "429": OpenAPIResponse(description="Slows us down, for as long as `retry-after` says"),
        "default": OpenAPIResponse(description="Tried again with growing gaps, for more than a day"),
    }
    operation = Operation(
        operation_id="paymentCallback",
        summary="A payment has reached a final status, or left one",
        description="Sent to your callback URL, and to each further endpoint of yours that wants it: there the "
        "endpoint's own secret signs, and a ping (`type` is PING, no payment) may come. Verify a signature before you "
        "believe a word of it.",
        tags=["callbacks"],
        parameters=[described_header(*row) for row in _CALLBACK_HEADERS],
        request_body=RequestBody(content=told, required=True),
        responses=answers,
    )
    return {"payment": PathItem(post=operation)}


def _describe_initiate(operation: Operation, schema: Schema, bodies: Sequence[Example]) -> None:
    key = described_header(
        "idempotency-key", "the first answer to this key is given again for 24 h", "0d9c1a52-order-10001", needed=False
    )
    key.schema = Schema(type=OpenAPIType.STRING, pattern="^[!-~]{1,255}$", examples=["0d9c1a52-order-10001"])
    operation.parameters = [*(operation.parameters or ()), key]
    content = {"application/json": OpenAPIMediaType(schema=schema, examples=named_examples(bodies))}
    operation.request_body = RequestBody(content=content, required=True)


def _order_id() -> Parameter:
    return Parameter(
        name="order_id",
        param_in="path",
        description="the `orderId` that you gave",
        required=True,
        schema=Schema(type=OpenAPIType.STRING, min_length=1, examples=["ORDER-10001"]),
    )
