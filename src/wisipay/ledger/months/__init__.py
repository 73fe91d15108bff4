"""Months of history: partitions made ahead, old ones archived to files, read there and brought back."""

from wisipay.ledger.months.archive import AGE_MONTHS, archive_month
from wisipay.ledger.months.archived import (
    ArchivedLine,
    ArchivedStatement,
    archived_entries,
    archived_lines,
    archived_statement,
    verify_archive,
)
from wisipay.ledger.months.detaching import Archive, archives, drop_detached, restore
from wisipay.ledger.months.errors import ArchiveError
from wisipay.ledger.months.making import MONTHS_AHEAD, Partition, create_months, in_default, partitions
from wisipay.ledger.months.records import FILES_DIFFER, AllRecords, all_records

__all__ = [
    "AGE_MONTHS",
    "FILES_DIFFER",
    "MONTHS_AHEAD",
    "AllRecords",
    "Archive",
    "ArchiveError",
    "ArchivedLine",
    "ArchivedStatement",
    "Partition",
    "all_records",
    "archive_month",
    "archived_entries",
    "archived_lines",
    "archived_statement",
    "archives",
    "create_months",
    "drop_detached",
    "in_default",
    "partitions",
    "restore",
    "verify_archive",
]
