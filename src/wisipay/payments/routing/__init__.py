"""Routing: which channels a payment may take, in which order, and why; `deciding` decides. See docs/routing.md."""

from wisipay.payments.routing.explaining import decision_lines, payment_lines
from wisipay.payments.routing.floats import FloatPoller, told_floats
from wisipay.payments.routing.model import Decision, Facts
from wisipay.payments.routing.router import Router
from wisipay.payments.routing.spending import Spending, payouts_ever

__all__ = [
    "Decision",
    "Facts",
    "FloatPoller",
    "Router",
    "Spending",
    "decision_lines",
    "payment_lines",
    "payouts_ever",
    "told_floats",
]
