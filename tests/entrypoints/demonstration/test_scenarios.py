"""The demo's orders are valid, show every way a payment can go, and don't come in clusters."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import msgspec
import pytest

from wisipay.core.ids import new_id
from wisipay.entrypoints.demonstration.scenarios import DUMMY_STAGE, PAYINS, PAYOUTS, Order, orders, stage_of
from wisipay.entrypoints.simulated import simulated
from wisipay.payments.validation import payin_request, payout_request
from wisipay.providers import capabilities_of
from wisipay_simulator.tokens import parse_tokens

PREFIX = new_id("D")[:17]


@pytest.mark.parametrize(("payins", "payouts"), [(0, 0), (1, 0), (0, 1), (13, 14), (200, 100), (7, 500)])
def test_as_many_orders_as_asked_for_with_ids_of_their_own(payins: int, payouts: int) -> None:
    made = orders(PREFIX, payins, payouts)
    assert Counter(order.kind for order in made) == +Counter({"payin": payins, "payout": payouts})
    assert len({order.order_id for order in made}) == len(made)


def test_every_order_is_valid_and_its_tokens_are_known() -> None:
    for order in orders(PREFIX, 100, 100):
        read = payin_request if order.kind == "payin" else payout_request
        request = read(msgspec.json.encode(order.body), "RUPEES")
        assert request.remarks == order.scenario.tokens
        assert parse_tokens(order.scenario.tokens)


def test_a_small_run_shows_every_scenario_once() -> None:
    made = orders(PREFIX, len(PAYINS), len(PAYOUTS))
    assert [order.scenario for order in made if order.kind == "payin"] == list(PAYINS)
    assert [order.scenario for order in made if order.kind == "payout"] == list(PAYOUTS)


def test_unknown_payouts_never_come_so_many_in_a_row_that_a_circuit_opens() -> None:
    payouts = [order for order in orders(PREFIX, 0, 1_000) if not order.scenario.poor]
    longest = max(len(list(group)) for lost, group in groupby(payouts, key=_is_lost) if lost)
    assert longest < 3


def _is_lost(order: Order) -> bool:
    return any(word in order.scenario.tokens for word in ("lost", "timeout", "broken"))


def test_no_two_orders_of_a_run_have_the_same_amount() -> None:
    for payins, payouts in ((2_000, 2_900), (5_000, 3_000)):
        amounts = [order.body["amount"] for order in orders(PREFIX, payins, payouts)]
        assert len(set(amounts)) == len(amounts)


def test_a_provider_plays_what_it_has_words_for() -> None:
    v2 = capabilities_of("tpipayv2", simulated("tpipayv2", "http://x", "a").credentials)
    dummy = capabilities_of("dummy", simulated("dummy", "http://x", "a").credentials)
    stage = stage_of(v2, v2)
    assert {scenario.name for scenario in stage.payouts} == {
        "refused by every provider",
        "no money for it",
        "success at once",
    }
    assert "charged back" not in {scenario.name for scenario in stage.payins}
    assert stage.payout_modes == ("IMPS", "NEFT")
    assert stage_of(dummy, dummy) == DUMMY_STAGE


def test_orders_are_in_modes_that_their_provider_takes() -> None:
    v2 = capabilities_of("tpipayv2", simulated("tpipayv2", "http://x", "a").credentials)
    made = orders(PREFIX, 0, 10, stage_of(v2, v2))
    assert {order.body["paymentMode"] for order in made} == {"IMPS", "NEFT"}
