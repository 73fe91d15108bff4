"""Who held which row when: a log that PostgreSQL keeps itself, so that no moment is missed and no clock is waited for.

`INSTALL` adds a trigger to the three tables that are queues. Every claim, renewal and end of a lease leaves an event.
Decides what a takeover is: a row gets another lease while its former one was neither ended nor given back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from wisipay.core.database import Connection

_LOG = """
CREATE TABLE IF NOT EXISTS lease_log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL, row_id text NOT NULL, token uuid, lease_until timestamptz, at timestamptz NOT NULL
);
CREATE OR REPLACE FUNCTION note_lease() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE told jsonb := to_jsonb(new);
BEGIN
    INSERT INTO lease_log (queue, row_id, token, lease_until, at) VALUES (
        TG_TABLE_NAME, told ->> TG_ARGV[0], new.lease_token, (told ->> TG_ARGV[1])::timestamptz, clock_timestamp()
    );
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE OR REPLACE TRIGGER note_lease AFTER UPDATE ON {table} FOR EACH ROW
WHEN (old.lease_token IS DISTINCT FROM new.lease_token
    OR new.lease_token IS NOT NULL AND old.{until} IS DISTINCT FROM new.{until})
EXECUTE FUNCTION note_lease('{key}', '{until}');
CREATE OR REPLACE TRIGGER note_first_lease AFTER INSERT ON {table} FOR EACH ROW
WHEN (new.lease_token IS NOT NULL)
EXECUTE FUNCTION note_lease('{key}', '{until}')
"""
_QUEUES = (
    ("payments_transactions", "id", "lease_until"),
    ("callbacks_outbox", "event_id", "due_at"),
    ("webhooks_inbox", "webhook_id", "due_at"),
)
INSTALL = ";".join((_LOG, *(_TRIGGER.format(table=table, key=key, until=until) for table, key, until in _QUEUES)))
"""Begins to log; harmless when the log is there already."""

_READ = "SELECT queue, row_id, token, lease_until, at FROM lease_log ORDER BY number"


@dataclass(frozen=True, slots=True)
class LeaseEvent:
    """A row's lease as it became at a moment; `token` None when nobody holds the row any more."""

    queue: str
    row_id: str
    token: UUID | None
    lease_until: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A row that went from one holder to another: the first one's last sign of life, its lease's end, the new claim."""

    queue: str
    row_id: str
    last_sign_at: datetime
    lease_until: datetime
    at: datetime

    def waited(self, died_at: datetime | None = None) -> timedelta:
        """Return how long nobody worked on it: since its holder died, or else since that one's last sign of life."""
        return self.at - (died_at or self.last_sign_at)


async def read(connection: Connection) -> list[LeaseEvent]:
    """Return everything so far, in the order in which it happened to each row."""
    return [LeaseEvent(**row) for row in await connection.fetch(_READ)]


def take_overs(events: Iterable[LeaseEvent]) -> list[TakeOver]:
    """Return every takeover, in the order of the new claims. A lease that was given back (it ends at once) is none."""
    found: list[TakeOver] = []
    last: dict[tuple[str, str], LeaseEvent] = {}
    for event in events:
        row = (event.queue, event.row_id)
        before = last.get(row)
        last[row] = event
        if before is None or before.token in {None, event.token} or event.token is None:
            continue
        if before.lease_until is not None and before.lease_until > before.at:
            found.append(TakeOver(*row, before.at, before.lease_until, event.at))
    return found


def held_at(events: Iterable[LeaseEvent], row_id: str, moment: datetime) -> bool:
    """Tell whether somebody held a lease of the row at that moment."""
    last = None
    for event in events:
        if event.row_id == row_id and event.at <= moment:
            last = event
    return last is not None and last.token is not None
