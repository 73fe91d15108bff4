"""What can be shown of an event when its merchant says that it was never told, or told something else.

Decides the record: what the event says, and every attempt with its time, address, digest of the body, secrets that
signed and answer. The record is signed with a key that only this installation has, so that it can be handed on. Must
never hold a secret, and never say more than the rows do.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from wisipay.callbacks.history import AttemptRecord, deliveries_of, show
from wisipay.core.config import Settings
from wisipay.core.config_types import parse_keys
from wisipay.core.database import Pool
from wisipay.core.errors import BadRequest, NotFound

VERSION: Final = 1
_PURPOSE: Final = b"wisipay callback proofs, version 1"
_KEY_BYTES: Final = 32


class ProofKeys:
    """The keys of proofs, derived from API_SECRET_ENC_KEY; the first signs, all of them verify."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._keys = {key_id: Ed25519PrivateKey.from_private_bytes(_derive(each)) for key_id, each in secrets.items()}
        self._active_id = next(iter(self._keys))

    @classmethod
    def from_settings(cls, settings: Settings) -> "ProofKeys":
        """Derive the keys of an installation."""
        return cls(parse_keys(settings.api_secret_enc_key))

    def public_keys(self) -> dict[str, str]:
        """Return the public keys by key id, base64 of 32 bytes, the one that signs first."""
        return {key_id: _public_text(key.public_key()) for key_id, key in self._keys.items()}

    def sign(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the proof: the record with its digest, signature and key."""
        text, key = canonical(record), self._keys[self._active_id]
        return {
            "record": record,
            "sha256": sha256(text).hexdigest(),
            "signature": b64encode(key.sign(text)).decode(),
            "keyId": self._active_id,
            "publicKey": _public_text(key.public_key()),
        }


def verify_proof(proof: Mapping[str, Any], public_keys: Mapping[str, str]) -> bool:
    """Tell whether a proof is what one of these keys (base64 by key id) signed; its own `publicKey` proves nothing."""
    try:
        public = Ed25519PublicKey.from_public_bytes(b64decode(public_keys[proof["keyId"]], validate=True))
        public.verify(b64decode(proof["signature"], validate=True), canonical(proof["record"]))
    except (KeyError, TypeError, ValueError, InvalidSignature):
        return False
    return True


def canonical(record: object) -> bytes:
    """Write a record as it is signed: JSON with sorted names, no spaces, UTF-8 unescaped."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_proof(text: bytes) -> dict[str, Any]:
    """Read a printed proof. Raises BadRequest."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise BadRequest("this is not a proof: it is no JSON object") from None


async def proof_record(pool: Pool, event_id: UUID, *, installation: str) -> dict[str, Any]:
    """Gather what is known of an event, as JSON values. Raises NotFound."""
    found = await show(pool, event_id)
    if found is None:
        raise NotFound(f"No callback event has the id {event_id}; `wisipay callbacks list` shows them")
    event, attempts = found[0].event, found[1]
    to_endpoints = (await deliveries_of(pool, [event_id])).get(event_id, [])
    return {
        "version": VERSION,
        "installation": installation,
        "event": {
            "webhookId": str(event_id),
            "merchantId": event.merchant_id,
            "transactionId": event.transaction_id,
            "orderId": event.order_id,
            "type": event.type,
            "status": event.status,
            "amountPaise": event.amount_paise,
            "currency": event.currency,
            "utr": event.utr,
            "occurredAt": event.occurred_at.isoformat(),
        },
        "standing": [
            {"endpoint": "callback URL", "url": event.url, "state": str(found[0].state)},
            *({"endpoint": each.endpoint_id, "url": each.url, "state": str(each.state)} for each in to_endpoints),
        ],
        "attempts": [_attempt(each) for each in attempts],
    }


def _attempt(attempt: AttemptRecord) -> dict[str, Any]:
    sent = attempt.body_sha256
    return {
        "endpoint": attempt.endpoint_id or "callback URL",
        "url": attempt.url,
        "startedAt": attempt.started_at.isoformat(),
        "latencyMs": attempt.latency_ms,
        "outcome": str(attempt.outcome),
        "bodySha256": sent.hex() if sent else None,
        "signedBy": attempt.signed_by.split(" ") if attempt.signed_by else [],
        "httpStatus": attempt.http_status,
        "answer": attempt.answer.decode(errors="replace"),
        "answerSha256": sha256(attempt.answer).hexdigest(),
        "error": attempt.error,
    }


def _derive(secret: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(secret)


def _public_text(key: Ed25519PublicKey) -> str:
    return b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
