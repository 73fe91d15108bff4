"""A merchant at the merchant API: signed requests over real HTTP, each with a timestamp of its own."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from wisipay.access import sign, v2_message

_CALL_SECONDS = 60


@dataclass(frozen=True)
class Told:
    """One answer; `body` is the parsed JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:  # noqa: ANN401 - JSON
        """What a success carries."""
        assert self.body["success"] is True, self.body
        return self.body["data"]

    @property
    def code(self) -> str:
        """The code of an error, of either shape."""
        error = self.body["error"]
        return str(error["code"] if isinstance(error, dict) else self.body["code"])


@dataclass
class Shop:
    """One merchant and where it sends its requests."""

    url: str
    merchant_id: str
    secret: str
    session: aiohttp.ClientSession
    _last_ms: int = field(default=0)

    async def call(self, method: str, path: str, content: object = None, **headers: str) -> Told:
        """Send one signed request."""
        body = b"" if content is None else json.dumps(content).encode()
        named = {
            **self.signed(method, path, body),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        async with self.session.request(method, self.url + path, data=body or None, headers=named) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Told(answer.status, json.loads(await answer.read()), told)

    def signed(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """Return the headers that make a request this merchant's; no two have the same timestamp."""
        self._last_ms = max(self._last_ms + 1, time.time_ns() // 1_000_000)
        timestamp = str(self._last_ms)
        message = v2_message(method=method, path_and_query=path, body=body, timestamp=timestamp)
        return {
            "x-merchant-id": self.merchant_id,
            "x-timestamp": timestamp,
            "x-signature": "v2=" + sign(self.secret.encode(), message),
            "content-type": "application/json",
        }

    async def payin(self, order_id: str, remarks: str = "", /, **fields: object) -> Told:
        """Start a payin of 500 rupees; header fields are named in capitals."""
        return await self._initiate("payin", payin_body(order_id, remarks), fields)

    async def payout(self, order_id: str, remarks: str = "", /, **fields: object) -> Told:
        """Start a payout of 500 rupees."""
        return await self._initiate("payout", payout_body(order_id, remarks), fields)

    async def status(self, order_id: str, kind: str = "") -> Told:
        """Ask how an order stands, by type when `kind` is given."""
        path = f"/api/payment/{kind}/status/{order_id}" if kind else f"/api/payment/{order_id}"
        return await self.call("GET", path)

    async def _initiate(self, kind: str, body: dict[str, object], fields: dict[str, object]) -> Told:
        headers = {"idempotency_key": str(fields.pop("key"))} if "key" in fields else {}
        return await self.call("POST", f"/api/payment/{kind}/initiate", body | fields, **headers)


def payin_body(order_id: str, remarks: str = "") -> dict[str, object]:
    """Return the body of a payin of 500 rupees."""
    return {
        "amount": 500,
        "orderId": order_id,
        "paymentMode": "UPI",
        "customerName": "Asha Rao",
        "customerEmail": "asha@example.com",
        "customerPhone": "9876543210",
        "remarks": remarks,
    }


def payout_body(order_id: str, remarks: str = "") -> dict[str, object]:
    """Return the body of a payout of 500 rupees."""
    return {
        "amount": 500,
        "orderId": order_id,
        "paymentMode": "IMPS",
        "beneficiaryName": "Asha Rao",
        "beneficiaryAccountNumber": "000123456789",
        "beneficiaryIfsc": "HDFC0000001",
        "beneficiaryBankName": "HDFC Bank",
        "remarks": remarks,
    }


@asynccontextmanager
async def open_shop(url: str, merchant_id: str, secret: str) -> AsyncIterator[Shop]:
    """Let a merchant send requests."""
    timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Shop(url, merchant_id, secret, session)
