"""What is kept of a request: found by order and payment, without a person's data, bounded whatever was sent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.merchants import NOW
from wisipay.apilog.entry import BODY_CHARACTERS_MAX, COLUMNS, row, seen
from wisipay.core.http_wire import Reply, WireRequest

PAYOUT = {
    "amount": 500,
    "orderId": "ORDER-10001",
    "beneficiaryName": "Asha Rao",
    "beneficiaryAccountNumber": "000123456789",
    "beneficiaryIfsc": "HDFC0000001",
    "remarks": "to asha@okbank",
}


def request(body: bytes, path: str = "/api/payment/payout/initiate", **headers: str) -> WireRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"x-merchant-id": " MER-1 ", "x-signature": "v2=00"} | named
    return WireRequest("RQ1", "POST", path, sent, body, "10.0.0.1", {})


def kept(asked: WireRequest, answer: Reply, trusted: tuple[str, ...] = ()) -> dict[str, Any]:
    return dict(zip(COLUMNS, row(seen(asked, answer, 0.25, NOW), trusted), strict=True))


def test_an_entry_tells_what_was_asked_and_answered_and_nothing_about_a_person() -> None:
    answer = Reply(200, b'{"success":true,"data":{"orderId":"ORDER-10001","transactionId":"WP01","utr":null}}')
    sent = request(json.dumps(PAYOUT).encode(), idempotency_key="K-1", x_forwarded_for="203.0.113.7, 10.0.0.1")
    entry = kept(sent, answer, ("10.0.0.0/8",))
    assert {name: entry[name] for name in COLUMNS if not name.endswith("body")} == {
        "at": NOW - timedelta(seconds=0.25),
        "merchant_id": "MER-1",
        "environment": "LIVE",
        "request_id": "RQ1",
        "method": "POST",
        "path": "/api/payment/payout/initiate",
        "status": 200,
        "code": None,
        "duration_ms": 250.0,
        "order_id": "ORDER-10001",
        "transaction_id": "WP01",
        "idempotency_key": "K-1",
        "source_ip": "203.0.113.7",
        "signature": "v2",
    }
    shown = json.loads(entry["request_body"])
    assert shown["amount"] == 500
    assert shown["beneficiaryAccountNumber"] == shown["beneficiaryIfsc"] == shown["beneficiaryName"] == "[redacted]"
    assert shown["remarks"] == "to [redacted]"
    assert json.loads(entry["answer_body"])["data"]["transactionId"] == "WP01"


def test_an_entry_has_the_code_that_the_merchant_was_told_and_not_the_payers_link() -> None:
    refused = Reply(400, b'{"success":false,"error":"no","code":"BAD_REQUEST","details":{}}')
    assert kept(request(b"{}", "/api/payment/uat/payin/initiate"), refused)["code"] == "BAD_REQUEST"
    assert kept(request(b"{}", "/api/payment/uat/payin/initiate"), refused)["environment"] == "UAT"
    failed = kept(request(b'{"hash":"x"}', x_signature=""), Reply(402, b'{"error":{"code":"PAY_1205"}}'))
    assert (failed["code"], failed["signature"]) == ("PAY_1205", "hash")
    assert kept(request(b"", x_signature="sha256=0"), refused)["signature"] == "v1"
    link = b'{"data":{"paymentUrl":"http://127.0.0.1/pay/WP01KAN7M3Q0.abcdefghijklmnopqrstuv"}}'
    assert "abcdefghijklmnopqrstuv" not in kept(request(b"{}"), Reply(200, link))["answer_body"]


def test_what_does_not_fit_is_cut_and_still_without_an_account() -> None:
    long = json.dumps({"beneficiaryAccountNumber": "000123456789", "remarks": "x " * 20_000}).encode()
    entry = kept(request(long), Reply(413, b""))
    assert len(entry["request_body"]) == BODY_CHARACTERS_MAX
    assert entry["request_body"].endswith("[cut]")
    assert "000123456789" not in entry["request_body"]
    assert len(seen(request(long), Reply(413, b""), 0.0, NOW).request.body) < len(long)


bodies = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass")),
    st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers() | st.none(), max_size=4).map(
        lambda members: json.dumps(members).encode()
    ),
    st.sampled_from([b"[" * 5_000, b'{"a":' * 3_000, b'{"orderId":"\\u0000\\ud800"}', b'{"orderId":7,"error":[]}']),
)


@given(bodies, bodies, st.text(st.characters(max_codepoint=255), max_size=30))
def test_whatever_was_sent_gives_a_row_that_postgresql_takes(asked: bytes, answered: bytes, header: str) -> None:
    entry = kept(request(asked, idempotency_key=header, x_forwarded_for=header), Reply(400, answered))
    for value in entry.values():
        if isinstance(value, str):
            assert "\0" not in value
            value.encode()
