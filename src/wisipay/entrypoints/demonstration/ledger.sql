-- "lines" and "net" are the ledger's own words.
-- noqa: disable=RF04

-- name: postings
-- What the entries of transactions $1, and the entries that resolved those, moved on each account, debit positive.
WITH own AS (
    SELECT *
    FROM ledger_entries
    WHERE correlation_id = any($1::text[])
),

entries AS (
    SELECT
        id,
        correlation_id,
        kind,
        balance_numbers,
        amounts
    FROM own
    UNION
    SELECT
        e.id,
        own.correlation_id,
        e.kind,
        e.balance_numbers,
        e.amounts
    FROM own
    INNER JOIN ledger_resolutions AS r ON own.id = r.target_id
    INNER JOIN ledger_entries AS e ON r.entry_id = e.id
)

SELECT
    entries.correlation_id AS transaction_id,
    accounts.id AS account_id,
    sum(lines.amount)::bigint AS amount
FROM entries
CROSS JOIN unnest(entries.balance_numbers, entries.amounts) AS lines (balance_number, amount)
INNER JOIN ledger_balances AS balances ON lines.balance_number = balances.number
INNER JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
WHERE entries.kind <> 'PENDING'
GROUP BY entries.correlation_id, accounts.id
HAVING sum(lines.amount) <> 0;

-- name: open_holds
-- How many holds of transactions $1 nobody has resolved.
SELECT
    e.correlation_id AS transaction_id,
    count(*) AS holds
FROM ledger_entries AS e
WHERE
    e.correlation_id = any($1::text[])
    AND e.kind = 'PENDING'
    AND NOT EXISTS (
        SELECT FROM ledger_resolutions AS r
        WHERE r.target_id = e.id
    )
GROUP BY e.correlation_id;

-- name: entry_count
SELECT count(*) FROM ledger_entries;

-- name: lines_net
-- Zero, and the same per account as its counters, in books that are right.
SELECT
    coalesce(sum(lines.amount), 0)::bigint AS net,
    coalesce(sum(lines.amount) FILTER (WHERE lines.amount > 0), 0)::bigint AS debits,
    coalesce(-sum(lines.amount) FILTER (WHERE lines.amount < 0), 0)::bigint AS credits
FROM ledger_lines AS lines
WHERE NOT lines.pending;
