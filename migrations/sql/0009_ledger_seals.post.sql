-- Code of the release before wrote no account events. What it opened or changed while this release was rolled out is told
-- now, when the last of it is gone.

INSERT INTO ledger_account_events (
    sequence, account_number, kind, happened_at, account_id, currency, stripes, parent_id, balance_numbers, status,
    min_balance
)
SELECT
    nextval('ledger_entries_sequence_seq'),
    accounts.number,
    'OPENED',
    accounts.opened_at,
    accounts.id,
    accounts.currency,
    accounts.stripes,
    accounts.parent_id,
    accounts.balance_numbers,
    accounts.status,
    accounts.min_balance
FROM (
    SELECT
        opened.*,
        parents.id AS parent_id,
        controls.*
    FROM ledger_accounts AS opened
    LEFT JOIN ledger_accounts AS parents ON opened.parent_number = parents.number
    CROSS JOIN LATERAL (
        SELECT
            array_agg(balances.number ORDER BY balances.stripe) AS balance_numbers,
            min(balances.status) AS status,
            min(balances.min_balance) AS min_balance
        FROM ledger_balances AS balances
        WHERE balances.account_number = opened.number
    ) AS controls
    WHERE NOT EXISTS (SELECT FROM ledger_account_events AS told WHERE told.account_number = opened.number)
    ORDER BY opened.number
) AS accounts;

INSERT INTO ledger_account_events (
    sequence, account_number, kind, happened_at, account_id, status_before, status, min_balance_before, min_balance
)
SELECT
    nextval('ledger_entries_sequence_seq'),
    accounts.number,
    'STATUS_CHANGED',
    now(),
    accounts.id,
    told.status AS status_before,
    controls.status,
    told.min_balance AS min_balance_before,
    told.min_balance
FROM ledger_accounts AS accounts
CROSS JOIN LATERAL (
    SELECT
        events.status,
        events.min_balance
    FROM ledger_account_events AS events
    WHERE events.account_number = accounts.number
    ORDER BY events.sequence DESC
    LIMIT 1
) AS told
INNER JOIN ledger_balances AS controls ON accounts.number = controls.account_number AND controls.stripe = 0
WHERE told.status <> controls.status;
