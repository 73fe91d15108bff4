"""The lines of a CSV file, one record at a time.

Decides that bytes which are no text, and lines that the csv module gives up on, are records of their own that say so:
one of them must not end the reading of a million. Must never hold more than one record.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from wisipay.reconciliation.mapping import BrokenRow, FileMapping
from wisipay.reconciliation.record import Record


def csv_records(path: Path, mapping: FileMapping) -> Iterator[Record]:
    """Yield records with the number of the line on which each begins, counted from 1."""
    encoding = "utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding
    with path.open(newline="", encoding=encoding, errors="replace") as file:
        reader = csv.reader(file, delimiter=mapping.delimiter)
        while True:
            line = reader.line_num + 1
            try:
                cells: list[str] | BrokenRow = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                cells = BrokenRow(f"is no CSV: {error}")
            yield Record(line, cells)
