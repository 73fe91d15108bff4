"""The four Parquet files of an archived month: their columns, writing them row by row, reading them back.

Rows are tuples in the order of the columns, as the database gives them. Lines are sorted by counter row, time and
number, and every few thousand rows carry their least and greatest values, so that one account is found without reading
the others.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
from pyarrow import dataset, parquet

ROWS_OF_A_GROUP: Final = 20_000
_GROUPS_HELD: Final = 3

_UUID = pa.binary(16)
_MOMENT = pa.timestamp("us", tz="UTC")
ENTRIES: Final = "entries.parquet"
LINES: Final = "lines.parquet"
RESOLUTIONS: Final = "resolutions.parquet"
OPERATIONS: Final = "operations.parquet"

SCHEMAS: Final = {
    ENTRIES: pa.schema(
        [
            ("id", _UUID),
            ("sequence", pa.int64()),
            ("posted_at", _MOMENT),
            ("timeout_at", _MOMENT),
            ("target_id", _UUID),
            ("kind", pa.string()),
            ("value_date", pa.date32()),
            ("currency", pa.string()),
            ("narration", pa.string()),
            ("external_reference", pa.string()),
            ("correlation_id", pa.string()),
            ("idempotency_key", pa.string()),
            ("metadata", pa.string()),
            ("balance_numbers", pa.list_(pa.int32())),
            ("amounts", pa.list_(pa.int64())),
        ]
    ),
    LINES: pa.schema(
        [
            ("balance_number", pa.int32()),
            ("posted_at", _MOMENT),
            ("account_line", pa.int64()),
            ("amount", pa.int64()),
            ("balance_after", pa.int64()),
            ("entry_id", _UUID),
            ("number", pa.int16()),
            ("pending", pa.bool_()),
        ]
    ),
    RESOLUTIONS: pa.schema([("target_id", _UUID), ("entry_id", _UUID), ("kind", pa.string())]),
    OPERATIONS: pa.schema([("entry_id", _UUID), ("record", pa.string())]),
}
"""Columns of each file. An operation is its whole row as JSON: operations are few, and stay in the database as well."""

Row = tuple[Any, ...]


class Writer:
    """Writes the rows of one file, a group at a time."""

    def __init__(self, folder: Path, name: str) -> None:
        self._schema = SCHEMAS[name]
        self._file = parquet.ParquetWriter(folder / name, self._schema, compression="zstd")
        self._waiting: list[Row] = []
        self.rows = 0

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows."""
        self._waiting += rows
        if len(self._waiting) >= ROWS_OF_A_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is waiting and the file's end."""
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        columns: Sequence[Sequence[Any]] = list(zip(*self._waiting, strict=True)) or [()] * len(self._schema)
        arrays = [
            pa.array([each and each.bytes for each in column] if field.type == _UUID else column, field.type)
            for field, column in zip(self._schema, columns, strict=True)
        ]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self.rows += len(self._waiting)
        self._waiting = []


def rows_of(folder: Path, name: str, condition: dataset.Expression | None = None) -> Iterator[Row]:
    """Return the rows of a file in its order; groups that can't meet the condition are not read."""
    source = dataset.dataset(folder / name, format="parquet")
    for batch in source.to_batches(filter=condition, batch_size=ROWS_OF_A_GROUP, use_threads=False):
        yield from _rows(name, batch)


def tables_of(folder: Path, name: str, *, columns: Sequence[str] | None = None, groups: int = 1) -> Iterator[pa.Table]:
    """Return a file as tables of so many groups of rows each, in its order."""
    with parquet.ParquetFile(folder / name) as file:
        for first in range(0, file.num_row_groups, groups):
            wanted = range(first, min(first + groups, file.num_row_groups))
            yield file.read_row_groups(list(wanted), columns=columns, use_threads=False)


class Operations:
    """The operations' records of a month, found by entry: the file is in the order of their ids."""

    def __init__(self, folder: Path) -> None:
        self._file = parquet.ParquetFile(folder / OPERATIONS)
        groups = map(self._file.metadata.row_group, range(self._file.num_row_groups))
        self._firsts = [group.column(0).statistics.min for group in groups if group.num_rows]
        self.group = lru_cache(maxsize=_GROUPS_HELD)(self._read)

    def of(self, entry_id: UUID) -> str | None:
        """Return the record of the operation that made an entry."""
        group = bisect_right(self._firsts, entry_id.bytes) - 1
        return self.group(group).get(entry_id) if group >= 0 else None

    def close(self) -> None:
        """Forget everything."""
        self.group.cache_clear()
        self._file.close()

    def _read(self, group: int) -> dict[UUID, str]:
        return dict(_rows(OPERATIONS, self._file.read_row_group(group, use_threads=False)))


def _rows(name: str, table: pa.Table | pa.RecordBatch) -> Iterator[Row]:
    columns = [column.to_pylist() for column in table.columns]
    for place, field in enumerate(SCHEMAS[name]):
        if field.type == _UUID:
            columns[place] = [each and UUID(bytes=each) for each in columns[place]]
    return zip(*columns, strict=True)
