"""Job queue (PgQueuer) and what core itself stores."""

from wisipay.core.migrations import run_sql

revision = "0001_core"
down_revision = None


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
