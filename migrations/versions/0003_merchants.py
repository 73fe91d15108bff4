"""Merchants, their services, legal entities, providers and channels."""

from wisipay.core.migrations import run_sql

revision = "0003_merchants"
down_revision = "0002_ledger"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
