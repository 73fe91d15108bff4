"""Inbox of webhooks from providers."""

from wisipay.core.migrations import run_sql

revision = "0006_webhooks"
down_revision = "0005_callbacks"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
