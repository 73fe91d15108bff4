"""Writing events into the outbox, inside the transaction that made them true.

Decides nothing about delivery and must never open a transaction of its own: an event exists if and only if the
change that it tells of was committed.
"""

from collections.abc import Sequence

from wisipay.callbacks.model import CallbackEvent
from wisipay.core.database import Connection
from wisipay.core.sql import load_queries

_QUERIES = load_queries(__file__, "queries.sql")


async def enqueue(conn: Connection, events: Sequence[CallbackEvent]) -> None:
    """Write all events with one statement and wake the workers when the caller commits.

    The order given is the order of delivery inside each transaction. An event id that is already there is left as it
    is. Events without a URL are stored as NO_URL: visible, replayable, not sent.
    """
    if not events:
        return
    await conn.fetchrow(
        _QUERIES["enqueue"],
        [event.event_id for event in events],
        [event.merchant_id for event in events],
        [event.transaction_id for event in events],
        [event.order_id for event in events],
        [event.type for event in events],
        [event.status for event in events],
        [event.amount_paise for event in events],
        [event.currency for event in events],
        [event.utr for event in events],
        [event.url for event in events],
        [event.occurred_at for event in events],
    )
