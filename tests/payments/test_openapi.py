"""The OpenAPI document of the payment instance: valid, and complete about headers, bodies and errors."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from support.shop import Shop
from wisipay.payments.contract import (
    CallbackBody,
    ErrorBody,
    PayErrorBody,
    PayinAnswer,
    PayoutAnswer,
    StatusAnswer,
)
from wisipay.payments.errors import TABLE
from wisipay.payments.openapi_examples import errors_of
from wisipay.payments.validation import payin_request, payout_request

INITIATE = {"/api/payment/payin/initiate": "QR", "/api/payment/payout/initiate": "RTGS"}
STATUS = ("/api/payment/{order_id}", "/api/payment/payin/status/{order_id}", "/api/payment/payout/status/{order_id}")


@pytest.fixture
async def document(shop: Shop) -> Any:  # noqa: ANN401 - JSON
    async with shop.session.get(f"{shop.url}/schema/openapi.json") as answer:
        assert answer.status == 200
        return await answer.json(content_type=None)


async def test_the_document_is_valid_and_complete(document: Any) -> None:  # noqa: ANN401 - JSON
    validate(document)
    assert document["openapi"].startswith("3.1")
    for path, mode in INITIATE.items():
        operation = document["paths"][path]["post"]
        assert _headers(operation) == {"x-merchant-id", "x-timestamp", "x-signature", "idempotency-key"}
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert mode in schema["properties"]["paymentMode"]["enum"]
        assert {"amount", "orderId", "paymentMode"} <= set(schema["required"])
        assert {
            "200",
            "400",
            "401",
            "402",
            "403",
            "409",
            "413",
            "415",
            "422",
            "429",
            "500",
            "502",
            "503",
            "504",
        } <= set(operation["responses"])
    for path in STATUS:
        operation = document["paths"][path]["get"]
        assert _headers(operation) == {"x-merchant-id", "x-timestamp", "x-signature"}
        assert {"200", "400", "401", "403", "404", "429", "500", "503"} <= set(operation["responses"])


def _headers(operation: Any) -> set[str]:  # noqa: ANN401 - JSON
    return {each["name"] for each in operation["parameters"] if each["in"] == "header"}


def test_examples_of_errors_are_what_the_tables_say() -> None:
    shown: set[str] = set()
    for status in {entry.http_status for entry in TABLE.values()}:
        for example in errors_of(status):
            body: Any = example.value
            if isinstance(body["error"], dict):
                msgspec.convert(body, PayErrorBody)
                shown.add(body["error"]["code"])
            else:
                msgspec.convert(body, ErrorBody)
    assert shown == {code.value for code, entry in TABLE.items() if not entry.masked}


async def test_examples_are_what_the_product_takes_and_gives(document: Any) -> None:  # noqa: ANN401 - JSON
    reads = {"payin": (payin_request, PayinAnswer), "payout": (payout_request, PayoutAnswer)}
    for kind, (read, answer) in reads.items():
        operation = document["paths"][f"/api/payment/{kind}/initiate"]["post"]
        for example in _examples(operation["requestBody"]):
            assert read(json.dumps(example).encode(), "RUPEES").amount_paise == 500_00
        for example in _examples(operation["responses"]["200"]):
            msgspec.convert(example, answer)
    for path in STATUS:
        for example in _examples(document["paths"][path]["get"]["responses"]["200"]):
            msgspec.convert(example, StatusAnswer)
    callback = document["webhooks"]["payment"]["post"]
    assert {"webhook-id", "webhook-signature", "x-signature"} <= _headers(callback)
    for example in _examples(callback["requestBody"]):
        msgspec.convert(example, CallbackBody)


async def test_every_answer_tells_of_its_headers_and_the_sandbox_of_the_same(document: Any) -> None:  # noqa: ANN401 - JSON
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                assert "x-request-id" in response["headers"], (path, status)
                assert ("retry-after" in response["headers"]) == (status in {"429", "503"})
        if path.startswith("/api/payment/uat"):
            (twin,) = document["paths"][path.replace("/uat", "")].values()
            (own,) = operations.values()
            assert own["responses"] == twin["responses"]
            assert own.get("requestBody") == twin.get("requestBody")
            assert own["tags"] == ["sandbox"]


def _examples(holder: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return [example["value"] for example in holder["content"]["application/json"]["examples"].values()]
