"""What provider calls leave behind."""

from wisipay.core.migrations import run_sql

revision = "0007_providers"
down_revision = "0006_webhooks"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
