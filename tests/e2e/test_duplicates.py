"""A hundred at once of the same initiate, on the real processes: one payment, one provider call, answers that agree."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest

from support.e2e_parties import FUNDS_PAISE, Founder, Lane
from support.e2e_play import Play
from support.shop import Shop, Told
from wisipay.merchants import SERVICE_KINDS, ServiceKind

pytestmark = pytest.mark.timeout(240)

COPIES = 100
DUPLICATES = "E2EDUPL"
_TRIES_MAX = 60


@dataclass(frozen=True)
class Crowd:
    """Copies of one initiate; `keys` says under how many idempotency keys they come (0: without)."""

    kind: ServiceKind
    keys: int

    @property
    def order_id(self) -> str:
        """The order id that all of them have."""
        return f"SAME-{self.kind}-{self.keys}"


CROWDS = [Crowd(kind, keys) for kind in SERVICE_KINDS for keys in (0, 1, 2, COPIES)]


@pytest.fixture(scope="module")
async def answered(play: Play) -> dict[Crowd, list[Told]]:
    """Send every crowd at once; whoever is told to come again does."""
    lane = await _found(play)
    async with play.shop(lane) as shop:
        crowds = await asyncio.gather(
            *(asyncio.gather(*(_ask(shop, crowd, number) for number in range(COPIES))) for crowd in CROWDS)
        )
    return dict(zip(CROWDS, crowds, strict=True))


@pytest.mark.parametrize("crowd", [pytest.param(each, id=each.order_id) for each in CROWDS])
async def test_one_payment_one_call_and_answers_that_agree(
    play: Play, answered: dict[Crowd, list[Told]], crowd: Crowd
) -> None:
    told = answered[crowd]
    winners = [each for each in told if each.status == 200]
    assert {each.code for each in told if each.status != 200} <= {"CONFLICT"}, Counter(each.status for each in told)
    assert len(winners) == (COPIES // crowd.keys if crowd.keys else 1)
    assert len({f"{each.body}" for each in winners}) == 1
    (payment,) = await play.payments([(Lane(DUPLICATES, "", ()), crowd.order_id)])
    assert winners[0].data["transactionId"] == payment.id
    (call,) = await play.simulator.attempts(payment.id)
    assert (call.executions, payment.attempt) == (1, 1)
    count = "SELECT count(*) FROM payments_transactions WHERE merchant_id = $1 AND order_id = $2"
    assert await play.pool.fetchval(count, DUPLICATES, crowd.order_id) == 1


async def _found(play: Play) -> Lane:
    async with play.pool.acquire() as conn, conn.transaction():
        founder = Founder(conn, play.settings)
        entity_id = await founder.legal_entity(DUPLICATES)
        url = play.settings.simulator_url or ""
        route = [await founder.channel(entity_id, DUPLICATES, url)]
        secret = await founder.merchant(DUPLICATES, dict.fromkeys(SERVICE_KINDS, route), url, FUNDS_PAISE)
    lane = Lane(DUPLICATES, secret, ())
    await play.introduce(lane)
    return lane


async def _ask(shop: Shop, crowd: Crowd, number: int) -> Told:
    initiate = shop.payin if crowd.kind == "payin" else shop.payout
    fields = {"key": f"{crowd.order_id}-{number % crowd.keys}"} if crowd.keys else {}
    for _ in range(_TRIES_MAX):
        told = await initiate(crowd.order_id, **fields)
        # The system's rate, too many at once, or a first request under this key that is still running: come again.
        if "retry-after" not in told.headers:
            return told
        await asyncio.sleep(int(told.headers["retry-after"]))
    raise AssertionError(f"{crowd.order_id} was told {_TRIES_MAX} times to come again")
