"""Writing events into the outbox, inside the transaction that made them true.

Decides nothing about delivery and must never open a transaction of its own: an event exists if and only if the
change that it tells of was committed.
"""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from wisipay.callbacks.model import CallbackEvent
from wisipay.core.database import Connection
from wisipay.core.queue import Lease
from wisipay.core.sql import load_queries

NO_LEASE: Final = Lease(UUID(int=0), 0)
"""For those who send nothing themselves."""
_QUERIES = load_queries(__file__, "queries.sql")


async def enqueue(
    conn: Connection, events: Sequence[CallbackEvent], *, own: Collection[UUID] = (), lease: Lease = NO_LEASE
) -> frozenset[UUID]:
    """Write all events with one statement and wake the workers when the caller commits.

    The order given is the order of delivery inside each transaction. An event id that is already there is left as it
    is. Events without a URL are stored as NO_URL: visible, replayable, not sent. Those of the ids `own` that may be
    sent at once are leased to `lease`; answers which. No two of them may be of one transaction.
    """
    if not events:
        return frozenset()
    row = await conn.fetchrow(
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
        list(own),
        lease.token,
        int(lease.seconds),
    )
    return frozenset((row["leased"] if row is not None else None) or ())
