"""What the handlers of the developer's API need, and who is let in.

Decides that these endpoints take v2 signatures only: they are new, so nobody's old code signs v1 for them, and a v1
signature of a GET would be good for any other GET.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wisipay.callbacks import AmountUnit
from wisipay.core.clock import Clock
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.core.errors import Forbidden
from wisipay.core.http_waits import LongPolls
from wisipay.core.http_wire import WireRequest
from wisipay.developers.events import Events
from wisipay.merchants import Merchant, MerchantGate, Refusal, SignedRequest

_V2: Final = "v2="


@dataclass(frozen=True, slots=True)
class DeveloperApi:
    """What the handlers need; `box` seals secrets of endpoints, whose addresses are `https_only` in production."""

    gate: MerchantGate
    pool: Pool
    events: Events
    clock: Clock
    unit: AmountUnit
    polls: LongPolls
    box: SecretBox
    https_only: bool


async def admit(api: DeveloperApi, request: WireRequest) -> Merchant:
    """Return whose request it is. Raises what the gate raises, and Forbidden for a signature that is not v2."""
    signed = SignedRequest(
        method=request.method,
        path_and_query=request.path_and_query,
        headers=request.headers,
        body=request.body,
        peer_address=request.peer_address,
    )
    merchant = await api.gate.admit(signed, None, tps=True)
    if not request.headers.get("x-signature", "").strip().lower().startswith(_V2):
        raise Forbidden(
            "These endpoints take v2 signatures only: x-signature: v2=<hex>",
            details={"reason": Refusal.SIGNATURE_V2_REQUIRED.value},
        )
    return merchant
