"""The expected figures were computed with `openssl dgst -hmac` from the contract's text, not with this code."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from wisipay.callbacks import CallbackEvent
from wisipay.callbacks.signing import amount_number, sign, standard_signature

_SECRET = b"a-secret-of-the-merchant-0123456"
_OLDER_SECRET = b"older-secret-of-the-merchant-012"
_OCCURRED_AT = datetime(2026, 1, 1, tzinfo=UTC)
_SENT_AT = _OCCURRED_AT + timedelta(seconds=5, milliseconds=123)
_EVENT = CallbackEvent(
    event_id=UUID("01900000-0000-7000-8000-000000000001"),
    merchant_id="MER-1",
    transaction_id="WP01K0000000000000000000",
    order_id="ORDER-10001",
    type="PAYIN",
    status="SUCCESS",
    amount_paise=100_000,
    currency="INR",
    utr="UTR123456789",
    url="https://merchant.example/callback",
    occurred_at=_OCCURRED_AT,
)
_BODY = (
    b'{"orderId":"ORDER-10001","transactionId":"WP01K0000000000000000000","amount":1000,"currency":"INR",'
    b'"status":"SUCCESS","utr":"UTR123456789","type":"PAYIN","timestamp":1767225600000,'
    b'"hash":"03d2b9697067732be5a42c26ee65713414652ede3d87933fdb92133124512661"}'
)


def test_body_has_the_fields_of_the_contract_and_the_legacy_hash() -> None:
    assert sign(_EVENT, [_SECRET], "RUPEES", _SENT_AT).body == _BODY


def test_x_signature_is_v1_over_the_body_and_the_sending_time() -> None:
    headers = sign(_EVENT, [_SECRET], "RUPEES", _SENT_AT).headers
    assert headers["x-merchant-id"] == "MER-1"
    assert headers["x-timestamp"] == "1767225605123"
    assert headers["x-signature"] == "c62f2910dc5eccf51b3c00577c123976bdf8ccb8d35bba27e6ee54e19a47757c"
    assert headers["content-type"] == "application/json"


def test_standard_webhooks_headers_verify_with_each_valid_secret() -> None:
    headers = sign(_EVENT, [_SECRET, _OLDER_SECRET], "RUPEES", _SENT_AT).headers
    assert headers["webhook-id"] == "01900000-0000-7000-8000-000000000001"
    assert headers["webhook-timestamp"] == "1767225605"
    assert headers["webhook-signature"] == (
        "v1,9YEA+3M7l31meFTiuoFnXjqhflefURK4AObLNaWSs+M= v1,SRzar9IjWHfDhs58qxEaRQREt6PXrLYDxri0JfyF0Ds="
    )


def test_standard_signature_agrees_with_a_verifier_that_is_given_whsec() -> None:
    whsec = "whsec_" + base64.b64encode(_SECRET).decode()
    key = base64.b64decode(whsec.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, b"msg_1.1614265330." + _BODY, hashlib.sha256).digest()).decode()
    assert standard_signature("msg_1", 1614265330, _BODY, _SECRET) == f"v1,{expected}"


def test_every_attempt_has_the_same_body_and_id_but_its_own_time() -> None:
    first = sign(_EVENT, [_SECRET], "RUPEES", _SENT_AT)
    second = sign(_EVENT, [_SECRET], "RUPEES", _SENT_AT + timedelta(hours=1))
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["x-signature"] != second.headers["x-signature"]


@pytest.mark.parametrize(
    ("amount_paise", "unit", "text"),
    [
        (100_000, "RUPEES", "1000"),
        (100_050, "RUPEES", "1000.50"),
        (1, "RUPEES", "0.01"),
        (0, "RUPEES", "0"),
        (100_050, "PAISE", "100050"),
    ],
)
def test_amount_is_an_integer_when_it_can_be(amount_paise: int, unit: str, text: str) -> None:
    assert amount_number(amount_paise, unit) == text  # type: ignore[arg-type] # a parametrised literal is a str to mypy


def test_missing_utr_is_null() -> None:
    body = msgspec.json.decode(sign(msgspec.structs.replace(_EVENT, utr=None), [_SECRET], "PAISE", _SENT_AT).body)
    assert body["utr"] is None
    assert body["amount"] == 100_000
