"""What is refused before it is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from support.provider_bench import AMOUNT, payin_order, payout_order
from wisipay.core.money import Paise
from wisipay.providers import Capabilities, OrderRules, Rejected
from wisipay.providers.rules import refusal_of

CAN = Capabilities(
    payin_modes=frozenset({"UPI"}),
    payout_modes=frozenset({"IMPS"}),
    checks_status=True,
    signs_webhooks=False,
    not_found_is_definite=False,
    reference_max_length=26,
    unchecked_kinds=frozenset({"payout"}),
)


def refused(rules: OrderRules) -> Rejected | None:
    return refusal_of(replace(CAN, payout_rules=rules), "payout", payout_order())


def test_what_fits_is_not_refused() -> None:
    assert refusal_of(CAN, "payin", payin_order()) is None
    everything = OrderRules(needs=frozenset({"bank_name"}), amount_min=AMOUNT, amount_max=AMOUNT)
    assert refused(everything) is None


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (OrderRules(needs=frozenset({"vpa", "bank_name"})), "FIELD_MISSING"),
        (OrderRules(needs_by_mode=frozenset({("IMPS", "vpa"), ("UPI", "remarks")})), "FIELD_MISSING"),
        (OrderRules(takes_paise=False), "AMOUNT_NOT_WHOLE"),
        (OrderRules(amount_min=Paise(AMOUNT + 1)), "AMOUNT_TOO_LOW"),
        (OrderRules(amount_max=Paise(AMOUNT - 1)), "AMOUNT_TOO_HIGH"),
    ],
)
def test_what_does_not_fit_is_refused_unsent(rules: OrderRules, code: str) -> None:
    refusal = refused(rules)
    assert refusal is not None
    assert (refusal.code, refusal.sent) == (code, False)
    if code == "FIELD_MISSING":
        assert refusal.message == "this provider needs vpa"


def test_whole_rupees_fit_where_paise_do_not() -> None:
    whole = structs.replace(payout_order(), amount=Paise(10_000))
    assert refusal_of(replace(CAN, payout_rules=OrderRules(takes_paise=False)), "payout", whole) is None


def test_a_kind_can_be_left_out_of_status_checks() -> None:
    assert CAN.checks("payin")
    assert not CAN.checks("payout")
    assert not replace(CAN, checks_status=False).checks("payin")
