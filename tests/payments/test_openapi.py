"""The OpenAPI document of the payment instance: valid, and complete about headers, bodies and errors."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from support.shop import Shop

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
