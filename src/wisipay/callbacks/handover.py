"""Events that the process which writes them sends itself: they are born leased to it, so nobody has to claim them.

Decides when such events are handed to the sender: after the commit that made them true, and never without it. A process
that is killed between the two leaves a lease that runs out, like any other. Which events are taken is the sender's
choice; it takes none of a merchant of whom others wait, and one per transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

from wisipay.callbacks.enqueue import NO_LEASE, enqueue
from wisipay.callbacks.model import CallbackEvent, ClaimedCallback
from wisipay.core.database import Connection
from wisipay.core.queue import Lease


class Sender(Protocol):
    """Who sends callbacks in this process: its callback worker."""

    def new_lease(self) -> Lease:
        """Return the lease to write into events that it will send."""
        ...

    def reserve(self, events: Sequence[CallbackEvent]) -> list[CallbackEvent]:
        """Keep places for some of the events, at most one per transaction, and return those."""
        ...

    def release(self, events: Sequence[CallbackEvent]) -> None:
        """Take places back: these events will not be handed over."""
        ...

    def send(self, callbacks: Sequence[ClaimedCallback], lease: Lease, leased_at: float) -> None:
        """Send committed events, leased since `leased_at` (monotonic seconds), for which places were kept."""
        ...


class _Nobody:
    """The sender of a process that sends nothing."""

    def new_lease(self) -> Lease:
        return NO_LEASE

    def reserve(self, _events: Sequence[CallbackEvent]) -> list[CallbackEvent]:
        return []

    def release(self, events: Sequence[CallbackEvent]) -> None:
        """Nothing was reserved."""

    def send(self, callbacks: Sequence[ClaimedCallback], lease: Lease, leased_at: float) -> None:
        """Nothing was reserved."""


class Outbox:
    """Where a process writes its events. The `sender` is its callback worker, while it has one that works."""

    def __init__(self) -> None:
        self.sender: Sender = NOBODY

    @contextmanager
    def writing(self) -> Iterator["Writing"]:
        """Surround a transaction: at its commit the sender gets the events it took; after a failure it forgets them."""
        writing = Writing(self.sender)
        try:
            yield writing
        except BaseException:
            writing.give_up()
            raise
        writing.hand_over()


class Writing:
    """The events of one transaction."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._lease = sender.new_lease()
        self._began_at = monotonic()  # before the transaction, from whose beginning the database counts the lease
        self._reserved: list[CallbackEvent] = []
        self._leased: set[UUID] = set()

    async def enqueue(self, conn: Connection, events: Sequence[CallbackEvent]) -> None:
        """Write events, as the function `enqueue` does."""
        own = self._sender.reserve(events)
        self._reserved += own
        self._leased |= await enqueue(conn, events, own=[event.event_id for event in own], lease=self._lease)

    def hand_over(self) -> None:
        """The transaction was committed."""
        token, leased = self._lease.token, self._leased
        self._sender.release([event for event in self._reserved if event.event_id not in leased])
        callbacks = [ClaimedCallback(event, 0, token) for event in self._reserved if event.event_id in leased]
        self._sender.send(callbacks, self._lease, self._began_at)

    def give_up(self) -> None:
        """The transaction has failed."""
        self._sender.release(self._reserved)


NOBODY: Final = _Nobody()
