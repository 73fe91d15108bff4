"""What checks and verification of the ledger know of archived months."""

from wisipay.core.migrations import run_sql

revision = "0012_ledger_archived"
down_revision = "0010_ledger_checks"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
