"""What can be done to the books with a superuser's rights, and which checks must name which subjects for it."""

from __future__ import annotations

from typing import Final

from support import ledger_history as history
from support.ledger_history import CASH, OPERATION, SALES, WALLET

Found = dict[str, set[str]]
"""Subjects by check."""

_ROW: Final = (
    "(SELECT number FROM ledger_balances WHERE stripe = {1} AND account_number = "
    "(SELECT number FROM ledger_accounts WHERE id = '{0}'))"
)
_NEW: Final = "01970099-0000-7000-8000-000000000000"
_TOP_UP, _HELD, _POST, _VOID, _VOIDED, _POSTED = map(
    str, (history.TOP_UP, history.HELD, history.POST, history.VOID, history.VOIDED, history.POSTED)
)
_EXPIRE, _BOUGHT, _REVERSAL, _DATED, _BELOW, _OPERATED = map(
    str, (history.EXPIRE, history.BOUGHT, history.REVERSAL, history.DATED, history.BELOW, history.OPERATED)
)
_ALL_DAYS: Final = {"2026-01-29", "2026-01-30", "2026-01-31", "2026-02-01"}

_NAMES: Final = {
    "_CASH": _ROW.format(CASH.id, 0),
    "_OTHER_STRIPE": _ROW.format(CASH.id, 1),
    "_WALLET": _ROW.format(WALLET.id, 0),
    "_SALES": _ROW.format(SALES.id, 0),
    "_HEADER": _ROW.format(history.HEADER.id, 0),
    "_EXPIRED": str(history.EXPIRED),
    "_ADD_LINE": (
        "INSERT INTO ledger_lines"
        " (amount, balance_after, account_line, posted_at, entry_id, balance_number, number, pending)"
    ),
    "_HEADER_ID": history.HEADER.id,
    "_NEW": _NEW,
    **{
        name: globals()[name]
        for name in (
            *("_TOP_UP", "_HELD", "_POST", "_VOID", "_VOIDED", "_POSTED", "_EXPIRE", "_BOUGHT", "_REVERSAL", "_DATED"),
            *("_BELOW", "_OPERATED"),
        )
    },
}


def statement(template: str) -> str:
    """Return the SQL of a damage with the names of the history filled in."""
    return template.format_map(_NAMES)


OF_ACCOUNTS: Final[dict[str, tuple[str, Found]]] = {
    "a counter is changed": (
        "UPDATE ledger_balances SET credits_posted = credits_posted + 1 WHERE number = {_WALLET}",
        {"trial_balance": {"INR"}, "counters": {WALLET.id}},
    ),
    "both counters are changed alike": (
        "UPDATE ledger_balances SET debits_posted = 7, credits_posted = 7 WHERE number = {_OTHER_STRIPE}",
        {"counters": {CASH.id}},
    ),
    "a pending counter is changed": (
        "UPDATE ledger_balances SET debits_pending = debits_pending + 1 WHERE number = {_WALLET}",
        {"trial_balance": {"INR"}, "holds": {WALLET.id}},
    ),
    "a number of lines is changed": (
        "UPDATE ledger_balances SET line_count = line_count + 1 WHERE number = {_SALES}",
        {"counters": {SALES.id}},
    ),
    "the time of the last line is changed": (
        "UPDATE ledger_balances SET last_posted_at = last_posted_at + interval '1 s' WHERE number = {_SALES}",
        {"counters": {SALES.id}},
    ),
    "a counter row without lines is deleted": (
        "DELETE FROM ledger_balances WHERE number = {_HEADER}",
        {"accounts": {history.HEADER.id}, "account_history": {history.HEADER.id}},
    ),
    "an account without lines is deleted": (
        "DELETE FROM ledger_accounts WHERE id = '{_HEADER_ID}'",
        {"accounts": {"counter row", CASH.id}, "account_history": {history.HEADER.id, CASH.id}},
    ),
    "counters of nobody are added": (
        "INSERT INTO ledger_balances (account_number, stripe) VALUES (999999, 0)",
        {"accounts": {"counter row"}},
    ),
    "the stripes differ in status": (
        "UPDATE ledger_balances SET status = 'FROZEN' WHERE number = {_CASH}",
        {"accounts": {CASH.id}, "account_history": {CASH.id}},
    ),
    "an account gets another currency": (
        "UPDATE ledger_accounts SET currency = 'EUR' WHERE id = 'INCOME:TEST:2:SALES'",
        {
            "trial_balance": {"EUR", "USD"},
            "entries_balance": {str(history.DOLLAR)},
            "account_history": {"INCOME:TEST:2:SALES"},
        },
    ),
    "leave to pass a floor is taken back": (
        "DELETE FROM ledger_below_floor",
        {"floors": {_BELOW}},
    ),
    "leave is given to nobody": (
        "INSERT INTO ledger_below_floor VALUES ('{_NEW}')",
        {"floors": {_NEW}},
    ),
    "a snapshot is changed": (
        (
            "UPDATE ledger_snapshots SET debits_posted = debits_posted + 1 WHERE balance_number ="
            " {_CASH} AND account_line = 1"
        ),
        {"snapshots": {CASH.id}},
    ),
    "a snapshot is moved": (
        (
            "UPDATE ledger_snapshots SET account_line = account_line + 90 WHERE balance_number ="
            " {_CASH} AND account_line = 1"
        ),
        {"snapshots": {CASH.id}},
    ),
    "snapshots of nobody are added": (
        "INSERT INTO ledger_snapshots VALUES (999999, now(), 1, 1, 1)",
        {"accounts": {"counter row"}},
    ),
    "a daily balance is changed": (
        "UPDATE ledger_daily_balances SET debits = debits + 1, closing = closing + 1 WHERE day = '2026-01-30'",
        {"daily_balances": {"2026-01-30"}},
    ),
    "a count of a daily balance is changed": (
        "UPDATE ledger_daily_balances SET credit_count = credit_count + 1 WHERE day = '2026-01-31'",
        {"daily_balances": {"2026-01-31"}},
    ),
    "daily balances are deleted": (
        "DELETE FROM ledger_daily_balances WHERE day = '2026-01-30'",
        {"daily_balances": {"2026-01-30"}},
    ),
    "a daily balance of nothing is added": (
        "INSERT INTO ledger_daily_balances VALUES (999999, '2026-02-02', 0, 0, 1, 0, 1, 1, 0, now())",
        {"daily_balances": {"2026-02-02"}},
    ),
    "a day is open again": (
        "DELETE FROM ledger_closed_days WHERE day = '2026-01-31'",
        {"daily_balances": {"2026-01-31"}},
    ),
}

OF_ENTRIES: Final[dict[str, tuple[str, Found]]] = {
    "an amount of an entry is changed": (
        "UPDATE ledger_entries SET amounts[2] = -999 WHERE id = '{_TOP_UP}'",
        {"entries_balance": {_TOP_UP}, "lines": {_TOP_UP}},
    ),
    "an entry's amounts are changed alike": (
        "UPDATE ledger_entries SET amounts = '{{41,-41}}' WHERE id = '{_BOUGHT}'",
        {"lines": {_BOUGHT}, "endings": {_REVERSAL}},
    ),
    "an entry moves another account": (
        "UPDATE ledger_entries SET balance_numbers[1] = {_SALES} WHERE id = '{_TOP_UP}'",
        {"lines": {_TOP_UP}},
    ),
    "an entry names an account that is not there": (
        "UPDATE ledger_entries SET balance_numbers[1] = 999999 WHERE id = '{_TOP_UP}'",
        {"entries_balance": {_TOP_UP}, "lines": {_TOP_UP}},
    ),
    "an entry loses its lines": (
        "UPDATE ledger_entries SET balance_numbers = '{{}}', amounts = '{{}}' WHERE id = '{_TOP_UP}'",
        {"entries_balance": {_TOP_UP}, "lines": {_TOP_UP}},
    ),
    "a void gets lines": (
        (
            "UPDATE ledger_entries SET balance_numbers = ARRAY[{_CASH}, {_SALES}], amounts = '{{0,0}}'"
            " WHERE id = '{_VOID}'"
        ),
        {"entries_balance": {_VOID}, "lines": {_VOID}},
    ),
    "a posted entry gets a time-out": (
        "UPDATE ledger_entries SET timeout_at = now() WHERE id = '{_TOP_UP}'",
        {"entries_balance": {_TOP_UP}},
    ),
    "an entry is deleted": (
        "DELETE FROM ledger_entries WHERE id = '{_TOP_UP}'",
        {"lines": {_TOP_UP}, "keys": {_TOP_UP}},
    ),
    "an open hold is deleted": (
        "DELETE FROM ledger_entries WHERE id = '{_HELD}'",
        {"lines": {_HELD}, "holds": {WALLET.id, SALES.id}},
    ),
    "an entry is added": (
        (
            "INSERT INTO ledger_entries (id, posted_at, kind, currency, narration, balance_numbers, amounts)"
            " VALUES ('{_NEW}', now(), 'TRANSFER', 'INR', '', ARRAY[{_CASH}, {_SALES}], '{{5,-5}}')"
        ),
        {"lines": {_NEW}},
    ),
    "a hold is posted without having been": (
        "UPDATE ledger_entries SET kind = 'TRANSFER' WHERE id = '{_HELD}'",
        {"lines": {_HELD}, "holds": {WALLET.id, SALES.id}},
    ),
    "two entries are swapped": (
        (
            "UPDATE ledger_entries SET id = CASE id WHEN '{_TOP_UP}'::uuid THEN '{_NEW}'::uuid ELSE"
            " '{_TOP_UP}'::uuid END"
            " WHERE id IN ('{_TOP_UP}', '{_BOUGHT}'); UPDATE ledger_entries SET id = '{_BOUGHT}' WHERE id = '{_NEW}'"
        ),
        {"lines": {_TOP_UP, _BOUGHT}, "keys": {_TOP_UP, _BOUGHT}, "endings": {_REVERSAL}},
    ),
    "an ending is deleted": (
        "DELETE FROM ledger_resolutions WHERE target_id = '{_VOIDED}'",
        {"holds": {WALLET.id, SALES.id}, "endings": {_VOID}},
    ),
    "an ending is added": (
        "INSERT INTO ledger_resolutions VALUES ('{_HELD}', '{_NEW}', 'VOID')",
        {"holds": {WALLET.id, SALES.id}, "endings": {_HELD}},
    ),
    "an ending names another entry": (
        "UPDATE ledger_resolutions SET entry_id = '{_POST}' WHERE target_id = '{_VOIDED}'",
        {"endings": {_VOID, _VOIDED}},
    ),
    "an ending is of another kind": (
        "UPDATE ledger_resolutions SET kind = 'EXPIRE' WHERE target_id = '{_VOIDED}'",
        {"endings": {_VOID, _VOIDED}},
    ),
    "a hold is ended before its time-out": (
        "UPDATE ledger_entries SET timeout_at = now() + interval '9 years' WHERE id = '{_EXPIRED}'",
        {"endings": {_EXPIRE}},
    ),
    "less was held than is posted": (
        "UPDATE ledger_entries SET amounts = '{{59,-59}}' WHERE id = '{_POSTED}'",
        {"lines": {_POSTED}, "endings": {_POST}},
    ),
    "a reversal names a void": (
        "UPDATE ledger_entries SET target_id = '{_VOID}' WHERE id = '{_REVERSAL}'",
        {"endings": {_REVERSAL, _BOUGHT}},
    ),
    "a reversal is in another currency": (
        "UPDATE ledger_entries SET currency = 'USD' WHERE id = '{_REVERSAL}'",
        {"endings": {_REVERSAL}, "entries_balance": {_REVERSAL}},
    ),
    "a key is deleted": ("DELETE FROM ledger_keys WHERE key = 'key 1'", {"keys": {_TOP_UP}}),
    "a key is added": ("INSERT INTO ledger_keys VALUES ('key 3', '{_TOP_UP}')", {"keys": {_TOP_UP}}),
    "a key is taken by nobody": ("INSERT INTO ledger_keys VALUES ('key 3', '{_NEW}')", {"keys": {_NEW}}),
    "a key is somebody else's": (
        "UPDATE ledger_keys SET entry_id = '{_BOUGHT}' WHERE key = 'key 1'",
        {"keys": {_TOP_UP, _BOUGHT}},
    ),
    "a value date is changed": (
        "UPDATE ledger_entries SET value_date = '2026-01-28' WHERE id = '{_DATED}'",
        {"value_dates": {_DATED}},
    ),
    "the note of a value date is deleted": (
        "DELETE FROM ledger_value_dated_lines WHERE number = 1",
        {"value_dates": {_DATED}},
    ),
    "the note of a value date is changed": (
        "UPDATE ledger_value_dated_lines SET amount = amount + 1 WHERE number = 0",
        {"value_dates": {_DATED}},
    ),
    "a value date is noted of nobody": (
        "INSERT INTO ledger_value_dated_lines VALUES ('{_NEW}', 0, 1, '2026-01-01', '2026-01-02', 5)",
        {"value_dates": {_NEW}},
    ),
    "a value date is noted of an entry without": (
        "INSERT INTO ledger_value_dated_lines VALUES ('{_TOP_UP}', 0, 1, '2026-01-01', '2026-01-29', 5)",
        {"value_dates": {_TOP_UP}},
    ),
    "an operation is deleted": ("DELETE FROM ledger_operations", {"operations": {_OPERATED}}),
    "an operation's entry is another": (
        "UPDATE ledger_operations SET entry_id = '{_NEW}'",
        {"operations": {_OPERATED, OPERATION}},
    ),
    "an operation's figures are changed": (
        (
            "UPDATE ledger_operations SET amount = 12, pending = TRUE, currency = 'USD', value_date = '2026-01-01',"
            " back_dated = TRUE, recorded_at = now() + interval '9 years', timeout_at = now()"
        ),
        {"operations": {OPERATION}},
    ),
    "an operation's words are changed": (
        (
            "UPDATE ledger_operations SET idempotency_key = 'k', correlation_id = 'c', utr = 'u',"
            " metadata = '{{\"a\": 1}}'"
        ),
        {"operations": {OPERATION}},
    ),
}

OF_LINES: Final[dict[str, tuple[str, Found]]] = {
    "an amount of a line is changed": (
        "UPDATE ledger_lines SET amount = 1001 WHERE entry_id = '{_TOP_UP}' AND number = 0",
        {
            "counters": {CASH.id},
            "lines": {_TOP_UP},
            "running_balances": {_TOP_UP},
            "snapshots": {CASH.id},
            "daily_balances": _ALL_DAYS,
        },
    ),
    "a balance is changed": (
        "UPDATE ledger_lines SET balance_after = balance_after - 1 WHERE entry_id = '{_OPERATED}' AND number = 0",
        {"running_balances": {_OPERATED}},
    ),
    "a line is moved in time": (
        "UPDATE ledger_lines SET posted_at = posted_at - interval '1 s' WHERE entry_id = '{_OPERATED}' AND number = 0",
        {"lines": {_OPERATED}, "running_balances": {_DATED, _OPERATED}, "snapshots": {CASH.id}},
    ),
    "a line is deleted": (
        "DELETE FROM ledger_lines WHERE entry_id = '{_OPERATED}' AND number = 0",
        {"counters": {CASH.id}, "lines": {_OPERATED}, "daily_balances": {"2026-02-01"}},
    ),
    "a line is added": (
        "{_ADD_LINE} VALUES (5, 1, 99, '2026-01-31 00:00+00', '{_NEW}', {_OTHER_STRIPE}, 0, FALSE)",
        {
            "counters": {CASH.id},
            "lines": {_NEW},
            "running_balances": {_NEW, _REVERSAL},
            "snapshots": {CASH.id},
            "daily_balances": {"2026-01-31", "2026-02-01"},
        },
    ),
    "a line stands twice": (
        (
            "{_ADD_LINE} SELECT amount, balance_after, 99, posted_at, entry_id, balance_number, number, pending"
            " FROM ledger_lines WHERE entry_id = '{_OPERATED}' AND number = 0"
        ),
        {
            "counters": {CASH.id},
            "lines": {_OPERATED},
            "running_balances": {_OPERATED},
            "daily_balances": {"2026-02-01"},
        },
    ),
    "a line is another account's": (
        "UPDATE ledger_lines SET balance_number = 999999 WHERE entry_id = '{_OPERATED}' AND number = 0",
        {"accounts": {"counter row"}, "counters": {CASH.id}, "lines": {_OPERATED}, "daily_balances": {"2026-02-01"}},
    ),
    "a held line is posted": (
        "UPDATE ledger_lines SET pending = FALSE WHERE entry_id = '{_HELD}' AND number = 0",
        {
            "counters": {WALLET.id},
            "lines": {_HELD},
            "running_balances": {_HELD},
            "snapshots": {WALLET.id},
            "daily_balances": {"2026-01-29", "2026-02-01"},
        },
    ),
    "two lines of an account are swapped": (
        (
            "UPDATE ledger_lines SET entry_id = CASE entry_id WHEN '{_DATED}'::uuid THEN '{_BELOW}'::uuid"
            " ELSE '{_DATED}'::uuid END, amount = CASE amount WHEN 5 THEN -2000 ELSE 5 END"
            " WHERE entry_id IN ('{_DATED}', '{_BELOW}') AND balance_number = {_CASH}"
        ),
        {"lines": {_DATED, _BELOW}, "running_balances": {_DATED, _BELOW}},
    ),
}
