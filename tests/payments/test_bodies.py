"""Odd bodies: each is refused in words that help, none is taken for something else, and none is more than a 400."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.shop import payin_body, payout_body
from wisipay.core.errors import BadRequest
from wisipay.payments.bodies import read_object
from wisipay.payments.model import Kind
from wisipay.payments.validation import payin_request, payout_request

PAYIN = json.dumps(payin_body("ORDER-1")).encode()

ODD = {
    "empty": (b"", "is empty"),
    "blank": (b" \r\n", "is empty"),
    "bom": (b"\xef\xbb\xbf" + PAYIN, "byte order mark"),
    "utf-16": (PAYIN.decode().encode("utf-16"), "byte order mark"),
    "latin-1": (b'{"customerName":"Jos\xe9"}', "not UTF-8 (byte 20)"),
    "cut within a character": ('{"customerName":"é'.encode()[:-1], "not UTF-8 (byte 17)"),
    "cut": (PAYIN[:-1], "ends too early"),
    "trailing": (PAYIN + b"x", "not valid JSON: trailing characters (byte"),
    "not JSON": (b"amount=500", "not valid JSON: invalid character (byte 0)"),
    "NaN": (b'{"amount":NaN}', "not valid JSON: invalid character (byte 10)"),
    "NUL": (b'{"customerName":"\x00"}', "not valid JSON: invalid character (byte 17)"),
    "lone surrogate": (b'{"customerName":"\\ud800 and on"}', "not valid JSON"),
    "array": (b"[]", "must be a JSON object"),
    "deep array": (b"[" * 60_000, "nested too deeply"),
    "deep object": (b'{"a":' * 10_000, "nested too deeply"),
    "huge integer": (b'{"amount":' + b"1" * 60_000 + b"}", "number that is out of range"),
    "huge exponent": (b'{"amount":1e99999999999999999999}', "number that is out of range"),
}


@pytest.mark.parametrize(("body", "words"), [pytest.param(*each, id=name) for name, each in ODD.items()])
def test_an_odd_body_is_refused_in_words_that_help(body: bytes, words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        payin_request(body, "RUPEES")
    assert words in refused.value.message
    assert words in refused.value.details["body"]


@pytest.mark.parametrize(
    "behind",
    [b',"amount":600}', b',"\\u0061mount":600}', b' , "amount" :\n500}', b',"a":{"amount":1},"amount":500}'],
)
def test_a_field_given_twice_is_refused(behind: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        payin_request(PAYIN[:-1] + behind, "RUPEES")
    assert refused.value.details == {"amount": "is given more than once"}


def test_at_every_depth_a_body_is_read_or_refused() -> None:
    """The two parsers give up at depths that differ a little."""
    told = set()
    for depth in range(700, 1_001):
        with pytest.raises(BadRequest) as refused:
            read_object(b'{"a":1,"a":' + b"[" * depth + b"]" * depth + b"}")
        told.add(refused.value.message)
    assert told == {"a is given more than once", "The body is nested too deeply"}


def test_names_that_are_twice_elsewhere_and_colons_in_values_are_no_matter() -> None:
    more: dict[str, Any] = {"remarks": 'a "quoted": text', "redirectUrl": "https://a.example/b?c=d:e", "meta": {"a": 1}}
    body = json.dumps(payin_body("ORDER-1") | more).encode()
    body = body[:-1] + b',"meta2":{"a":{"b":1,"b":2}}}'
    assert payin_request(body, "RUPEES").redirect_url == "https://a.example/b?c=d:e"


@pytest.mark.parametrize(
    "amount", ["1e999999999", "1e-999999999", "-0", "0.5", "500.001", '"500"', "true", "null", "9" * 18]
)
def test_numbers_that_are_no_amount(amount: str) -> None:
    body = PAYIN.replace(b'"amount": 500', f'"amount": {amount}'.encode())
    with pytest.raises(BadRequest) as refused:
        payin_request(body, "RUPEES")
    assert set(refused.value.details) == {"amount"}


@pytest.mark.parametrize(
    "unseen", ["\x01", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\ufeff", "a\x00b"]
)
def test_control_characters_are_named_by_their_place(unseen: str) -> None:
    body = json.dumps(payin_body("ORDER-1") | {"customerName": f"Asha{unseen}Rao"}).encode()
    with pytest.raises(BadRequest) as refused:
        payin_request(body, "RUPEES")
    place = 6 if unseen.startswith("a") else 5
    assert refused.value.details == {"customerName": f"has a control character (character {place})"}


def test_names_of_every_indian_script_are_taken() -> None:
    for name in ("आशा राव", "ஆஷா ராவ்", "ക്ഷ\u200dമ", "অশা\u200c রাও", "Zoë O'Neil-Łęcka"):
        assert (
            payin_request(json.dumps(payin_body("ORDER-1") | {"customerName": name}).encode(), "RUPEES").party["name"]
            == name
        )


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_refusal(data: bytes) -> None:
    try:
        assert isinstance(read_object(data), dict)
    except BadRequest as refused:
        assert refused.details  # noqa: PT017 - one of two right ends


@settings(max_examples=150)
@given(place=st.integers(0, len(PAYIN) - 1), put=st.binary(max_size=4), cut=st.integers(0, 4))
def test_a_body_with_a_few_bytes_changed_is_read_or_refused(place: int, put: bytes, cut: int) -> None:
    for read in (payin_request, payout_request):
        try:
            request = read(PAYIN[:place] + put + PAYIN[place + cut :], "RUPEES")
        except BadRequest:
            continue
        assert request.amount_paise >= 100
        assert "\x00" not in "".join(request.party.values())


@settings(max_examples=150)
@given(
    field=st.sampled_from(sorted({*payin_body("x"), *payout_body("x"), "redirectUrl", "beneficiaryVpa", "currency"})),
    value=JSON_VALUES,
)
def test_any_value_in_any_field_is_taken_or_named(field: str, value: object) -> None:
    for kind, read, whole in (
        (Kind.PAYIN, payin_request, payin_body("ORDER-1")),
        (Kind.PAYOUT, payout_request, payout_body("ORDER-1")),
    ):
        try:
            request = read(json.dumps(whole | {field: value}).encode(), "PAISE")
        except BadRequest as refused:
            assert set(refused.details) == {field}  # noqa: PT017 - one of two right ends
        else:
            assert request.kind is kind
