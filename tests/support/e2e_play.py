"""Plays scenarios against a running installation: orders all at once, acts by hand where it says so, waits once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from time import monotonic

import msgspec

from support.e2e_parties import Founder, Lane
from support.e2e_scenarios import Scenario
from support.shop import Shop, Told, open_shop
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.http_client import HttpClient
from wisipay.entrypoints.demonstration.simulator import Action, Simulator
from wisipay.payments import Transaction, store

_LOOK_SECONDS = 0.25
_TRIES = 60


@dataclass(frozen=True)
class Played:
    """What came of one scenario: the answer to its order, and the payment at the end."""

    scenario: Scenario
    answer: Told
    payment: Transaction


class Play:
    """One installation, its provider and its merchants."""

    def __init__(self, settings: Settings, pool: Pool, client: HttpClient) -> None:
        self.settings = settings
        self.pool = pool
        self.simulator = Simulator(client, settings.simulator_url or "")
        self._client = client

    async def found(self, scenarios: Sequence[Scenario], prefix: str) -> list[Lane]:
        """Make the merchants of these scenarios, and introduce them to the simulator."""
        async with self.pool.acquire() as conn:
            lanes = await Founder(conn, self.settings).found(scenarios, prefix)
        for lane in lanes:
            await self.introduce(lane)
        return lanes

    async def introduce(self, lane: Lane, *, slow_ms: int = 0) -> None:
        """Tell the simulator who a merchant is, and how long its endpoint takes to answer."""
        await self.tell(f"merchants/{lane.merchant_id}", {"secrets": [lane.secret], "slow_ms": slow_ms})

    async def tell(self, what: str, content: object) -> None:
        """Tell the simulator something, at its address `/control/...`."""
        url, body = f"{self.settings.simulator_url}/control/{what}", msgspec.json.encode(content)
        headers = {"content-type": "application/json"}
        answer = await self._client.request("PUT", url, headers=headers, body=body, timeout_seconds=10)
        assert answer.status == 200, answer.body

    async def play(self, lanes: Sequence[Lane], *, within_seconds: float) -> dict[str, Played]:
        """Order every scenario's payment at once and wait, at most so long, until all have ended as they should."""
        async with AsyncExitStack() as stack:
            shops = [await stack.enter_async_context(self.shop(lane)) for lane in lanes]
            told = await asyncio.gather(
                *(
                    order(shop, scenario, f"ORDER-{number}")
                    for shop, lane in zip(shops, lanes, strict=True)
                    for number, scenario in enumerate(lane.scenarios)
                )
            )
        orders = [(lane, f"ORDER-{number}") for lane in lanes for number in range(len(lane.scenarios))]
        expected = [scenario for lane in lanes for scenario in lane.scenarios]
        payments = await self._wait(orders, expected, within_seconds)
        return {
            scenario.name: Played(scenario, answer, payment)
            for scenario, answer, payment in zip(expected, told, payments, strict=True)
        }

    def shop(self, lane: Lane) -> AbstractAsyncContextManager[Shop]:
        """Return the lane's merchant, ready to send requests."""
        return open_shop(self.settings.app_base_url, lane.merchant_id, lane.secret)

    async def payments(self, orders: Sequence[tuple[Lane, str]]) -> list[Transaction]:
        """Return the payments of orders that were all taken."""
        async with self.pool.acquire() as conn:
            found = [await store.by_order(conn, lane.merchant_id, order_id) for lane, order_id in orders]
        missing = [order for order, payment in zip(orders, found, strict=True) if payment is None]
        assert not missing, missing
        return [each for each in found if each is not None]

    async def _wait(
        self, orders: Sequence[tuple[Lane, str]], expected: Sequence[Scenario], within_seconds: float
    ) -> list[Transaction]:
        deadline = monotonic() + within_seconds
        acted: set[str] = set()
        while True:
            payments = await self.payments(orders)
            waiting = [
                payment for payment, scenario in zip(payments, expected, strict=True) if not _is_over(payment, scenario)
            ]
            for payment, scenario in zip(payments, expected, strict=True):
                if scenario.by_hand and payment.status == scenario.after and payment.id not in acted:
                    acted.add(payment.id)
                    await self._act(payment, _ACTIONS[scenario.by_hand])
            if (not waiting and await self._is_quiet()) or monotonic() > deadline:
                return payments
            await asyncio.sleep(_LOOK_SECONDS)

    async def _act(self, payment: Transaction, action: Action) -> None:
        (attempt,) = await self.simulator.attempts(payment.id)
        await self.simulator.move(attempt.payment_id, action)

    async def _is_quiet(self) -> bool:
        """Whether neither provider nor callbacks have anything left to say."""
        waiting = await self.pool.fetchval("SELECT count(*) FROM callbacks_outbox WHERE state = 'WAITING'")
        return waiting == 0 and (await self.simulator.summary()).is_quiet


_ACTIONS: Mapping[str, Action] = {"complete": "complete", "fail": "fail"}


def _is_over(payment: Transaction, scenario: Scenario) -> bool:
    return payment.status == scenario.ends and set(payment.flags) == ({scenario.flag} if scenario.flag else set())


async def order(shop: Shop, scenario: Scenario, order_id: str) -> Told:
    """Order a scenario's payment, again as long as the instance is overloaded: it has never seen all orders at once."""
    initiate = shop.payin if scenario.kind == "payin" else shop.payout
    told = await initiate(order_id, scenario.tokens)
    for _ in range(_TRIES):
        if told.body.get("code") != "OVERLOADED":
            break
        await asyncio.sleep(float(told.headers["retry-after"]))
        told = await initiate(order_id, scenario.tokens)
    return told
