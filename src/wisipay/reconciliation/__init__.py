"""Reconciliation: what providers say they settled, line by line, against our payments; nothing is repaired silently."""

from wisipay.reconciliation.applying import apply_status
from wisipay.reconciliation.differences import DifferenceFilter, decide, list_differences
from wisipay.reconciliation.importing import import_file
from wisipay.reconciliation.mapping import FileMapping, read_mapping
from wisipay.reconciliation.mappings import SavedMapping, find_mapping, save_mapping
from wisipay.reconciliation.model import (
    Action,
    Difference,
    DifferenceKind,
    DifferenceState,
    Run,
    RunState,
    Scope,
    Summary,
)
from wisipay.reconciliation.runs import list_runs, read_run, withdraw_run

__all__ = [
    "Action",
    "Difference",
    "DifferenceFilter",
    "DifferenceKind",
    "DifferenceState",
    "FileMapping",
    "Run",
    "RunState",
    "SavedMapping",
    "Scope",
    "Summary",
    "apply_status",
    "decide",
    "find_mapping",
    "import_file",
    "list_differences",
    "list_runs",
    "read_mapping",
    "read_run",
    "save_mapping",
    "withdraw_run",
]
