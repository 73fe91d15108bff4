"""The ledger's history in partitions by month; what there was becomes the default partitions, without copying a row."""

from wisipay.core.migrations import run_sql

revision = "0011_ledger_months"
down_revision = "0008_ledger"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
