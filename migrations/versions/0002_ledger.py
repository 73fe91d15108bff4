"""The double-entry ledger: its SQL is the ledger library's own."""

from wisipay import ledger
from wisipay.core.migrations import run_pre_statements

revision = "0002_ledger"
down_revision = "0001_core"


def upgrade() -> None:
    """Create the ledger's tables, functions and triggers."""
    run_pre_statements(ledger.schema_sql())
