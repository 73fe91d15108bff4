"""What routing goes by: rules, hours of a mode, maintenance windows, stated floats, reasons of pauses."""

from wisipay.core.migrations import run_sql

revision = "0013_merchants_routing"
down_revision = "0014_reconciliation"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
