"""Records of the ledger's named operations, and what its reads need: balance snapshots and lines by value date."""

from wisipay.core.migrations import run_sql

revision = "0008_ledger"
down_revision = "0007_ledger_lines"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
