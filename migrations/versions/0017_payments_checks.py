"""Words of banks about beneficiaries, and floats as providers tell them."""

from wisipay.core.migrations import run_sql

revision = "0017_payments_checks"
down_revision = "0015_callbacks_endpoints"


def upgrade() -> None:
    """Run the SQL of the phase in progress."""
    run_sql(revision)
