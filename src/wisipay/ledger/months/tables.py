"""The three partitioned tables: their key, the name of a partition, and its bounds as SQL."""

from dataclasses import dataclass
from typing import Final

from wisipay.ledger.periods import Period


@dataclass(frozen=True, slots=True)
class Table:
    """A partitioned table and the column whose value decides a row's partition."""

    name: str
    key: str

    def partition(self, period: Period) -> str:
        """Return the name of the partition of a period."""
        return f"{self.name}_{period.name}"

    @property
    def default(self) -> str:
        """The partition of what no period was made for."""
        return f"{self.name}_default"

    def bounds(self, period: Period) -> str:
        """Return the partition's bounds as its declaration has them."""
        return f"FROM ({self._start(period) or 'MINVALUE'}) TO ({self._end(period)})"

    def inside(self, period: Period) -> str:
        """Return the condition of being in the period."""
        start = self._start(period)
        below = f"{self.key} < {self._end(period)}"
        return below if start is None else f"{self.key} >= {start} AND {below}"

    def outside(self, period: Period) -> str:
        """Return the condition of not being in it, in the form in which PostgreSQL recognises it as its own."""
        start = self._start(period)
        above = f"{self.key} >= {self._end(period)}"
        return above if start is None else f"{self.key} < {start} OR {above}"

    def _start(self, period: Period) -> str | None:
        if period.start is None:
            return None
        return f"'{period.first_id if self.key != 'posted_at' else period.start.isoformat()}'"

    def _end(self, period: Period) -> str:
        return f"'{period.end_id if self.key != 'posted_at' else period.end.isoformat()}'"


ENTRIES: Final = Table("ledger_entries", "id")
LINES: Final = Table("ledger_lines", "posted_at")
RESOLUTIONS: Final = Table("ledger_resolutions", "target_id")
TABLES: Final = (ENTRIES, LINES, RESOLUTIONS)
