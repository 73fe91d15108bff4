"""How many whole lifecycles a second the run made: from the merchant's request to its verified callback.

Counts only payments that wait for nothing but the machine (and the provider's own fifth of a second): what expires or
is polled for would measure the clock. Source of the times: our payments' creation and the callbacks' delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from wisipay.core.database import Connection
from wisipay.core.sql import load_queries
from wisipay.entrypoints.demonstration.scenarios import Order

_PAYMENTS: Final = load_queries(__file__, "payments.sql")
_CALLBACKS: Final = load_queries(__file__, "callbacks.sql")
_SHORTEST: Final = timedelta(milliseconds=1)


async def lifecycles_per_second(connection: Connection, orders: Sequence[Order]) -> float:
    """Return the rate over the paced orders whose callback was delivered; 0 when there were none."""
    paced = [order.order_id for order in orders if order.scenario.paced]
    begun = {row["id"]: row["created_at"] for row in await connection.fetch(_PAYMENTS["payments_of_orders"], paced)}
    rows = await connection.fetch(_CALLBACKS["events_of"], list(begun))
    ended = {row["transaction_id"]: row["finished_at"] for row in rows if row["state"] == "DELIVERED"}
    if not ended:
        return 0.0
    span: timedelta = max(ended.values()) - min(begun[transaction_id] for transaction_id in ended)
    seconds = max(span, _SHORTEST).total_seconds()
    return round(len(ended) / seconds, 1)
