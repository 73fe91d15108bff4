"""Callbacks as the product signs them, verified as a merchant would; and everything that must not pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.callback_events import event as callback_event
from wisipay.callbacks import CallbackEvent
from wisipay.callbacks.signing import SignedCallback, sign
from wisipay_sdk import CallbackNotAuthentic, Status, verify_callback

SENT_AT = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
NOW = SENT_AT.timestamp()


def signed(*secrets: bytes, event: CallbackEvent | None = None) -> SignedCallback:
    return sign(event or callback_event(), secrets or (b"s3cret",), "RUPEES", SENT_AT)


def test_an_authentic_callback_is_read() -> None:
    event = callback_event()
    callback = signed(event=event)
    read = verify_callback(callback.headers, callback.body, "s3cret", now=NOW)
    assert (read.event_id, read.order_id) == (str(event.event_id), event.order_id)
    assert (read.transaction_id, read.type, read.status) == (event.transaction_id, event.type, Status(event.status))
    assert (read.amount * 100, read.currency, read.utr) == (Decimal(event.amount_paise), event.currency, event.utr)
    assert abs(read.occurred_at - event.occurred_at) < timedelta(milliseconds=1)


def test_header_names_may_come_in_any_case_and_either_secret_of_a_rotation_fits() -> None:
    callback = signed(b"new", b"old")
    headers = {name.title(): value for name, value in callback.headers.items()}
    for mine in ("old", ["other", "new"]):
        assert verify_callback(headers, callback.body, mine, now=NOW).event_id


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_bit_changed_is_found(place: int, bit: int) -> None:
    callback = signed()
    body = bytearray(callback.body)
    body[place % len(body)] ^= 1 << bit
    with pytest.raises(CallbackNotAuthentic, match="no signature fits"):
        verify_callback(callback.headers, bytes(body), "s3cret", now=NOW)


@pytest.mark.parametrize("off_seconds", [-301, 301])
def test_an_old_one_is_refused(off_seconds: int) -> None:
    callback = signed()
    with pytest.raises(CallbackNotAuthentic, match="300 s"):
        verify_callback(callback.headers, callback.body, "s3cret", now=NOW + off_seconds)


def test_by_default_the_clock_decides() -> None:
    callback = sign(callback_event(), (b"s3cret",), "RUPEES", datetime.now(UTC))
    assert verify_callback(callback.headers, callback.body, "s3cret").event_id


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", None),
        ("webhook-id", "another"),
        ("webhook-timestamp", None),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "²"),
        ("webhook-signature", None),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "ü"),
    ],
    ids=["no id", "other id", "no time", "no number", "odd digit", "no signature", "other signature", "no ascii"],
)
def test_headers_that_do_not_vouch(name: str, value: str | None) -> None:
    callback = signed()
    headers = {**callback.headers, name: value}
    given = {key: text for key, text in headers.items() if text is not None}
    with pytest.raises(CallbackNotAuthentic):
        verify_callback(given, callback.body, "s3cret", now=NOW)
