"""The history of accounts, and the seals over the ledger's history in blocks."""

from wisipay.core.migrations import run_sql

revision = "0009_ledger_seals"
down_revision = "0011_ledger_months"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
