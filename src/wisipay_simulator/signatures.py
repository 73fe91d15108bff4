"""Checks the three signatures of a callback as a merchant would: v1, the legacy hash, the Standard Webhooks trio. Pure.

Written from the published contract, not from the sender's code.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

import msgspec

_LIMIT = 5 * 60


class CallbackBody(msgspec.Struct, gc=False, rename="camel"):
    """The fields of a callback that a merchant reads. The amount is kept exactly as written."""

    order_id: str
    transaction_id: str
    amount: msgspec.Raw
    currency: str
    status: str
    timestamp: msgspec.Raw
    hash: str = ""
    utr: str | None = None
    type: str | None = None


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Which of a callback's proofs hold."""

    v1: bool
    legacy_hash: bool
    standard_webhooks: bool
    fresh: bool

    @property
    def verified(self) -> bool:
        """Whether every proof holds."""
        return self.v1 and self.legacy_hash and self.standard_webhooks and self.fresh


def verify(
    headers: Mapping[bytes, bytes],
    body: bytes,
    parsed: CallbackBody | None,
    secrets: Sequence[str],
    now_ms: int,
) -> Verdict:
    """Check every proof against every secret that is valid at present (several during a rotation)."""
    timestamp = headers.get(b"x-timestamp", b"")
    return Verdict(
        v1=any(_v1(headers, body, timestamp, secret) for secret in secrets),
        legacy_hash=parsed is not None and any(_legacy(parsed, secret) for secret in secrets),
        standard_webhooks=any(_standard(headers, body, secret) for secret in secrets),
        fresh=_fresh(timestamp, now_ms / 1000, 1000)
        and _fresh(headers.get(b"webhook-timestamp", b""), now_ms / 1000, 1),
    )


def _v1(headers: Mapping[bytes, bytes], body: bytes, timestamp: bytes, secret: str) -> bool:
    given = headers.get(b"x-signature", b"").removeprefix(b"sha256=")
    wanted = hmac.digest(secret.encode(), body + b"|" + timestamp, hashlib.sha256).hex()
    return hmac.compare_digest(wanted.encode(), given)


def _legacy(parsed: CallbackBody, secret: str) -> bool:
    amount = bytes(parsed.amount).decode().strip('"')
    text = f"{amount}|{parsed.currency}|{parsed.order_id}|{secret}"
    wanted = hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()
    return hmac.compare_digest(wanted.encode(), parsed.hash.encode())


def _standard(headers: Mapping[bytes, bytes], body: bytes, secret: str) -> bool:
    identity, timestamp = headers.get(b"webhook-id", b""), headers.get(b"webhook-timestamp", b"")
    if not identity or not timestamp:
        return False
    mac = hmac.digest(standard_key(secret), identity + b"." + timestamp + b"." + body, hashlib.sha256)
    wanted = b"v1," + base64.b64encode(mac)
    return any(hmac.compare_digest(wanted, given) for given in headers.get(b"webhook-signature", b"").split(b" "))


def standard_key(secret: str) -> bytes:
    """Return the key bytes of a secret: `whsec_` marks base64, anything else is taken as it is."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def _fresh(timestamp: bytes, now_seconds: float, per_second: int) -> bool:
    return timestamp.isdigit() and abs(int(timestamp) / per_second - now_seconds) <= _LIMIT
