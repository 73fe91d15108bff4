"""Whatever is sent as headers, signature or legacy body is admitted or refused in words; nothing else happens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.merchants import NOW
from wisipay.access import SignatureVersion, parse_signature, sign, v1_message, v2_message
from wisipay.core.errors import AppError, BadRequest, Forbidden, UnsupportedMediaType
from wisipay.merchants import ApiSecret, Merchant, MerchantStatus, ServiceConfig, SignedRequest
from wisipay.merchants.authentication import authenticate, unix_milliseconds
from wisipay.merchants.signed_request import read_credentials

SECRET = b"a secret of the merchant"
MERCHANT = Merchant(
    id="MER-1",
    name="Shop",
    display_name="Shop",
    email="ops@shop.example",
    status=MerchantStatus.ACTIVE,
    is_onboarded=True,
    secrets=(ApiSecret("S1", SECRET, NOW - timedelta(days=1)),),
    secret_enabled=True,
    v2_only=False,
    legacy_hash_enabled=True,
    payin=ServiceConfig(),
    payout=ServiceConfig(),
)
TEXT = st.text(st.characters(max_codepoint=255), max_size=80)
HEADERS = st.dictionaries(
    st.sampled_from(["x-merchant-id", "x-timestamp", "x-signature", "content-type", "content-encoding"]),
    TEXT | st.sampled_from(["MER-1", "application/json", "v2=" + "0" * 64, "sha256=" + "f" * 64, "1770323283897"]),
)


def request(body: bytes = b"{}", *, named: Mapping[str, str] = MappingProxyType({})) -> SignedRequest:
    usual = {"x-merchant-id": "MER-1", "x-timestamp": f"{unix_milliseconds(NOW)}", "content-type": "application/json"}
    return SignedRequest("POST", "/api/x?y=1", {**usual, **named}, body, "127.0.0.1")


@settings(max_examples=200)
@given(text=TEXT)
def test_a_signature_is_64_hex_digits_or_nothing(text: str) -> None:
    found = parse_signature(text)
    is_one = re.fullmatch(r"(?:sha256=|v2=)?[0-9a-fA-F]{64}", text.strip()) is not None
    assert (found is not None) == is_one


@settings(max_examples=200)
@given(headers=HEADERS, body=st.binary(max_size=120), method=st.sampled_from(["GET", "POST"]))
def test_no_headers_and_no_body_but_the_merchants_own_are_admitted(
    headers: dict[str, str], body: bytes, method: str
) -> None:
    given_request = SignedRequest(method, "/api/x", headers, body, "127.0.0.1")
    with pytest.raises(AppError) as refused:
        authenticate(MERCHANT, read_credentials(given_request), given_request, NOW)
    assert refused.value.http_status in {400, 403, 415}
    assert refused.value.details


@settings(max_examples=150)
@given(body=st.binary(max_size=80), version=st.sampled_from(SignatureVersion), changed=st.binary(max_size=80))
def test_a_signature_is_good_for_its_own_bytes_only(body: bytes, version: SignatureVersion, changed: bytes) -> None:
    timestamp = f"{unix_milliseconds(NOW)}"
    if version is SignatureVersion.V2:
        message = v2_message(method="POST", path_and_query="/api/x?y=1", body=body, timestamp=timestamp)
        signature = "v2=" + sign(SECRET, message)
    else:
        signature = sign(SECRET, v1_message(body, timestamp))
    signed = request(body, named={"x-signature": signature})
    assert authenticate(MERCHANT, read_credentials(signed), signed, NOW)
    if changed != body:
        other = request(changed, named={"x-signature": signature})
        with pytest.raises(Forbidden):
            authenticate(MERCHANT, read_credentials(other), other, NOW)


@pytest.mark.parametrize(
    "body", [b'{"a":' * 10_000, b"[" * 60_000, b'{"amount":' + b"1" * 60_000, b"\xff", b'"\\ud800"']
)
def test_a_legacy_body_that_cannot_be_read_is_a_missing_signature(body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        read_credentials(request(body))
    assert refused.value.details == {"x-signature": "is missing"}


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json;", "Application/JSON; charset=UTF-8", 'application/json; charset="utf8"'],
)
def test_json_in_utf_8_is_taken_however_it_is_written(content_type: str) -> None:
    assert read_credentials(request(named={"content-type": content_type, "x-signature": "x"})).proof == "x"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/json"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json, text/html"},
        {"content-encoding": "gzip"},
        {"content-encoding": "br"},
    ],
)
def test_other_types_and_encodings_are_refused_by_name(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        read_credentials(request(named={"x-signature": "x", **headers}))
    assert set(refused.value.details) == set(headers)
