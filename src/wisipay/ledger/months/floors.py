"""What the floors of accounts were in archived months, and which entries took an account below one.

The rule is that of the check `floors`: an entry that drew on an account left it at its floor or above, or had leave. A
post asks for nothing, since its hold did. Floors of that time are those of now, less the changes made since.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wisipay.ledger.model import EntryKind
from wisipay.ledger.months.files import ArchivedEntry
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.store import Connection

_JUDGED = frozenset({EntryKind.TRANSFER, EntryKind.REVERSAL})


@dataclass(frozen=True, slots=True)
class _Floors:
    """The floors of one counter row: before each of its changes, whose places in the order are `changes`, and now."""

    account_id: str
    sign: int
    changes: Sequence[int]
    floors: Sequence[int | None]


class FloorsOfThen:
    """Knows the floor of every counter row at every place in the order of writing."""

    def __init__(self, floors: dict[int, _Floors]) -> None:
        self._floors = floors

    @classmethod
    async def read(cls, connection: Connection) -> "FloorsOfThen":
        """Read the floors there are and were."""
        rows = await connection.fetch(QUERIES["floors_and_changes"])
        return cls(
            {
                row["number"]: _Floors(row["id"], row["sign"], row["sequences"], [*row["before"], row["min_balance"]])
                for row in rows
            }
        )

    def passed(self, entry: ArchivedEntry) -> Iterator[str]:
        """Yield how the entry took accounts below their floors; amounts are in the accounts' normal sign."""
        record = entry.record
        if record.kind not in _JUDGED:
            return
        drawn: dict[int, tuple[int, int | None]] = {}
        for number, line in zip(entry.balance_numbers, record.lines, strict=True):
            net, _ = drawn.get(number, (0, None))
            drawn[number] = (net + line[2], line[3])
        for number, (net, balance_after) in drawn.items():
            row = self._floors.get(number)
            if row is None or balance_after is None:
                continue
            floor = row.floors[bisect_right(row.changes, record.sequence)]
            left = row.sign * balance_after
            if floor is not None and row.sign * net < 0 and left < floor:
                yield f"leaves {row.account_id} with {left}, below its floor of {floor}, without leave"
