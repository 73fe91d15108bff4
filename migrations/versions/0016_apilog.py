"""The log of merchants' requests."""

from wisipay.core.migrations import run_sql

revision = "0016_apilog"
down_revision = "0013_merchants_routing"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
