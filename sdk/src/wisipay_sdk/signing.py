"""How a request and a callback are signed. Pure: time and secrets come in, texts go out."""

import hashlib
import hmac
from base64 import b64decode, b64encode

_ENDPOINTS = "whsec_"


def sign_request(*, secret: str, method: str, target: str, body: bytes, timestamp_ms: int) -> str:
    """Return the value of `x-signature`, scheme v2: time, method, path with query, and body are bound.

    `target` is the path with its query, as it goes over the wire; `body` is empty for GET.
    """
    digest = hashlib.sha256(body).hexdigest()
    message = f"{timestamp_ms}\n{method.upper()}\n{target}\n{digest}".encode()
    return "v2=" + _hmac(secret.encode(), message).hex()


def standard_signature(*, secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Return one signature of a callback's `webhook-signature`, as Standard Webhooks has it.

    An endpoint's secret (`whsec_…`) is the base64 of its key; an API secret is the key itself. A `whsec_` that is no
    base64 is a ValueError.
    """
    key = (
        b64decode(secret.removeprefix(_ENDPOINTS), validate=True) if secret.startswith(_ENDPOINTS) else secret.encode()
    )
    return "v1," + b64encode(_hmac(key, f"{event_id}.{timestamp}.".encode() + body)).decode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)
