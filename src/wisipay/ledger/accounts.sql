-- Accounts: opening them and changing what they take. Each change is told in ledger_account_events by the same statement,
-- numbered by the entries' sequence.
-- noqa: disable=RF04

-- name: open_account!
WITH opened AS (
    INSERT INTO ledger_accounts (id, kind, entity, entity_id, purpose, currency, stripes, parent_number)
    VALUES ($1, $2, $3, $4, $5, $6, $7, (
        SELECT number FROM ledger_accounts
        WHERE id = $8
    ))
    ON CONFLICT (id) DO NOTHING
    RETURNING *
),

counted AS (
    INSERT INTO ledger_balances (account_number, stripe, min_balance)
    SELECT
        opened.number,
        series.stripe,
        $9 AS min_balance
    FROM opened CROSS JOIN generate_series(0, opened.stripes - 1) AS series (stripe)
    RETURNING *
)

INSERT INTO ledger_account_events (
    sequence, account_number, kind, happened_at, account_id, currency, stripes, parent_id, balance_numbers, status,
    min_balance
)
SELECT
    nextval('ledger_entries_sequence_seq'),
    opened.number,
    'OPENED',
    opened.opened_at,
    opened.id,
    opened.currency,
    opened.stripes,
    CASE WHEN opened.parent_number IS NOT NULL THEN $8 END,
    rows_of.numbers,
    rows_of.status,
    rows_of.min_balance
FROM opened
CROSS JOIN (
    SELECT
        array_agg(counted.number ORDER BY counted.stripe) AS numbers,
        min(counted.status) AS status,
        min(counted.min_balance) AS min_balance
    FROM counted
) AS rows_of;

-- name: opened_accounts
SELECT
    accounts.id,
    accounts.currency,
    accounts.stripes,
    parents.id AS parent_id
FROM ledger_accounts AS accounts
LEFT JOIN ledger_accounts AS parents ON accounts.parent_number = parents.number
WHERE accounts.id = any($1::text[]);

-- name: lock_controls
-- The counter rows of the account $1, locked in the order of all writers.
SELECT
    accounts.number AS account_number,
    accounts.stripes,
    balances.status,
    balances.min_balance
FROM ledger_accounts AS accounts
INNER JOIN ledger_balances AS balances ON accounts.number = balances.account_number
WHERE accounts.id = $1
ORDER BY balances.number
FOR NO KEY UPDATE OF balances;

-- name: change_controls!
-- Status ($4) and floor ($6) of the account numbered $1 and named $2, which were $3 and $5; $7 is the kind of event.
WITH changed AS (
    UPDATE ledger_balances SET status = $4, min_balance = $6
    WHERE account_number = $1
    RETURNING account_number
)

INSERT INTO ledger_account_events (
    sequence, account_number, kind, happened_at, account_id, status_before, status, min_balance_before, min_balance
)
SELECT
    nextval('ledger_entries_sequence_seq'),
    changed.account_number,
    $7,
    now(),
    $2,
    $3,
    $4,
    $5::bigint,
    $6::bigint
FROM changed
LIMIT 1;
