"""Outbox of callbacks to merchants."""

from wisipay.core.migrations import run_sql

revision = "0005_callbacks"
down_revision = "0004_payments"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
