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

__all__ = [
    "AGE_MONTHS",
    "MONTHS_AHEAD",
    "Archive",
    "ArchiveError",
    "ArchivedLine",
    "ArchivedStatement",
    "Partition",
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
