"""The request that tells a merchant about an event: its exact body and the headers that vouch for it.

Decides the wire format (spec/merchant-api.md, "Callback to the merchant"). Pure: the moment of sending comes in.
Must never re-encode a body after it was signed: what is signed is what is sent, byte for byte.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from wisipay.callbacks.model import CallbackEvent
from wisipay.core.money import Paise, rupees_text
from wisipay.core.signing import hmac_sha256, hmac_sha256_hex

AmountUnit = Literal["RUPEES", "PAISE"]
_PAISE_PER_RUPEE = 100


class SignedCallback(msgspec.Struct, frozen=True):
    """What goes on the wire."""

    headers: dict[str, str]
    body: bytes


def sign(event: CallbackEvent, secrets: Sequence[bytes], unit: AmountUnit, sent_at: datetime) -> SignedCallback:
    """Build body and headers. `secrets` are the merchant's valid ones, newest first, at least one.

    The newest signs `x-signature` and the legacy `hash`. `webhook-signature` carries one signature per secret, so that
    a merchant in the middle of a rotation verifies with either. An endpoint beyond the callback URL has secrets of its
    own, which then stand in the API secrets' place everywhere.
    """
    amount = amount_number(event.amount_paise, unit)
    body = _body(event, amount, legacy_hash(amount, event.currency, event.order_id, secrets[0]))
    return _signed(body, str(event.event_id), event.merchant_id, secrets, sent_at)


def sign_ping(
    ping_id: str, endpoint_id: str, merchant_id: str, secrets: Sequence[bytes], sent_at: datetime
) -> SignedCallback:
    """Build a ping: signed like an event, and of no payment."""
    body = msgspec.json.encode({"type": "PING", "endpointId": endpoint_id, "timestamp": _unix_ms(sent_at)})
    return _signed(body, ping_id, merchant_id, secrets, sent_at)


def _signed(
    body: bytes, event_id: str, merchant_id: str, secrets: Sequence[bytes], sent_at: datetime
) -> SignedCallback:
    sent_ms = _unix_ms(sent_at)
    return SignedCallback(
        headers={
            "content-type": "application/json",
            "user-agent": "Wisipay-Callbacks/1",
            "x-merchant-id": merchant_id,
            "x-timestamp": str(sent_ms),
            "x-signature": hmac_sha256_hex(secrets[0], b"%b|%d" % (body, sent_ms)),
            "webhook-id": event_id,
            "webhook-timestamp": str(sent_ms // 1000),
            "webhook-signature": " ".join(
                [standard_signature(event_id, sent_ms // 1000, body, secret) for secret in secrets]
            ),
        },
        body=body,
    )


def standard_signature(event_id: str, timestamp_seconds: int, body: bytes, secret: bytes) -> str:
    """Sign as Standard Webhooks asks, with the API secret's own bytes as key.

    An off-the-shelf verifier is given `whsec_` followed by the base64 of those bytes.
    """
    signed = b"%b.%d.%b" % (event_id.encode(), timestamp_seconds, body)
    return "v1," + b64encode(hmac_sha256(secret, signed)).decode()


def legacy_hash(amount: str, currency: str, order_id: str, secret: bytes) -> str:
    """Hash `amount|currency|orderId|secret` with the secret as key, hex, over the amount as the body shows it."""
    return hmac_sha256_hex(secret, f"{amount}|{currency}|{order_id}|".encode() + secret)


def amount_number(amount_paise: int, unit: AmountUnit) -> str:
    """Write the amount as the JSON number the merchant sees: an integer, or two decimals for odd rupees."""
    if unit == "PAISE":
        return str(amount_paise)
    rupees, odd_paise = divmod(amount_paise, _PAISE_PER_RUPEE)
    return rupees_text(Paise(amount_paise)) if odd_paise else str(rupees)


def _body(event: CallbackEvent, amount: str, hash_: str) -> bytes:
    return msgspec.json.encode(
        {
            "orderId": event.order_id,
            "transactionId": event.transaction_id,
            "amount": msgspec.Raw(amount.encode()),
            "currency": event.currency,
            "status": event.status,
            "utr": event.utr,
            "type": event.type,
            "timestamp": _unix_ms(event.occurred_at),
            "hash": hash_,
        }
    )


def _unix_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
