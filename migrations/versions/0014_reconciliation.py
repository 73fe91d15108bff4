"""Settlement files of providers: mappings, runs, rows, matches and differences; the view of payments they read."""

from wisipay.core.migrations import run_sql

revision = "0014_reconciliation"
down_revision = "0012_ledger_archived"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
