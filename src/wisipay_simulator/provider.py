"""What every simulated provider brings: its routes, its answers and its webhooks in its own wire format.

One file per provider, `provider_<name>.py`; the engine in `simulation.py` knows none of them by name.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from wisipay_simulator.model import Kind, Payment, Status

Signature = Literal["valid", "wrong", "none"]


class Webhook(msgspec.Struct, frozen=True, gc=False):
    """One webhook to be sent: what it claims, which a fault may have made untrue, and how it is signed."""

    payment: Payment
    status: Status
    reference: str
    amount_paise: int
    currency: str = "INR"
    signature: Signature = "valid"
    broken: bool = False
    attempt: int = 1


class WebhookFormat(Protocol):
    """Renders webhooks and names payments for one provider."""

    name: str

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of the provider's payment ids."""
        ...

    def render(self, webhook: Webhook, secret: bytes, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return headers and body, signed with the account's secret as the provider would."""
        ...
