"""Entries of the ledger are complete rows; lines have one index."""

from wisipay.core.migrations import run_sql

revision = "0007_ledger_lines"
down_revision = "0006_webhooks"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
