"""Whether an order fits what its provider takes, before anything is sent. Pure.

Decides what is refused for certain and why. Must never depend on what a provider is like today: that is the circuit's.
"""

from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.providers.base import Capabilities, OrderRules, PayinOrder, PaymentKind, PayoutOrder, Rejected


def refusal_of(capabilities: Capabilities, kind: PaymentKind, order: PayinOrder | PayoutOrder) -> Rejected | None:
    """Return why an order cannot go to a provider with these capabilities; None where it can."""
    if order.mode not in capabilities.modes(kind):
        return _refused("MODE_UNSUPPORTED", f"this channel takes no {kind} by {order.mode}")
    if len(order.reference) > capabilities.reference_max_length:
        return _refused("REFERENCE_TOO_LONG", "our reference is longer than this provider takes")
    rules = capabilities.rules(kind)
    needs = rules.needs | {name for mode, name in rules.needs_by_mode if mode == order.mode}
    missing = sorted(name for name in needs if not getattr(order, name))
    if missing:
        return _refused("FIELD_MISSING", f"this provider needs {', '.join(missing)}")
    return _amount_refusal(rules, order.amount)


def _amount_refusal(rules: OrderRules, amount: int) -> Rejected | None:
    if not rules.takes_paise and amount % PAISE_PER_RUPEE:
        return _refused("AMOUNT_NOT_WHOLE", "this provider takes whole rupees only")
    if rules.amount_min is not None and amount < rules.amount_min:
        return _refused("AMOUNT_TOO_LOW", "the amount is below what this provider takes")
    if rules.amount_max is not None and amount > rules.amount_max:
        return _refused("AMOUNT_TOO_HIGH", "the amount is above what this provider takes")
    return None


def _refused(code: str, message: str) -> Rejected:
    return Rejected(code, message, sent=False)
