"""What differs, and what a person decides about it. Every decision has a note and is in the audit log.

Deciding marks a difference and nothing else: payments and ledger are put right by their own operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import asyncpg

from wisipay.core.database import Connection
from wisipay.core.errors import BadRequest
from wisipay.core.money import rupees_text
from wisipay.merchants import Author
from wisipay.reconciliation.mappings import QUERIES
from wisipay.reconciliation.model import STATE_AFTER, Action, Difference, DifferenceKind, DifferenceState

LISTED_MAX: Final = 10_000
DECIDED_MAX: Final = 1_000

_IN_PAISE: Final = frozenset({DifferenceKind.AMOUNT, DifferenceKind.FEE})


@dataclass(frozen=True, slots=True)
class DifferenceFilter:
    """Which differences to list, in order of their ids; None means any. `after` is an id to page on from."""

    run_id: int | None = None
    kind: DifferenceKind | None = None
    also_resolved: bool = False
    after: int = 0
    ids: Sequence[int] | None = None


async def list_differences(conn: Connection, wanted: DifferenceFilter, limit: int = 100) -> list[Difference]:
    """Return up to `limit` differences, at most 10,000."""
    rows = await conn.fetch(
        QUERIES["differences"],
        wanted.run_id,
        wanted.kind,
        wanted.also_resolved,
        wanted.after,
        wanted.ids,
        min(limit, LISTED_MAX),
    )
    return [_difference_of(row) for row in rows]


async def decide(conn: Connection, author: Author, ids: Sequence[int], action: Action, note: str) -> list[int]:
    """Write a decision on differences, in the caller's transaction, and return the ids of those that exist.

    Raises BadRequest without a note, and for more than a thousand at once.
    """
    note = note.strip()
    if not note or not ids or len(ids) > DECIDED_MAX:
        raise BadRequest(f"A decision names 1 to {DECIDED_MAX} differences and has a note")
    rows = await conn.fetch(QUERIES["lock_differences"], list(ids))
    found = [row["id"] for row in rows]
    state = STATE_AFTER[action]
    told = (None,) * 4 if state is DifferenceState.OPEN else (action.value, note, author.name, author.moment)
    await conn.execute(QUERIES["decide"], found, state.value, *told)
    for row in rows:
        before = {"state": row["state"], "action": row["action"], "note": row["note"]}
        after = {"state": state.value, "action": action.value, "note": note}
        await author.record(conn, "reconciliation.decide", ("reconciliation_difference", str(row["id"])), before, after)
    return found


def _difference_of(row: asyncpg.Record) -> Difference:
    found = Difference(*row)
    found = replace(found, kind=DifferenceKind(found.kind), state=DifferenceState(found.state), amount=_rupees(row[11]))
    if found.kind in _IN_PAISE:
        return replace(found, ours=_rupees(found.ours), theirs=_rupees(found.theirs))
    return found


def _rupees(paise: str | int | None) -> str | None:
    return None if paise is None else rupees_text(int(paise))
