"""${message}."""

from wisipay.core.migrations import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
