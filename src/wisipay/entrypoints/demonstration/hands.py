"""What people do in the demo: a customer pays late, the bank decides, an operator asks for webhooks that were given up.

Acts on the provider's side only, through the simulator; it must never touch our books.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wisipay.core.database import Connection
from wisipay.core.sql import load_queries
from wisipay.entrypoints.demonstration.books import Comparison
from wisipay.entrypoints.demonstration.scenarios import Order
from wisipay.entrypoints.demonstration.simulator import ProviderPayment, Simulator

_PAYMENTS: Final = load_queries(__file__, "payments.sql")
_WAITS_FOR: Final = {"paid once expired": "EXPIRED", "decided by the bank": "PROCESSING"}


class Hands:
    """Looks after the orders that somebody must act on; `waiting` counts those that nobody has acted on yet."""

    def __init__(self, simulator: Simulator, orders: Sequence[Order]) -> None:
        self._simulator = simulator
        self._orders = {order.order_id: order for order in orders if order.scenario.later}

    @property
    def waiting(self) -> int:
        """How many payments still wait for somebody."""
        return len(self._orders)

    async def act(self, connection: Connection) -> None:
        """Complete at the provider what has come to the point where somebody does; nobody pays what has failed."""
        rows = await connection.fetch(_PAYMENTS["payments_of_orders"], list(self._orders))
        for row in rows:
            order = self._orders[row["order_id"]]
            if row["status"] == _WAITS_FOR[order.scenario.later]:
                await self._complete(await self._simulator.attempts(row["id"]))
                del self._orders[order.order_id]
            elif row["status"] == "FAILED":
                del self._orders[order.order_id]

    async def take_up(self, comparison: Comparison) -> None:
        """After a run that was cut off: decide its pending payouts, and have the webhooks sent again that were lost.

        Lost are those of payments about which the provider knows more than we do: it gave up while we were away.
        """
        unheard = {
            each.transaction_id for each in comparison.disagreements if each.book == "provider" and each.order_id
        }
        for reference, attempts in (await self._simulator.book()).items():
            await self._complete([each for each in attempts if each.kind == "payout"])
            if any(reference.startswith(transaction_id) for transaction_id in unheard):
                for attempt in attempts:
                    await self._simulator.resend(attempt.payment_id)

    async def _complete(self, attempts: Sequence[ProviderPayment]) -> None:
        undecided = [each for each in attempts if each.status == "PENDING" and "sim:pending" in each.remarks]
        for attempt in undecided:
            await self._simulator.move(attempt.payment_id, "complete")
