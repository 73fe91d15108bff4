"""Processes killed in the middle: what was acknowledged ends, once, and what a worker held is taken up."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import aiohttp
import pytest

from support import lease_log
from support.e2e_parties import Lane
from support.e2e_play import Play
from support.e2e_scenarios import KINDS, Kind, Scenario
from support.pulse import Pulse
from support.shop import Shop
from support.waiting import until
from wisipay.core.clock import utc_now
from wisipay.entrypoints.instance import Instance

pytestmark = pytest.mark.timeout(240)

WAVE = 20
LEASE = timedelta(seconds=8)
TAKEN_UP = timedelta(seconds=10)
_TRIES = 5


def _scenario(kind: Kind, number: int) -> Scenario:
    """Return a payment whose webhook comes while everything is being killed, or (some payouts) never."""
    never = kind == "payout" and number % 2
    tokens = "sim:after=300 sim:webhook-missing" if never else "sim:after=800"
    return Scenario(f"{kind} {number}", kind, tokens, "SUCCESS")


async def test_what_was_acknowledged_ends_although_payment_and_worker_are_killed(
    instances: dict[str, Instance], play: Play
) -> None:
    (lane,) = await play.found([_scenario(kind, 0) for kind in KINDS], "KILLED")
    async with play.shop(lane) as shop:
        first = await asyncio.gather(*(_order(shop, number) for number in range(WAVE)))
        assert all(first)
        second = asyncio.gather(*(_order(shop, number) for number in range(WAVE, 2 * WAVE)))
        await until(lambda: _has_begun(play, lane, WAVE + 1), timeout_seconds=30)
        await _kill(instances, "payment")
        await _kill(instances, "worker")
        acknowledged = [order_id for order_id in [*first, *await second] if order_id]
        await until(lambda: _is_up(shop), timeout_seconds=60)
    await until(lambda: _ended(play, lane, acknowledged), timeout_seconds=100)
    assert (await play.simulator.summary()).double_payouts == 0


async def test_what_a_killed_worker_held_is_taken_up_within_ten_seconds(
    instances: dict[str, Instance], play: Play
) -> None:
    """The provider holds every status check, so the worker dies with a claimed payment in its hands.

    Who held it when is read from a log that the database keeps. A look may end just before the kill: then the next one
    is waited for.
    """
    scenario = Scenario("held", "payout", "sim:pending sim:status-timeout", "SUCCESS", alone=True)
    (lane,) = await play.found([scenario], "HELD")
    async with play.shop(lane) as shop:
        assert (await shop.payout("ORDER-0", scenario.tokens)).status == 200
    payment = (await play.payments([(lane, "ORDER-0")]))[0]
    await play.pool.execute(lease_log.INSTALL)

    async def log() -> list[lease_log.LeaseEvent]:
        async with play.pool.acquire() as conn:
            return [event for event in await lease_log.read(conn) if event.row_id == payment.id]

    async def is_held() -> bool:
        return lease_log.held_at(await log(), payment.id, utc_now())

    async def dies_holding_it() -> datetime | None:
        await play.pool.execute("UPDATE payments_transactions SET due_at = $2 WHERE id = $1", payment.id, utc_now())
        await until(is_held, timeout_seconds=30)
        await _kill(instances, "worker")
        died_at = utc_now()
        return died_at if lease_log.held_at(await log(), payment.id, died_at) else None

    with Pulse() as pulse:
        for _ in range(_TRIES):
            if died_at := await dies_holding_it():
                break
        else:
            raise AssertionError(f"{_TRIES} workers were killed and none of them held the payment")
        await until(lambda: _taken_over(log, died_at), timeout_seconds=60)
    taken_over = next(each for each in lease_log.take_overs(await log()) if each.at >= died_at)
    assert taken_over.lease_until - died_at < LEASE
    assert taken_over.waited(died_at) < pulse.allowed(TAKEN_UP, died_at, taken_over.at)
    (attempt,) = await play.simulator.attempts(payment.id)
    await play.simulator.move(attempt.payment_id, "complete")
    await until(lambda: _ended(play, lane, ["ORDER-0"]), timeout_seconds=60)


async def _taken_over(log: Callable[[], Awaitable[list[lease_log.LeaseEvent]]], died_at: datetime) -> bool:
    return any(each.at >= died_at for each in lease_log.take_overs(await log()))


async def _order(shop: Shop, number: int) -> str:
    """Order a payment; return its order id if that was acknowledged."""
    kind: Kind = "payin" if number % 2 else "payout"
    order_id = f"ORDER-{number}"
    initiate = shop.payin if kind == "payin" else shop.payout
    try:
        told = await initiate(order_id, _scenario(kind, number // 2).tokens)
    except (aiohttp.ClientError, OSError):
        return ""
    return order_id if told.status == 200 else ""


async def _has_begun(play: Play, lane: Lane, count: int) -> bool:
    stored = await play.pool.fetchval(
        "SELECT count(*) FROM payments_transactions WHERE merchant_id = $1", lane.merchant_id
    )
    return int(stored) >= count


async def _is_up(shop: Shop) -> bool:
    try:
        async with shop.session.get(f"{shop.url}/health/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _ended(play: Play, lane: Lane, order_ids: list[str]) -> bool:
    payments = await play.payments([(lane, order_id) for order_id in order_ids])
    return all(payment.status == "SUCCESS" for payment in payments)


async def _kill(instances: Mapping[str, Instance], name: str) -> None:
    """End an instance with SIGKILL; its supervisor starts it again."""
    pid = instances[name].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: instances[name].pid not in {None, pid}, timeout_seconds=30)
