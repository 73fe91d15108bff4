"""Ways to falsify sealed books with every right on the database, and what each must be found out as.

The value of a case is the SQL, with `{names}` of `NAMES`, and the check, subject and id of the difference that has to
be among those found; for what the chain finds it has to be the first.
"""

from __future__ import annotations

from typing import Final

from support.books import BANK, WALLET
from support.sealed_books import (
    BACK_DATED,
    FREE,
    HEADER,
    HOLD,
    KEYED,
    LATER,
    OPERATION,
    POST,
    REVERSED,
    STRIPED,
    TRANSFER,
    VOID,
)

NEW: Final = "01940000-0000-7000-8000-00000000ffff"
NAMES: Final = {
    "transfer": TRANSFER, "hold": HOLD, "post": POST, "keyed": KEYED, "dated": BACK_DATED, "free": FREE, "later": LATER,
    "void": VOID, "reversed": REVERSED, "new": NEW, "wallet": WALLET.id, "bank": BANK.id, "header": HEADER.id,
    "striped": STRIPED.id, "operation": OPERATION,
}  # fmt: skip

Expected = tuple[str, str, str]

ENTRIES: Final[dict[str, tuple[str, Expected]]] = {
    "an entry says other words": (
        "UPDATE ledger_entries SET narration = 'refund' WHERE id = '{transfer}'",
        ("sealed_record_changed", "ENTRY", str(TRANSFER)),
    ),
    "an entry says nothing where it said an empty text": (
        "UPDATE ledger_entries SET external_reference = '' WHERE id = '{transfer}'",
        ("sealed_record_changed", "ENTRY", str(TRANSFER)),
    ),
    "an entry was a microsecond later": (
        "UPDATE ledger_entries SET posted_at = posted_at + interval '1 microsecond' WHERE id = '{void}'",
        ("sealed_record_changed", "ENTRY", str(VOID)),
    ),
    "an entry counts on another day": (
        "UPDATE ledger_entries SET value_date = '2026-01-03' WHERE id = '{dated}'",
        ("sealed_record_changed", "ENTRY", str(BACK_DATED)),
    ),
    "a number in an entry's metadata loses a zero": (
        "UPDATE ledger_entries SET metadata = '{{\"a\": [1, null], \"b\": 1}}' WHERE id = '{keyed}'",
        ("sealed_record_changed", "ENTRY", str(KEYED)),
    ),
    "an entry is deleted": (
        "DELETE FROM ledger_entries WHERE id = '{post}'",
        ("sealed_record_missing", "ENTRY", str(POST)),
    ),
    "an entry is put among sealed ones": (
        """
        INSERT INTO ledger_entries (id, sequence, posted_at, kind, currency, narration, balance_numbers, amounts)
        OVERRIDING SYSTEM VALUE
        SELECT '{new}', sequence, posted_at, kind, currency, narration, balance_numbers, amounts
        FROM ledger_entries WHERE id = '{transfer}'
        """,
        ("record_inserted", "ENTRY", NEW),
    ),
    "an entry is put before all others": (
        """
        INSERT INTO ledger_entries (id, sequence, posted_at, kind, currency, narration, balance_numbers, amounts)
        OVERRIDING SYSTEM VALUE
        SELECT '{new}', -5, posted_at, kind, currency, narration, balance_numbers, amounts
        FROM ledger_entries WHERE id = '{transfer}'
        """,
        ("record_inserted", "ENTRY", NEW),
    ),
    "two entries swap their places": (
        """
        WITH gone AS (DELETE FROM ledger_entries WHERE id IN ('{keyed}', '{later}') RETURNING *)
        INSERT INTO ledger_entries (
            id, sequence, posted_at, kind, currency, narration, idempotency_key, metadata, balance_numbers, amounts
        )
        OVERRIDING SYSTEM VALUE
        SELECT
            id, sum(sequence) OVER () - sequence, posted_at, kind, currency, narration, idempotency_key, metadata,
            balance_numbers, amounts
        FROM gone
        """,
        ("record_inserted", "ENTRY", str(LATER)),
    ),
    "two entries swap their ids": (
        """
        UPDATE ledger_entries SET id = '{new}' WHERE id = '{transfer}';
        UPDATE ledger_entries SET id = '{transfer}' WHERE id = '{hold}';
        UPDATE ledger_entries SET id = '{hold}' WHERE id = '{new}'
        """,
        ("sealed_record_moved", "ENTRY", str(TRANSFER)),
    ),
    "an entry's two amounts are raised together": (
        "UPDATE ledger_entries SET amounts = ARRAY[5000, -5000] WHERE id = '{transfer}'",
        ("sealed_record_changed", "ENTRY", str(TRANSFER)),
    ),
    "an entry and its lines are raised together": (
        """
        WITH raised AS (UPDATE ledger_entries SET amounts = ARRAY[5000, -5000] WHERE id = '{transfer}')
        UPDATE ledger_lines SET amount = 5 * amount, balance_after = balance_after + 4 * amount
        WHERE entry_id = '{transfer}'
        """,
        ("sealed_record_changed", "ENTRY", str(TRANSFER)),
    ),
}

LINES: Final[dict[str, tuple[str, Expected]]] = {
    "a line's amount is changed": (
        "UPDATE ledger_lines SET amount = amount + 1 WHERE entry_id = '{transfer}' AND number = 0",
        ("sealed_record_changed", "ENTRY", str(TRANSFER)),
    ),
    "a line's balance is changed": (
        "UPDATE ledger_lines SET balance_after = 0 WHERE entry_id = '{post}' AND number = 0",
        ("sealed_record_changed", "ENTRY", str(POST)),
    ),
    "a line is deleted": (
        "DELETE FROM ledger_lines WHERE entry_id = '{later}' AND number = 1",
        ("sealed_record_changed", "ENTRY", str(LATER)),
    ),
    "a line is there twice": (
        """
        INSERT INTO ledger_lines (
            amount, balance_after, account_line, posted_at, entry_id, balance_number, number, pending
        )
        SELECT amount, balance_after, 99, posted_at, entry_id, balance_number, number, pending
        FROM ledger_lines WHERE entry_id = '{later}' AND number = 1
        """,
        ("sealed_record_changed", "ENTRY", str(LATER)),
    ),
    "a line of no entry is added": (
        """
        INSERT INTO ledger_lines (
            amount, balance_after, account_line, posted_at, entry_id, balance_number, number, pending
        )
        SELECT amount, balance_after, 99, posted_at, '{new}', balance_number, number, pending
        FROM ledger_lines WHERE entry_id = '{later}' AND number = 1
        """,
        ("lines", "ENTRY", NEW),
    ),
    "two lines swap their accounts": (
        """
        UPDATE ledger_lines AS lines
        SET balance_number = others.balance_number, account_line = others.account_line + 1000
        FROM ledger_lines AS others
        WHERE lines.entry_id = '{later}' AND others.entry_id = '{later}' AND lines.number <> others.number;
        UPDATE ledger_lines SET account_line = account_line - 1000 WHERE account_line > 1000
        """,
        ("sealed_record_changed", "ENTRY", str(LATER)),
    ),
    "a line of a hold passes for posted": (
        "UPDATE ledger_lines SET pending = FALSE WHERE entry_id = '{hold}' AND number = 0",
        ("sealed_record_changed", "ENTRY", str(HOLD)),
    ),
}

BESIDE: Final[dict[str, tuple[str, Expected]]] = {
    "an operation has another actor": (
        "UPDATE ledger_operations SET actor = 'admin:2'",
        ("sealed_record_changed", "ENTRY", str(FREE)),
    ),
    "an operation is deleted": (
        "DELETE FROM ledger_operations",
        ("sealed_record_changed", "ENTRY", str(FREE)),
    ),
    "an operation is invented": (
        """
        INSERT INTO ledger_operations (
            id, entry_id, recorded_at, name, amount, currency, actor, reason, debit_account_id, credit_account_id,
            pending, narration, back_dated, metadata
        )
        SELECT 'OP-2', '{transfer}', recorded_at, name, amount, currency, actor, reason, debit_account_id,
            credit_account_id, pending, narration, back_dated, metadata
        FROM ledger_operations
        """,
        ("operations", "OPERATION", "OP-2"),
    ),
    "an ending is taken back": (
        "DELETE FROM ledger_resolutions WHERE target_id = '{hold}'",
        ("endings", "ENTRY", str(POST)),
    ),
    "an ending is of another kind": (
        "UPDATE ledger_resolutions SET kind = 'VOID' WHERE target_id = '{hold}'",
        ("endings", "ENTRY", str(POST)),
    ),
    "an ending is invented": (
        "INSERT INTO ledger_resolutions VALUES ('{transfer}', '{new}', 'REVERSAL')",
        ("endings", "ENTRY", str(TRANSFER)),
    ),
    "an idempotency key is forgotten": (
        "DELETE FROM ledger_keys WHERE key = 'key'",
        ("keys", "ENTRY", str(KEYED)),
    ),
    "an idempotency key is another entry's": (
        "UPDATE ledger_keys SET entry_id = '{transfer}' WHERE key = 'key'",
        ("keys", "ENTRY", str(KEYED)),
    ),
    "a line by value date is deleted": (
        "DELETE FROM ledger_value_dated_lines WHERE number = 0",
        ("value_dates", "ENTRY", str(BACK_DATED)),
    ),
    "a line by value date counts elsewhere": (
        "UPDATE ledger_value_dated_lines SET amount = amount + 1 WHERE number = 0",
        ("value_dates", "ENTRY", str(BACK_DATED)),
    ),
    "a snapshot is changed": (
        """
        UPDATE ledger_snapshots SET debits_posted = debits_posted + 1 WHERE balance_number = (
            SELECT balances.number FROM ledger_balances AS balances
            INNER JOIN ledger_accounts AS accounts ON accounts.number = account_number WHERE id = '{bank}'
        )
        """,
        ("snapshots", "ACCOUNT", BANK.id),
    ),
}

ACCOUNTS: Final[dict[str, tuple[str, Expected]]] = {
    "an account is thawed": (
        """
        UPDATE ledger_balances SET status = 'ACTIVE' FROM ledger_accounts AS accounts
        WHERE accounts.number = account_number AND id = '{header}'
        """,
        ("account_history", "ACCOUNT", HEADER.id),
    ),
    "an account loses its floor": (
        """
        UPDATE ledger_balances SET min_balance = NULL FROM ledger_accounts AS accounts
        WHERE accounts.number = account_number AND id = '{wallet}'
        """,
        ("account_history", "ACCOUNT", WALLET.id),
    ),
    "a counter is changed": (
        """
        UPDATE ledger_balances SET credits_posted = credits_posted + 1 FROM ledger_accounts AS accounts
        WHERE accounts.number = account_number AND id = '{wallet}'
        """,
        ("counters", "ACCOUNT", WALLET.id),
    ),
    "two accounts swap their counter rows": (
        """
        UPDATE ledger_balances SET stripe = 99 FROM ledger_accounts AS accounts
        WHERE accounts.number = account_number AND id = '{wallet}';
        UPDATE ledger_balances SET account_number = (SELECT number FROM ledger_accounts WHERE id = '{wallet}')
        FROM ledger_accounts AS accounts WHERE accounts.number = account_number AND id = '{bank}';
        UPDATE ledger_balances
        SET stripe = 0, account_number = (SELECT number FROM ledger_accounts WHERE id = '{bank}') WHERE stripe = 99
        """,
        ("sealed_record_changed", "ENTRY", str(TRANSFER)),
    ),
    "an account is another one's child": (
        """
        UPDATE ledger_accounts SET parent_number = (SELECT number FROM ledger_accounts WHERE id = '{bank}')
        WHERE id = '{striped}'
        """,
        ("account_history", "ACCOUNT", STRIPED.id),
    ),
    "an account was opened on another day": (
        "UPDATE ledger_accounts SET opened_at = opened_at - interval '1 day' WHERE id = '{striped}'",
        ("account_history", "ACCOUNT", STRIPED.id),
    ),
    "an account is deleted": (
        "DELETE FROM ledger_accounts WHERE id = '{header}'",
        ("account_history", "ACCOUNT", HEADER.id),
    ),
    "an account is there that was never opened": (
        """
        INSERT INTO ledger_accounts (id, kind, entity, entity_id, purpose, currency, stripes)
        VALUES ('ASSET:NO:SUCH:ACCOUNT', 'ASSET', 'NO', 'SUCH', 'ACCOUNT', 'INR', 1)
        """,
        ("account_history", "ACCOUNT", "ASSET:NO:SUCH:ACCOUNT"),
    ),
    "the history of an account is changed": (
        "UPDATE ledger_account_events SET status = 'ACTIVE' WHERE kind = 'STATUS_CHANGED'",
        ("sealed_record_changed", "ACCOUNT", HEADER.id),
    ),
    "an account and its history are changed alike": (
        """
        WITH told AS (UPDATE ledger_account_events SET status = 'ACTIVE' WHERE kind = 'STATUS_CHANGED')
        UPDATE ledger_balances SET status = 'ACTIVE'
        """,
        ("sealed_record_changed", "ACCOUNT", HEADER.id),
    ),
    "an event of an account's history is added": (
        """
        INSERT INTO ledger_account_events (
            sequence, account_number, kind, happened_at, account_id, status, status_before
        )
        SELECT -5, account_number, 'STATUS_CHANGED', happened_at, account_id, 'FROZEN', 'ACTIVE'
        FROM ledger_account_events WHERE account_id = '{bank}'
        """,
        ("record_inserted", "ACCOUNT", BANK.id),
    ),
}

SEALS: Final[dict[str, tuple[str, Expected]]] = {
    "a block was sealed at another time": (
        "UPDATE ledger_seal_blocks SET sealed_at = sealed_at + interval '1 second' WHERE number = 2",
        ("seal_block_changed", "SEAL", "2"),
    ),
    "a block's hash is changed": (
        "UPDATE ledger_seal_blocks SET hash = sha256(hash) WHERE number = 3",
        ("seal_block_changed", "SEAL", "3"),
    ),
    "a digest in a block is changed": (
        """
        UPDATE ledger_seal_blocks SET digests = set_byte(digests, 40, (get_byte(digests, 40) + 1) % 256)
        WHERE number = 3
        """,
        ("seal_block_changed", "SEAL", "3"),
    ),
    "a block is said to seal more": (
        "UPDATE ledger_seal_blocks SET through_sequence = through_sequence + 1 WHERE number = 3",
        ("seal_block_changed", "SEAL", "3"),
    ),
    "a block is numbered otherwise": (
        "UPDATE ledger_seal_blocks SET first_position = first_position + 1 WHERE number = 3",
        ("seal_block_changed", "SEAL", "3"),
    ),
    "a block is deleted": (
        "DELETE FROM ledger_seal_blocks WHERE number = 2",
        ("seal_block_missing", "SEAL", "2"),
    ),
    "two blocks swap their places": (
        """
        UPDATE ledger_seal_blocks SET number = number + 1000 WHERE number IN (2, 3);
        UPDATE ledger_seal_blocks SET number = 1005 - number WHERE number IN (1002, 1003)
        """,
        ("seal_block_changed", "SEAL", "2"),
    ),
    "a block is invented behind the last": (
        """
        INSERT INTO ledger_seal_blocks
        SELECT number + 1, first_position + records, records, through_sequence + 100, sealed_at, hash, start_hash, hash,
            identities, digests
        FROM ledger_seal_blocks ORDER BY number DESC LIMIT 1
        """,
        ("seal_block_changed", "SEAL", "{next_block}"),
    ),
    "the chain is cut off": (
        "DELETE FROM ledger_seal_blocks WHERE number > 3",
        ("published_head", "SEAL", "{last_block}"),
    ),
    "the chain is gone": (
        "DELETE FROM ledger_seal_blocks",
        ("published_head", "SEAL", "{last_block}"),
    ),
}

ALL: Final = {**ENTRIES, **LINES, **BESIDE, **ACCOUNTS, **SEALS}
