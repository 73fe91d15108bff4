"""A payin and a payout through every provider on the real processes: signed request, wire format, webhook, books."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import pytest

from support.e2e_parties import Lane
from support.e2e_play import Play
from support.fault_matrix import cells, play_cells
from support.provider_lane import found_lane
from support.waiting import until
from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.entrypoints.demonstration.scenarios import stage_of
from wisipay.entrypoints.simulated import played_adapters, simulated
from wisipay.providers import PaymentKind, capabilities_of

pytestmark = pytest.mark.timeout(240)

AT_ONCE_RUPEES = 511
"""Payouts of this amount are answered with their outcome: for a provider that nobody can ask and that signs nothing."""
LATER_RUPEES = 512


@dataclass(frozen=True)
class Journey:
    """One payment's way."""

    adapter: str
    kind: PaymentKind

    @property
    def order_id(self) -> str:
        """The order's id, which names the way."""
        return f"{self.adapter}-{self.kind}"

    @property
    def merchant(self) -> str:
        """The merchant's id."""
        return f"EP{self.adapter}{self.kind}".upper()


KINDS: tuple[PaymentKind, ...] = ("payin", "payout")
JOURNEYS = [
    Journey(name, kind)
    for name in played_adapters()
    for kind in KINDS
    if capabilities_of(name, simulated(name, "http://x", "x").credentials).modes(kind)
]

ASKED = {
    name
    for name in played_adapters()
    if capabilities_of(name, simulated(name, "http://x", "x").credentials).checks("payout")
}


@pytest.fixture(scope="module")
async def ended(play: Play) -> dict[Journey, Lane]:
    """Order every payment at once and wait until all have ended."""
    await play.tell("amounts", {"payout": {AT_ONCE_RUPEES * PAISE_PER_RUPEE: "sim:instant"}})
    lanes = {journey: await found_lane(play, journey.adapter, journey.kind, journey.merchant) for journey in JOURNEYS}
    await asyncio.gather(*(_order(play, journey, lane) for journey, lane in lanes.items()))

    async def all_ended() -> bool:
        payments = await play.payments([(lane, journey.order_id) for journey, lane in lanes.items()])
        return all(payment.status == "SUCCESS" for payment in payments)

    with suppress(AssertionError, TimeoutError):  # each payment tells for itself
        await until(all_ended, timeout_seconds=90)
    return lanes


@pytest.mark.parametrize("journey", [pytest.param(each, id=each.order_id) for each in JOURNEYS])
async def test_a_payment_goes_all_the_way(play: Play, ended: dict[Journey, Lane], journey: Journey) -> None:
    (payment,) = await play.payments([(ended[journey], journey.order_id)])
    assert (payment.status, payment.attempt, set(payment.flags)) == ("SUCCESS", 1, set())
    (attempt,) = await play.simulator.attempts(payment.id)
    assert (attempt.executions, attempt.amount_paise, attempt.status) == (1, payment.amount_paise, "SUCCESS")
    assert payment.utr in {None, attempt.utr}


async def test_no_lost_answer_of_any_provider_pays_out_twice(play: Play, ended: dict[Journey, Lane]) -> None:
    """A sample of `make faults`, which plays every fault."""
    assert ended
    wanted = [cell for cell in cells(("answer-lost",)) if cell.kind == "payout" and cell.adapter in ASKED]
    told = await play_cells(play, wanted, within_seconds=90)
    assert {(each.cell.adapter, each.word, each.executions, each.wrong) for each in told} == {
        (cell.adapter, "success", 1, ()) for cell in wanted
    }


async def _order(play: Play, journey: Journey, lane: Lane) -> None:
    capabilities = capabilities_of(journey.adapter, simulated(journey.adapter, "http://x", "x").credentials)
    stage = stage_of(capabilities, capabilities)
    mode = (stage.payin_modes if journey.kind == "payin" else stage.payout_modes)[0]
    told_later = capabilities.checks("payout") or capabilities.signs_webhooks
    rupees = LATER_RUPEES if journey.kind == "payin" or told_later else AT_ONCE_RUPEES
    async with play.shop(lane) as shop:
        initiate = shop.payin if journey.kind == "payin" else shop.payout
        told = await initiate(journey.order_id, paymentMode=mode, amount=rupees, remarks="a way through")
    assert told.status == 200, told
