"""Whether a request is really the merchant's: standing, secret, timestamp and signature, in this order.

Decides each refusal and its words; pure, the time comes in. Must never say anything about a secret, nor compare a
signature with anything but the constant-time compare of `access`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from wisipay.access import (
    SignatureVersion,
    legacy_hash_matches,
    matching_secret,
    parse_signature,
    v1_message,
    v2_message,
)
from wisipay.core.errors import Forbidden
from wisipay.merchants.model import Merchant
from wisipay.merchants.signed_request import (
    SIGNATURE,
    TIMESTAMP,
    Credentials,
    LegacyHash,
    SignedRequest,
    missing_signature,
)

WINDOW_MS: Final = 60_000
_MILLISECONDS: Final = 1000


class Refusal(StrEnum):
    """The named reasons of a 403, shown as `details.reason`; the list is closed and documented."""

    MERCHANT_INACTIVE = "MERCHANT_INACTIVE"
    MERCHANT_NOT_ONBOARDED = "MERCHANT_NOT_ONBOARDED"
    SECRET_DISABLED = "SECRET_DISABLED"  # noqa: S105 - the name of a reason, no secret
    TIMESTAMP_OUT_OF_WINDOW = "TIMESTAMP_OUT_OF_WINDOW"
    SIGNATURE_MISMATCH = "SIGNATURE_MISMATCH"
    SIGNATURE_V2_REQUIRED = "SIGNATURE_V2_REQUIRED"
    SIGNATURE_REPLAYED = "SIGNATURE_REPLAYED"
    SERVICE_DISABLED = "SERVICE_DISABLED"
    ADDRESS_NOT_ALLOWED = "ADDRESS_NOT_ALLOWED"


def refused(reason: Refusal, message: str, **facts: object) -> Forbidden:
    """Give a 403 with its named reason."""
    return Forbidden(message, details={"reason": reason.value, **facts})


def authenticate(merchant: Merchant, credentials: Credentials, request: SignedRequest, now: datetime) -> str:
    """Check everything up to the signature; gives the digest by which a replay is known, raises AppError."""
    proof = credentials.proof
    if isinstance(proof, LegacyHash) and not merchant.legacy_hash_enabled:
        raise missing_signature()
    _check_standing(merchant, now)
    _check_timestamp(credentials.timestamp, now)
    secrets = tuple(secret.value for secret in merchant.secrets if secret.is_valid_at(now))
    if isinstance(proof, LegacyHash):
        return _check_legacy_hash(merchant, proof, secrets)
    return _check_signature(merchant, proof, credentials.timestamp, request, secrets)


def _check_standing(merchant: Merchant, now: datetime) -> None:
    if not merchant.is_active:
        raise refused(Refusal.MERCHANT_INACTIVE, "This merchant is not active; ask support to activate it")
    if not merchant.is_onboarded:
        raise refused(Refusal.MERCHANT_NOT_ONBOARDED, "This merchant is not onboarded yet")
    if not merchant.secret_enabled or not any(secret.is_valid_at(now) for secret in merchant.secrets):
        raise refused(Refusal.SECRET_DISABLED, "The API secret of this merchant is disabled")


def _check_timestamp(timestamp: str, now: datetime) -> None:
    now_ms = unix_milliseconds(now)
    away_ms = abs(int(timestamp) - now_ms)
    if away_ms > WINDOW_MS:
        raise refused(
            Refusal.TIMESTAMP_OUT_OF_WINDOW,
            f"{TIMESTAMP} is {away_ms // _MILLISECONDS} s away from our clock, {WINDOW_MS // _MILLISECONDS} s are "
            "allowed; it is Unix time in milliseconds",
            serverTime=now_ms,
        )


def unix_milliseconds(moment: datetime) -> int:
    """Give a moment as whole Unix milliseconds."""
    return int(moment.timestamp() * _MILLISECONDS)


def _check_signature(
    merchant: Merchant, text: str, timestamp: str, request: SignedRequest, secrets: tuple[bytes, ...]
) -> str:
    signature = parse_signature(text)
    if signature is None:
        raise refused(
            Refusal.SIGNATURE_MISMATCH,
            f"{SIGNATURE} must be 64 hexadecimal digits, optionally after 'sha256=' or 'v2='",
        )
    if signature.version is SignatureVersion.V2:
        message = v2_message(
            method=request.method, path_and_query=request.path_and_query, body=request.body, timestamp=timestamp
        )
        signed = "timestamp\\nMETHOD\\npath?query\\nsha256hex(raw_body)"
    else:
        _check_v1_allowed(merchant)
        message = v1_message(request.body, timestamp)
        signed = "raw_body|timestamp"
    if not matching_secret(secrets, message, signature.digest):
        raise refused(Refusal.SIGNATURE_MISMATCH, f"{SIGNATURE} does not match the request", stringToSign=signed)
    return signature.digest


def _check_legacy_hash(merchant: Merchant, legacy: LegacyHash, secrets: tuple[bytes, ...]) -> str:
    _check_v1_allowed(merchant)
    if not legacy_hash_matches(
        secrets, amount=legacy.amount, currency=legacy.currency, order_id=legacy.order_id, digest=legacy.hash
    ):
        raise refused(
            Refusal.SIGNATURE_MISMATCH,
            "The body field hash does not match the request",
            stringToSign="amount|currency|orderId|secret",
        )
    return legacy.hash.strip().lower()


def _check_v1_allowed(merchant: Merchant) -> None:
    if merchant.v2_only:
        raise refused(Refusal.SIGNATURE_V2_REQUIRED, f"This merchant takes v2 signatures only: {SIGNATURE}: v2=<hex>")
