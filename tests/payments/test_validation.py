"""From the body of an initiate call to a request, or an error that names every field at fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.shop import payin_body, payout_body
from wisipay.core.errors import BadRequest
from wisipay.payments.validation import AmountUnit, payin_request, payout_request

VPA = {"beneficiaryAccountNumber": None, "beneficiaryIfsc": None, "beneficiaryBankName": None}


def payin(unit: AmountUnit = "RUPEES", **changes: Any) -> Any:  # noqa: ANN401 - any field of the wire
    return payin_request(json.dumps(payin_body("ORDER-1") | changes).encode(), unit)


def payout(**changes: Any) -> Any:  # noqa: ANN401 - any field of the wire
    return payout_request(json.dumps(payout_body("ORDER-1") | changes).encode(), "RUPEES")


def faults(read: Any, **changes: Any) -> set[str]:  # noqa: ANN401 - payin or payout, any field
    with pytest.raises(BadRequest) as raised:
        read(**changes)
    return set(raised.value.details)


def test_texts_are_trimmed_and_an_ifsc_is_raised() -> None:
    request = payout(orderId=" ORDER-1 ", beneficiaryIfsc=" hdfc0000001 ", beneficiaryName="  Asha Rao ")
    assert (request.order_id, request.party["ifsc"], request.party["name"]) == ("ORDER-1", "HDFC0000001", "Asha Rao")


def test_fields_that_nobody_knows_are_passed_over() -> None:
    assert payin(hash="x", callbackUrl="y").order_id == "ORDER-1"


def test_empty_remarks_and_redirect_are_none() -> None:
    request = payin(remarks="  ", redirectUrl=None)
    assert (request.remarks, request.redirect_url, request.currency) == (None, None, "INR")
    assert payin(redirectUrl="https://shop.example.com/x?y=1").redirect_url == "https://shop.example.com/x?y=1"


@pytest.mark.parametrize(
    ("unit", "amount", "paise"), [("RUPEES", 500, 50_000), ("PAISE", 500, 500), ("RUPEES", 1, 100)]
)
def test_amounts_become_paise(unit: AmountUnit, amount: int, paise: int) -> None:
    assert payin(unit, amount=amount).amount_paise == paise
    assert payin(unit, amount=float(amount)).amount_paise == paise


@pytest.mark.parametrize("amount", [0, -1, 1.5, "500", None, True, [], 10**12, 1e40])
def test_amounts_that_are_no_whole_positive_number_are_refused(amount: object) -> None:
    assert faults(payin, amount=amount) == {"amount"}


@pytest.mark.parametrize("amount", [b"1e999999999999", b"1e-999999999999", b"9" * 4000])
def test_an_amount_beyond_all_bounds_is_a_field_at_fault(amount: bytes) -> None:
    body = json.dumps(payin_body("ORDER-1")).encode().replace(b"500", amount)
    with pytest.raises(BadRequest) as raised:
        payin_request(body, "RUPEES")
    assert set(raised.value.details) == {"amount"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("orderId", "1234"),
        ("orderId", "x" * 26),
        ("orderId", "with space"),
        ("orderId", "ORDER-\u20b9"),
        ("orderId", 12345),
        ("orderId", None),
        ("paymentMode", "IMPS"),
        ("paymentMode", None),
        ("paymentMode", 1),
        ("customerName", "Al"),
        ("customerName", "x" * 101),
        ("customerName", "A\x00sha"),
        ("customerEmail", "asha"),
        ("customerEmail", "asha@localhost"),
        ("customerPhone", "5876543210"),
        ("customerPhone", "98765432101"),
        ("customerPhone", "\u0669876543210"),
        ("remarks", "x" * 201),
        ("redirectUrl", "ftp://shop.example.com"),
        ("redirectUrl", "javascript:alert(1)"),
        ("currency", "USD"),
        ("currency", None),
    ],
)
def test_each_wrong_field_of_a_payin_is_named(field: str, value: object) -> None:
    assert faults(payin, **{field: value}) == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("paymentMode", "QR"),
        ("beneficiaryName", "Al"),
        ("beneficiaryAccountNumber", "12345"),
        ("beneficiaryAccountNumber", "1" * 35),
        ("beneficiaryIfsc", "HDFC1000001"),
        ("beneficiaryBankName", "HD"),
        ("beneficiaryPhone", "123"),
        ("beneficiaryVpa", "no-vpa"),
        ("remarks", "x" * 101),
    ],
)
def test_each_wrong_field_of_a_payout_is_named(field: str, value: object) -> None:
    assert faults(payout, **{field: value}) == {field}


def test_a_vpa_stands_in_for_account_ifsc_and_bank() -> None:
    request = payout(paymentMode="UPI", beneficiaryVpa="asha@okbank", **VPA)
    assert request.party == {"name": "Asha Rao", "vpa": "asha@okbank"}
    assert faults(payout, paymentMode="UPI", **VPA) == set(VPA)
    assert faults(payout, paymentMode="IMPS", beneficiaryVpa="asha@okbank") == {"beneficiaryVpa"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"nul", b"[" * 100_000], ids=lambda body: body[:8])
def test_a_body_that_is_not_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest, match=r"The body (is|ends)"):
        payin_request(body, "RUPEES")


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"x"'])
def test_a_body_that_is_no_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest, match="JSON object"):
        payout_request(body, "RUPEES")
