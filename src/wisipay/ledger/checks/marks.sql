-- How far the books have been checked.
-- noqa: disable=RF04

-- name: last_sequence
-- No entry is behind it. Asked of the sequence, since the index on it knows no order.
SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('ledger_entries', 'sequence')::regclass), 0) AS last;

-- name: checked_entries
SELECT marks.complete FROM ledger_checked_entries AS marks;

-- name: mark_lines!
-- Each counter row has been checked up to its last line of this moment.
INSERT INTO ledger_checked_lines (balance_number, account_line, posted_at, debits_posted, credits_posted)
SELECT
    balances.number,
    balances.line_count,
    balances.last_posted_at,
    balances.debits_posted,
    balances.credits_posted
FROM ledger_balances AS balances
LEFT JOIN ledger_checked_lines AS marks ON balances.number = marks.balance_number
WHERE balances.line_count > coalesce(marks.account_line, 0)
ON CONFLICT (balance_number) DO UPDATE SET
    account_line = excluded.account_line,
    posted_at = excluded.posted_at,
    debits_posted = excluded.debits_posted,
    credits_posted = excluded.credits_posted;

-- name: mark_holds!
-- Remember the holds that are open, of those that were and those written behind the place $1.
WITH ended AS (
    DELETE FROM ledger_checked_holds AS marks
    WHERE EXISTS (SELECT FROM ledger_resolutions AS endings WHERE endings.target_id = marks.entry_id)
)

INSERT INTO ledger_checked_holds (entry_id)
SELECT entries.id FROM ledger_entries AS entries
WHERE
    entries.sequence > $1
    AND entries.kind = 'PENDING'
    AND NOT EXISTS (SELECT FROM ledger_resolutions AS endings WHERE endings.target_id = entries.id)
ON CONFLICT DO NOTHING;

-- name: mark_entries!
-- What was seen last time is complete once all transactions of that time have ended. A transaction has its number before
-- it takes a place in the order, since it locks accounts first. Whatever was seen is behind the place $1.
INSERT INTO ledger_checked_entries (complete, seen, running)
SELECT
    0 AS complete,
    coalesce(max(entries.sequence), $1) AS seen,
    pg_snapshot_xmax(pg_current_snapshot()) AS running
FROM ledger_entries AS entries
WHERE entries.sequence > $1
ON CONFLICT (singleton) DO UPDATE SET
    complete = CASE
        WHEN pg_snapshot_xmin(pg_current_snapshot()) >= ledger_checked_entries.running THEN ledger_checked_entries.seen
        ELSE ledger_checked_entries.complete
    END,
    seen = excluded.seen,
    running = excluded.running;
