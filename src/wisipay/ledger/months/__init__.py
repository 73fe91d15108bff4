"""Months of history: partitions made ahead, old ones archived to files, read there and brought back."""

from wisipay.ledger.months.making import MONTHS_AHEAD, Partition, create_months, in_default, partitions

__all__ = ["MONTHS_AHEAD", "Partition", "create_months", "in_default", "partitions"]
