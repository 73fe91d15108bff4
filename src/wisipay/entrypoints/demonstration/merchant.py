"""A merchant's own client: signs a request as the integration guide says and sends it.

Decides nothing about payments. Written from the contract alone, so that it proves the contract: it must never use the
code that verifies signatures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from wisipay.core.clock import Clock
from wisipay.core.http_client import AnswerLost, HttpClient, NotSent
from wisipay.core.signing import hmac_sha256_hex, sha256_hex

SignatureVersion = Literal["v1", "v2"]

_TIMEOUT_SECONDS: Final = 60
_HTTP_OK: Final = 200


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """How a call ended: HTTP status (0: none came) and, of a refusal, its code."""

    status: int
    code: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the payment was taken."""
        return self.status == _HTTP_OK


def signed_headers(
    *,
    merchant_id: str,
    secret: str,
    method: str,
    path: str,
    body: bytes,
    timestamp_ms: int,
    version: SignatureVersion = "v2",
) -> dict[str, str]:
    """Return the headers that make a request this merchant's."""
    if version == "v2":
        text = f"{timestamp_ms}\n{method}\n{path}\n{sha256_hex(body)}"
        signature = f"v2={hmac_sha256_hex(secret, text.encode())}"
    else:
        signature = hmac_sha256_hex(secret, body + f"|{timestamp_ms}".encode())
    return {
        "content-type": "application/json",
        "x-merchant-id": merchant_id,
        "x-timestamp": str(timestamp_ms),
        "x-signature": signature,
    }


class MerchantClient:
    """One merchant at the merchant API under `base_url`."""

    def __init__(
        self,
        client: HttpClient,
        clock: Clock,
        *,
        base_url: str,
        merchant_id: str,
        secret: str,
        version: SignatureVersion = "v2",
    ) -> None:
        self._client = client
        self._clock = clock
        self._base_url = base_url.rstrip("/")
        self.merchant_id = merchant_id
        self._secret = secret
        self._version: SignatureVersion = version

    async def initiate(self, kind: Literal["payin", "payout"], order: Mapping[str, Any]) -> ApiAnswer:
        """Start a payment, once, whatever comes back; a lost answer has status 0."""
        path = f"/api/payment/{kind}/initiate"
        body = msgspec.json.encode(order)
        headers = signed_headers(
            merchant_id=self.merchant_id,
            secret=self._secret,
            method="POST",
            path=path,
            body=body,
            timestamp_ms=int(self._clock.now().timestamp() * 1000),
            version=self._version,
        )
        try:
            answer = await self._client.request(
                "POST", self._base_url + path, headers=headers, body=body, timeout_seconds=_TIMEOUT_SECONDS
            )
        except (NotSent, AnswerLost) as error:
            return ApiAnswer(0, str(error))
        return ApiAnswer(answer.status, "" if answer.status == _HTTP_OK else _code(answer.body))


def _code(body: bytes) -> str:
    """Return the code of either shape of error."""
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    error = told.get("error")
    return str(error.get("code", "") if isinstance(error, dict) else told.get("code", ""))
