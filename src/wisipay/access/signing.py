"""How a merchant's request is signed: v1, v2 and the legacy hash (merchant API, "Authentication headers").

Decides the exact bytes that are signed and whether a signature fits any of a merchant's secrets.
Must never do I/O, log a secret, or compare with anything but a constant-time compare.
"""

import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from wisipay.core.signing import equal, hmac_sha256_hex

_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_V1_PREFIX = "sha256="
_V2_PREFIX = "v2="
DEFAULT_CURRENCY = "INR"


class SignatureVersion(StrEnum):
    """Which string was signed; v2 binds method and path as well."""

    V1 = "v1"
    V2 = "v2"


class Signature(msgspec.Struct, frozen=True):
    """A well-formed `x-signature`: its version and 64 lower-case hex digits."""

    version: SignatureVersion
    digest: str


def parse_signature(text: str) -> Signature | None:
    """Read an `x-signature` header; None when it is no 64-digit hex, with or without a known prefix."""
    value = text.strip().lower()
    version = SignatureVersion.V1
    if value.startswith(_V2_PREFIX):
        version, value = SignatureVersion.V2, value.removeprefix(_V2_PREFIX)
    else:
        value = value.removeprefix(_V1_PREFIX)
    if not _HEX_DIGEST.fullmatch(value):
        return None
    return Signature(version, value)


def v1_message(body: bytes, timestamp: str) -> bytes:
    """Give the v1 string to sign: the body exactly as on the wire, a bar, the timestamp text."""
    return body + b"|" + timestamp.encode()


def v2_message(*, method: str, path_and_query: str, body: bytes, timestamp: str) -> bytes:
    """Give the v2 string to sign: four lines that bind time, method, path with query, and body."""
    body_digest = hashlib.sha256(body).hexdigest()
    return f"{timestamp}\n{method.upper()}\n{path_and_query}\n{body_digest}".encode()


def sign(secret: bytes, message: bytes) -> str:
    """Sign a message; 64 lower-case hex digits."""
    return hmac_sha256_hex(secret, message)


def matching_secret(secrets: Iterable[bytes], message: bytes, digest: str) -> bool:
    """Whether the digest is the message's under one of the secrets (the newest first; two during a rotation)."""
    return any(equal(sign(secret, message), digest) for secret in secrets)


def legacy_hash(*, amount: int, currency: str, order_id: str, secret: bytes) -> str:
    """Give the legacy body hash; `amount` is the number of the request body, in the unit of the API."""
    text = f"{amount}|{currency}|{order_id}|".encode() + secret
    return hmac_sha256_hex(secret, text)


def legacy_hash_matches(
    secrets: Iterable[bytes], *, amount: int, currency: str | None, order_id: str, digest: str
) -> bool:
    """Whether a body's `hash` fits one of the secrets; a missing currency means INR."""
    value = digest.strip().lower()
    named_currency = (currency or "").strip() or DEFAULT_CURRENCY
    return any(
        equal(legacy_hash(amount=amount, currency=named_currency, order_id=order_id.strip(), secret=secret), value)
        for secret in secrets
    )
