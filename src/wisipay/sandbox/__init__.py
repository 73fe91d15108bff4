"""The UAT sandbox: payments that a merchant's developer can have end in every way, without money or a provider.

The public face of the slice; `worker` is mounted by entrypoints.
"""

from wisipay.sandbox.events import SandboxAttempt, SandboxEvent, SandboxEvents
from wisipay.sandbox.outcomes import OUTCOMES, Outcome
from wisipay.sandbox.record import SANDBOX_MARK
from wisipay.sandbox.service import SandboxPayments
from wisipay.sandbox.store import TRIES_MAX, SandboxStore

__all__ = [
    "OUTCOMES",
    "SANDBOX_MARK",
    "TRIES_MAX",
    "Outcome",
    "SandboxAttempt",
    "SandboxEvent",
    "SandboxEvents",
    "SandboxPayments",
    "SandboxStore",
]
