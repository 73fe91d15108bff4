"""The lines of an archived month as their entries need them, however large the month is.

The file has lines by account; entries come by time. So lines are dealt once into pieces of a temporary file, each of
some time, and a piece is read when entries of that time are asked about. A line has the time of its entry.
"""

from bisect import bisect_left, bisect_right
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import pyarrow as pa
from pyarrow import ipc

from wisipay.ledger.months import parquet

LINES_OF_A_PIECE: Final = 50_000
"""Lines of one piece, about: what is held in memory at a time, three times over."""

_DEALT: Final = 10
"""So many groups of rows are dealt at a time."""

_PIECES_HELD: Final = 3

LineKey = tuple[bytes, int, int, int]
"""A line's entry, its number there, counter row and amount."""

LineSide = tuple[int, int, bool]
"""What only the account knows of a line: balance after, number on the counter row, pending."""


class LinesByTime:
    """Finds lines by entry, once they are dealt; close it to give the temporary file back."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._ends = _ends_of_pieces(home)
        self._file = TemporaryFile()  # noqa: SIM115 - closed by our own `close`
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(len(self._ends) + 1)]
        self.piece = lru_cache(maxsize=_PIECES_HELD)(self._read)
        self.count = 0

    def deal(self) -> None:
        """Read all lines once; OSError or an error of Arrow where the file can't be read."""
        for table in parquet.tables_of(self._home, parquet.LINES, groups=_DEALT):
            self._deal(table)

    def around(self, posted_at: datetime) -> dict[LineKey, LineSide]:
        """Return all lines around a moment, those of the entries posted then among them."""
        return self.piece(bisect_left(self._ends, posted_at))

    def close(self) -> None:
        """Forget everything."""
        self.piece.cache_clear()
        self._file.close()

    def _deal(self, table: pa.Table) -> None:
        self.count += table.num_rows
        table = table.sort_by("posted_at")
        moments = table.column("posted_at").to_pylist()
        start = 0
        while start < len(moments):
            piece = bisect_left(self._ends, moments[start])
            end = len(moments) if piece == len(self._ends) else bisect_right(moments, self._ends[piece], start)
            self._places[piece].append(self._written(table.slice(start, end - start)))
            start = end

    def _written(self, rows: pa.Table) -> tuple[int, int]:
        sink = pa.BufferOutputStream()
        with ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        place = self._file.tell()
        return place, self._file.write(sink.getvalue())

    def _read(self, piece: int) -> dict[LineKey, LineSide]:
        found: dict[LineKey, LineSide] = {}
        for place, size in self._places[piece]:
            self._file.seek(place)
            rows = ipc.open_stream(self._file.read(size)).read_all()
            names = ("entry_id", "number", "balance_number", "amount", "balance_after", "account_line", "pending")
            for entry_id, number, balance_number, amount, *side in zip(
                *(rows.column(name).to_pylist() for name in names), strict=True
            ):
                found[entry_id, number, balance_number, amount] = (side[0], side[1], side[2])
        return found


def _ends_of_pieces(home: Path) -> list[datetime]:
    """Return the last moment of each piece but the last, from the entries and how many lines they have."""
    ends: list[datetime] = []
    lines = 0
    latest: datetime | None = None
    for table in parquet.tables_of(home, parquet.ENTRIES, columns=("posted_at", "amounts")):
        for posted_at, amounts in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if latest is None or posted_at > latest:
                if latest is not None and lines >= LINES_OF_A_PIECE:
                    ends.append(latest)
                    lines = 0
                latest = posted_at
            lines += len(amounts)
    return ends
