"""The document's types are the product's: whatever fits a body's schema is taken by the code that reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from postman_collection import document
from wisipay.payments import Request
from wisipay.payments.validation import AmountUnit, payin_request, payout_request

READS: dict[str, Callable[[bytes, AmountUnit], Request]] = {"payin": payin_request, "payout": payout_request}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what schemathesis's own libraries warn of
@pytest.mark.parametrize("kind", READS)
def test_whatever_fits_the_document_is_taken(kind: str) -> None:
    operation = schemathesis.openapi.from_dict(document())[f"/api/payment/{kind}/initiate"]["POST"]

    @settings(
        max_examples=20,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def taken(case: Any) -> None:  # noqa: ANN401 - schemathesis's own type
        assert READS[kind](json.dumps(case.body).encode(), "RUPEES").amount_paise == case.body["amount"] * 100

    taken()
