"""Merchants that order payments over signed HTTP at a bounded rate, whatever happens to the other side.

Decides what a merchant does who got no answer: it asks again with the same `Idempotency-Key`, where it sent one. Keeps
every order with the last answer, because what was acknowledged must be there afterwards.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from time import monotonic

import aiohttp

from support.shop import Shop, Told

IN_FLIGHT_MAX = 96
NO_ANSWER = 0
_OK, _CONFLICT, _BUSY, _UNAVAILABLE, _BUG = 200, 409, 429, 503, 500
_RUNNING_SECONDS = 90
"""A key whose request died is free after a minute."""
_AGAIN_SECONDS = 2.0
_WAYS = (
    *("sim:after=200", "sim:after=600", "sim:after=1500", "sim:instant"),
    *("sim:fail sim:after=300", "sim:webhook-duplicate=2 sim:after=300", "sim:processing sim:after=900"),
    *("sim:after=5000", "sim:webhook-missing sim:after=400"),  # no webhook says it before our time-out does
)


@dataclass
class Order:
    """One order: what was asked, and every HTTP status that came back, with the code of an error; 0 for no answer."""

    shop: Shop
    order_id: str
    kind: str
    tokens: str
    key: str
    answers: list[tuple[int, str]] = field(default_factory=list)

    @property
    def is_acknowledged(self) -> bool:
        """Whether any answer was a yes."""
        return any(status == _OK for status, _ in self.answers)

    @property
    def is_undecided(self) -> bool:
        """Whether a merchant with a key asks again. A code of the payment workflow is a kept answer."""
        status, code = self.answers[-1] if self.answers else (NO_ANSWER, "")
        if status == _CONFLICT:
            return "running" in code
        return status in {NO_ANSWER, _BUSY, _UNAVAILABLE} and not code.startswith("PAY_")


class Load:
    """Orders from several merchants: payins and payouts by turns, every third with an `Idempotency-Key`."""

    def __init__(self, shops: Sequence[Shop], generator: Random, *, rate_per_second: float) -> None:
        self._shops = shops
        self._random = generator
        self._gap_seconds = 1 / rate_per_second
        self._room = asyncio.Semaphore(IN_FLIGHT_MAX)
        self.orders: list[Order] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Order until told to stop, then return when every order was answered or given up."""
        next_at = monotonic()
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                await self._room.acquire()
                group.create_task(self._order(self._new()))
                next_at = max(next_at + self._gap_seconds, monotonic())
                await asyncio.sleep(next_at - monotonic())

    async def ask_again(self) -> None:
        """Ask again about every order with a key and no answer, until it has one or a minute and a half is over."""
        undecided = [order for order in self.orders if order.key and order.is_undecided]
        deadline = monotonic() + _RUNNING_SECONDS
        while undecided and monotonic() < deadline:
            for order in undecided:
                order.answers.append(await _send(order))
            undecided = [order for order in undecided if order.is_undecided]
            await asyncio.sleep(_AGAIN_SECONDS if undecided else 0)

    def _new(self) -> Order:
        number = len(self.orders)
        order = Order(
            shop=self._shops[number % len(self._shops)],
            order_id=f"CRASH-{number}",
            kind="payin" if self._random.random() < 0.5 else "payout",
            tokens=self._random.choice(_WAYS),
            key="" if number % 3 else f"key-{number}",
        )
        self.orders.append(order)
        return order

    async def _order(self, order: Order) -> None:
        try:
            order.answers.append(await _send(order))
        finally:
            self._room.release()


async def _send(order: Order) -> tuple[int, str]:
    initiate = order.shop.payin if order.kind == "payin" else order.shop.payout
    named = {"key": order.key} if order.key else {}
    try:
        told = await initiate(order.order_id, order.tokens, **named)
    except (aiohttp.ClientError, OSError, TimeoutError, json.JSONDecodeError) as error:
        return NO_ANSWER, type(error).__name__
    return told.status, "" if told.status == _OK else _words(told)


def _words(told: Told) -> str:
    """Return an error's code, and its message where the code stands for several things."""
    return told.code if told.status != _CONFLICT else json.dumps(told.body)


def is_bug(status: int) -> bool:
    """Whether no request should ever get this answer."""
    return status == _BUG
