"""The rules of the books: every check there is, by name, in the order in which they are run.

A name is for ever: metrics, alerts, findings and the runbook use it.
"""

from typing import Final

from wisipay.ledger.checks.check import Check, Probe, Reach

CHECKS: Final = (
    Check(
        "trial_balance",
        "all debits are all credits, in every currency, of what is posted and of what is held",
        (Probe("check_trial_balance", Reach.STATE, "CURRENCY"),),
    ),
    Check(
        "accounts",
        "every account has its counter rows, with the same controls, and nothing belongs to accounts that do not exist",
        (Probe("check_accounts", Reach.STATE, "ACCOUNT"),),
    ),
    Check(
        "account_history",
        "every account is what its opening said, and takes what its last event says",
        (Probe("check_account_history", Reach.STATE, "ACCOUNT"),),
    ),
    Check(
        "counters",
        "an account's posted counters, number of lines and time of the last are those of its lines",
        (Probe("check_counters", Reach.LINES, "ACCOUNT"),),
    ),
    Check(
        "holds",
        "what an account counts as on hold is the sum of its holds that have not ended",
        (Probe("check_holds", Reach.HOLDS, "ACCOUNT"),),
    ),
    Check(
        "entries_balance",
        "an entry has two lines or more that add up to zero, on accounts of its currency",
        (Probe("check_entries_balance", Reach.ENTRIES, "ENTRY"),),
    ),
    Check(
        "lines",
        "entries and accounts tell the same lines, each once",
        (
            Probe("check_entries_of_lines", Reach.LINES, "ENTRY"),
            Probe("check_lines_of_entries", Reach.PAGES, "ENTRY"),
        ),
    ),
    Check(
        "running_balances",
        "an account's lines have no gaps in the order of time, and each balance is the one before and the amount",
        (Probe("check_running_balances", Reach.LINES, "ENTRY"),),
    ),
    Check(
        "floors",
        "no entry took an account below its floor without leave",
        (
            Probe("check_floors", Reach.LINES, "ENTRY"),
            Probe("check_leave_to_pass_floors", Reach.WHOLE, "ENTRY"),
        ),
    ),
    Check(
        "endings",
        "an entry is ended at most once, by an entry that exists and fits",
        (
            Probe("check_endings", Reach.ENTRIES, "ENTRY"),
            Probe("check_noted_endings", Reach.WHOLE, "ENTRY"),
        ),
    ),
    Check(
        "keys",
        "idempotency keys are those of the entries",
        (
            Probe("check_keys_of_entries", Reach.ENTRIES, "ENTRY"),
            Probe("check_entries_of_keys", Reach.WHOLE, "ENTRY"),
        ),
    ),
    Check(
        "value_dates",
        "posted lines that count on another day than they were written on are noted, and no others",
        (
            Probe("check_value_dates", Reach.ENTRIES, "ENTRY"),
            Probe("check_entries_of_value_dates", Reach.WHOLE, "ENTRY"),
        ),
    ),
    Check(
        "operations",
        "the record of an operation has its entry, and the entry moves and says what the record does",
        (
            Probe("check_operations_of_entries", Reach.ENTRIES, "ENTRY"),
            Probe("check_entries_of_operations", Reach.WHOLE, "OPERATION"),
        ),
    ),
    Check(
        "snapshots",
        "a snapshot holds all debits and credits up to a line that exists",
        (Probe("check_snapshots", Reach.LINES, "ACCOUNT"),),
    ),
    Check(
        "daily_balances",
        "the balances of closed days are those of their lines",
        (
            Probe("check_daily_balances", Reach.RECENT, "DAY"),
            Probe("check_closed_days", Reach.STATE, "DAY"),
        ),
    ),
)
"""All checks. Whoever looks at the books as a whole runs all of them."""
