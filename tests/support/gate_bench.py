"""A gate over merchants in memory and the real Redis, and requests signed as a merchant signs them."""

from __future__ import annotations

from collections.abc import Mapping

import redis.asyncio

from support.merchants import FixedClock
from support.parties import SECRET, Merchants, merchant
from wisipay.access import SharedWindows, sign, v1_message, v2_message
from wisipay.core.errors import AppError
from wisipay.merchants import GatePolicy, Merchant, MerchantGate, ServiceKind, SignedRequest

BODY = b'{"amount":100,"orderId":"ORDER1"}'
PATH = "/api/payment/payin/initiate"


class GateBench:
    """One merchant, MER-1, before the gate; `put` changes it, `moment` stands until the test moves it."""

    def __init__(
        self, client: redis.asyncio.Redis, *, system_tps: int = 1000, trusted_proxies: tuple[str, ...] = ()
    ) -> None:
        self.clock = FixedClock()
        self.merchants = Merchants(merchant("MER-1"), strict=True)
        self.windows = SharedWindows(client)
        self.gate = MerchantGate(
            directory=self.merchants,
            windows=self.windows,
            clock=self.clock,
            policy=GatePolicy(trusted_proxies, system_tps, system_window_seconds=60),
        )

    @property
    def merchant(self) -> Merchant:
        """Return the merchant as it is now."""
        return self.merchants.known["MER-1"]

    def put(self, changed: Merchant) -> None:
        """Change the merchant."""
        self.merchants.known["MER-1"] = changed

    def timestamp(self, *, off_ms: int = 0) -> str:
        """Return the gate's time, or one beside it, as a header has it."""
        return str(int(self.clock.moment.timestamp() * 1000) + off_ms)

    def request(
        self,
        *,
        method: str = "POST",
        path: str = PATH,
        body: bytes = BODY,
        secret: bytes = SECRET,
        version: str = "v1",
        timestamp: str | None = None,
        peer: str = "203.0.113.7",
        headers: Mapping[str, str | None] | None = None,
    ) -> SignedRequest:
        """Return a signed request; `headers` replace or (None) take away."""
        timestamp = timestamp or self.timestamp()
        signature = sign(secret, v1_message(body, timestamp))
        if version == "v2":
            message = v2_message(method=method, path_and_query=path, body=body, timestamp=timestamp)
            signature = "v2=" + sign(secret, message)
        complete: dict[str, str | None] = {
            "x-merchant-id": "MER-1",
            "x-timestamp": timestamp,
            "x-signature": signature,
            "content-type": "application/json" if method == "POST" else None,
            **(headers or {}),
        }
        kept = {name: value for name, value in complete.items() if value is not None}
        return SignedRequest(method, path, kept, body, peer)

    async def outcome(
        self, request: SignedRequest, service: ServiceKind | None = "payin", *, tps: bool = True, sandbox: bool = False
    ) -> AppError | None:
        """Return the refusal of a request, or None when it is admitted."""
        try:
            await self.gate.admit(request, service, tps=tps, sandbox=sandbox)
        except AppError as error:
            return error
        return None

    async def reason(self, request: SignedRequest, service: ServiceKind | None = "payin") -> tuple[int, str]:
        """Return status and named reason (or the fields at fault) of a refusal; (200, "") when it is admitted."""
        error = await self.outcome(request, service)
        if error is None:
            return 200, ""
        named = error.details.get("reason") or error.details.get("scope") or ",".join(sorted(error.details))
        return error.http_status, str(named)
