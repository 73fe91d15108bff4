"""How a request and a callback are signed. Pure: time and secrets come in, texts go out."""

import hashlib
import hmac
from base64 import b64encode


def sign_request(*, secret: str, method: str, target: str, body: bytes, timestamp_ms: int) -> str:
    """Return the value of `x-signature`, scheme v2: time, method, path with query, and body are bound.

    `target` is the path with its query, as it goes over the wire; `body` is empty for GET.
    """
    digest = hashlib.sha256(body).hexdigest()
    message = f"{timestamp_ms}\n{method.upper()}\n{target}\n{digest}".encode()
    return "v2=" + _hmac(secret, message).hex()


def standard_signature(*, secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Return one signature of a callback's `webhook-signature`, as Standard Webhooks has it, keyed with the secret."""
    return "v1," + b64encode(_hmac(secret, f"{event_id}.{timestamp}.".encode() + body)).decode()


def _hmac(secret: str, message: bytes) -> bytes:
    return hmac.digest(secret.encode(), message, hashlib.sha256)
