"""The callback worker's end of the handover: what a process's commit writes and the process then sends itself.

The product's `callbacks.Outbox` decides what is handed over, and when; this stands in for the worker, which has few
places and takes what chance lets it take. A killed process forgets what it was handed: those leases must run out.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulation.broken import Broken
from simulation.world import LEASE_SECONDS, World
from wisipay.callbacks import CallbackEvent
from wisipay.callbacks.model import ClaimedCallback
from wisipay.core.queue import Lease

_PLACES = 3


class MemorySender:
    """Who sends what its process has just written; `handed` waits to be begun."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.reserved = 0
        self.handed: list[tuple[Sequence[ClaimedCallback], Lease]] = []

    def new_lease(self) -> Lease:
        """Return the lease to write into events that it will send."""
        return Lease(self._world.new_uuid(), LEASE_SECONDS)

    def reserve(self, events: Sequence[CallbackEvent]) -> list[CallbackEvent]:
        """Keep places for some of the events, at most one per transaction."""
        firsts: dict[str, CallbackEvent] = {}
        for event in events:
            firsts.setdefault(event.transaction_id, event)
        room = max(0, _PLACES - self.reserved - len(self.handed))
        chosen = [event for event in firsts.values() if self._world.choices.chance(500)][:room]
        self.reserved += len(chosen)
        return chosen

    def release(self, events: Sequence[CallbackEvent]) -> None:
        """Take places back."""
        self.reserved -= len(events)

    def send(self, callbacks: Sequence[ClaimedCallback], lease: Lease, leased_at: float) -> None:
        """Take committed events over."""
        del leased_at  # seconds of the real clock
        for claimed in callbacks:
            row = self._world.outbox.rows.get(claimed.event.event_id)
            if row is None or row.lease_token != lease.token:
                raise Broken(
                    "handed over", f"{claimed.event.status} of {claimed.event.transaction_id} is not leased so"
                )
        self.reserved -= len(callbacks)
        if callbacks:
            self._world.saw("callback born leased")
            self.handed.append((callbacks, lease))

    def forget(self) -> None:
        """Forget everything, as a killed process does."""
        self.reserved = 0
        self.handed.clear()
