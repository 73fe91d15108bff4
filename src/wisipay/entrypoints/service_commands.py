"""What the commands of merchants and of channels do alike to a service: set it, add a fee, remove a fee.

Decides the words that are printed. A command is committed as a whole.
"""

from wisipay.entrypoints.operator import operate, tell
from wisipay.entrypoints.service_options import FeeOptions, amount_from
from wisipay.merchants import ServiceChange, ServiceKind, ServiceOwner, add_tier, change_service, remove_tier


def set_service_of(owner: ServiceOwner, service: ServiceKind, change: ServiceChange) -> None:
    """Set the configuration of a service."""
    operate(
        lambda operator: change_service(
            operator.conn, operator.author, owner, service, change, https_only=operator.https_only
        )
    )
    tell(f"changed {service} of {_named(owner)}")


def add_fee_of(owner: ServiceOwner, service: ServiceKind, options: FeeOptions) -> None:
    """Add a fee tier."""
    tier = options.tier()
    operate(lambda operator: add_tier(operator.conn, operator.author, owner, service, tier))
    tell(f"added a {service} fee to {_named(owner)}")


def remove_fee_of(owner: ServiceOwner, service: ServiceKind, from_amount: str) -> None:
    """Remove the fee tier that starts at an amount (rupees)."""
    start = amount_from("fromAmount", from_amount)
    operate(lambda operator: remove_tier(operator.conn, operator.author, owner, service, start))
    tell(f"removed a {service} fee of {_named(owner)}")


def _named(owner: ServiceOwner) -> str:
    return " ".join(owner.entity)
