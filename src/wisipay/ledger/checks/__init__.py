"""The rules of the books as code: named checks over one reading, what they found, and how far they have looked.

`run_checks` streams what is wrong. `check_new` and `check_everything` are the scheduled runs, which also keep what they
found. What is found is reported and kept; nothing here changes an account, an entry or a line.
"""

from wisipay.ledger.checks.catalogue import CHECKS
from wisipay.ledger.checks.check import EVERYTHING, Check, Span
from wisipay.ledger.checks.findings import (
    Finding,
    OpenFindings,
    Run,
    acknowledge,
    findings,
    note_run,
    open_findings,
    runs,
)
from wisipay.ledger.checks.integrity import (
    MOST_FINDINGS,
    Outcome,
    check_days,
    check_everything,
    check_new,
    checked,
    keep,
    run_name,
)
from wisipay.ledger.checks.run import run_checks
from wisipay.ledger.checks.state import LedgerState, ledger_state

__all__ = [
    "CHECKS",
    "EVERYTHING",
    "MOST_FINDINGS",
    "Check",
    "Finding",
    "LedgerState",
    "OpenFindings",
    "Outcome",
    "Run",
    "Span",
    "acknowledge",
    "check_days",
    "check_everything",
    "check_new",
    "checked",
    "findings",
    "keep",
    "ledger_state",
    "note_run",
    "open_findings",
    "run_checks",
    "run_name",
    "runs",
]
