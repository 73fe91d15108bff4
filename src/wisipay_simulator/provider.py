"""What every simulated provider brings: its routes, its answers and its webhooks in its own wire format.

One file per provider, `provider_<name>.py`; the engine in `simulation.py` knows none of them by name.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from wisipay_simulator.model import Kind, Payment, Status
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Router

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

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return headers and body, signed or encrypted with what the account has, as the provider would."""
        ...


class SimulatedProvider(Protocol):
    """One file's worth: every module `provider_<name>` has `build(simulation, public_url)`, which returns one."""

    formats: Sequence[WebhookFormat]

    def add_routes(self, router: Router) -> None:
        """Add the provider's API."""
        ...
