"""A payin and a payout through every provider on the real processes: signed request, wire format, webhook, books."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import pytest

from support.e2e_parties import FUNDS_PAISE, Founder, Lane
from support.e2e_play import Play
from support.waiting import until
from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.entrypoints.demonstration.scenarios import stage_of
from wisipay.entrypoints.simulated import played_adapters, simulated
from wisipay.merchants import ServiceKind
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


KINDS: tuple[PaymentKind, ...] = ("payin", "payout")
JOURNEYS = [
    Journey(name, kind)
    for name in played_adapters()
    for kind in KINDS
    if capabilities_of(name, simulated(name, "http://x", "x").credentials).modes(kind)
]


@pytest.fixture(scope="module")
async def ended(play: Play) -> dict[Journey, Lane]:
    """Order every payment at once and wait until all have ended."""
    await play.tell("amounts", {"payout": {AT_ONCE_RUPEES * PAISE_PER_RUPEE: "sim:instant"}})
    lanes = {journey: await _found(play, journey) for journey in JOURNEYS}
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


async def _found(play: Play, journey: Journey) -> Lane:
    name = f"EP{journey.order_id.replace('-', '')}".upper()
    known = simulated(journey.adapter, play.settings.simulator_url or "", name)
    async with play.pool.acquire() as conn, conn.transaction():
        founder = Founder(conn, play.settings)
        entity_id = await founder.legal_entity(name)
        channel_id = await founder.channel(entity_id, name, "", adapter=journey.adapter, credentials=known.credentials)
        routes: dict[ServiceKind, list[str]] = {journey.kind: [channel_id]}
        secret = await founder.merchant(name, routes, play.settings.simulator_url or "", FUNDS_PAISE)
    provider_id = channel_id.removesuffix(f"_{entity_id}")
    account = {"api_key": known.api_key, "webhook_secret": known.webhook_secret}
    for kind in ("payin", "payout"):
        url = f"{play.settings.app_base_url}/webhook/{kind}/{provider_id}/{entity_id}"
        account[f"{kind}_webhook_url"] = url
    await play.tell(f"accounts/{channel_id}", account)
    lane = Lane(name, secret, ())
    await play.introduce(lane)
    return lane


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
