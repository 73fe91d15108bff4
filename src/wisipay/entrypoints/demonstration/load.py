"""Sends the demo's orders over signed HTTP, many at once, as two merchants. Bounded; it never sends an order twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from wisipay.entrypoints.demonstration.merchant import MerchantClient
from wisipay.entrypoints.demonstration.scenarios import Order

_AT_ONCE: Final = 32


class Load:
    """The sending of one run; `answers` counts what came back, by HTTP status and code, `sent` all of it."""

    def __init__(self, rich: MerchantClient, poor: MerchantClient, orders: Sequence[Order]) -> None:
        self._rich = rich
        self._poor = poor
        self.orders = orders
        self.answers: Counter[tuple[int, str]] = Counter()
        self.done = False

    @property
    def sent(self) -> int:
        """How many orders were answered."""
        return self.answers.total()

    async def send(self) -> None:
        """Send every order and return when all are answered."""
        waiting = iter(self.orders)
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._work(waiting))
        self.done = True

    async def _work(self, waiting: Iterator[Order]) -> None:
        for order in waiting:
            answer = await self._merchant_of(order).initiate(order.kind, order.body)
            self.answers[answer.status, answer.code] += 1

    def _merchant_of(self, order: Order) -> MerchantClient:
        """Choose the merchant: payouts need money, payins are shared by both."""
        shared = order.kind == "payin" and order.order_id.endswith(("1", "3", "5", "7", "9"))
        return self._poor if order.scenario.poor or shared else self._rich
