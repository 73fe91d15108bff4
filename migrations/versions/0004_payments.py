"""Payments."""

from wisipay.core.migrations import run_sql

revision = "0004_payments"
down_revision = "0003_merchants"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
