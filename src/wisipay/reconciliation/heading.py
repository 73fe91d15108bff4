"""Where the headings of a file are, and the rows below them.

Decides which lines are headings: those that the mapping names, or with FIND the first that has every column of the
mapping. Never guesses: a file without them is refused, and says what stands there instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final

from wisipay.reconciliation.csv_file import csv_records
from wisipay.reconciliation.errors import UnreadableFile
from wisipay.reconciliation.mapping import BrokenRow, FileMapping, RowReader, heading_name
from wisipay.reconciliation.record import Record
from wisipay.reconciliation.xlsx_file import is_xlsx, xlsx_records

FOUND_WITHIN_LINES: Final = 100


def below_heading(path: Path, mapping: FileMapping) -> tuple[RowReader, Iterator[Record]]:
    """Return what reads the rows of a file, and the rows below its headings. Raises UnreadableFile."""
    records = xlsx_records(path, mapping) if is_xlsx(path) else csv_records(path, mapping)
    if mapping.header_row == "FIND":
        return _found(records, mapping)
    for line, cells in records:
        if line >= mapping.header_row:
            return RowReader(mapping, _joined([_cells(line, cells), *_more(records, mapping)])), records
    raise UnreadableFile(f"the file has no line {mapping.header_row}, where its heading should be")


def _found(records: Iterator[Record], mapping: FileMapping) -> tuple[RowReader, Iterator[Record]]:
    wanted = {heading_name(name) for name in mapping.headings}
    above: list[Sequence[str]] = []
    fullest: set[str] = set()
    for _, cells in islice(records, FOUND_WITHIN_LINES):
        above = [*above, [] if isinstance(cells, BrokenRow) else cells][-mapping.header_lines :]
        heading = _joined(above)
        there = {heading_name(name) for name in heading}
        if wanted <= there:
            return RowReader(mapping, heading), records
        fullest = max(fullest, wanted & there, key=len)
    missing = ", ".join(sorted(wanted - fullest))
    raise UnreadableFile(f"none of the first {FOUND_WITHIN_LINES} lines has every column; the best one lacks {missing}")


def _more(records: Iterator[Record], mapping: FileMapping) -> Iterator[Sequence[str]]:
    for line, cells in islice(records, mapping.header_lines - 1):
        yield _cells(line, cells)


def _cells(line: int, cells: Sequence[str] | BrokenRow) -> Sequence[str]:
    if isinstance(cells, BrokenRow):
        raise UnreadableFile(f"the heading, line {line}, {cells}")
    return cells


def _joined(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return the lowest filled cell of each column."""
    return [
        next((cell for cell in reversed(column) if cell.strip()), "") for column in zip_longest(*lines, fillvalue="")
    ]
