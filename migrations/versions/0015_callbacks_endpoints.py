"""Further endpoints of merchants: their secrets, deliveries and attempts; what attempts prove; who keeps failing."""

from wisipay.core.migrations import run_sql

revision = "0015_callbacks_endpoints"
down_revision = "0016_apilog"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
