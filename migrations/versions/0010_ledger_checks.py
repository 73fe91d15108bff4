"""Daily balances of the ledger, and what its checks keep: findings, and how far was checked."""

from wisipay.core.migrations import run_sql

revision = "0010_ledger_checks"
down_revision = "0009_ledger_seals"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
