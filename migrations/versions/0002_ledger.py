"""The double-entry ledger, as it was first; 0007 brings it to the library's present `schema.sql`."""

from wisipay.core.migrations import run_sql

revision = "0002_ledger"
down_revision = "0001_core"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
