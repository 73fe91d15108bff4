-- What must hold of accounts, their counters as a whole, open holds and the records of operations.
-- noqa: disable=AM09,RF02,RF04

-- name: check_trial_balance
-- All debits are all credits, in every currency: of what is posted and of what is held.
SELECT
    totals.currency AS id,
    format('posted debits exceed credits by %s, those on hold by %s', totals.posted, totals.pending) AS message
FROM (
    SELECT
        coalesce(accounts.currency, 'unknown') AS currency,
        sum(balances.debits_posted - balances.credits_posted) AS posted,
        sum(balances.debits_pending - balances.credits_pending) AS pending
    FROM ledger_balances AS balances
    LEFT JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
    GROUP BY accounts.currency
) AS totals
WHERE totals.posted <> 0 OR totals.pending <> 0;

-- name: check_accounts
-- Every account has its counter rows, all with the same controls, and its parent was opened before it; and there is nothing
-- of counter rows that do not exist. Lines and snapshots of those are found by leaps along the key.
WITH RECURSIVE rows_of_lines AS (
    SELECT min(lines.balance_number) AS number FROM ledger_lines AS lines
    UNION ALL
    SELECT (
        SELECT min(lines.balance_number) FROM ledger_lines AS lines
        WHERE lines.balance_number > rows_of_lines.number
    )
    FROM rows_of_lines
    WHERE rows_of_lines.number IS NOT NULL
),

rows_of_snapshots AS (
    SELECT min(taken.balance_number) AS number FROM ledger_snapshots AS taken
    UNION ALL
    SELECT (
        SELECT min(taken.balance_number) FROM ledger_snapshots AS taken
        WHERE taken.balance_number > rows_of_snapshots.number
    )
    FROM rows_of_snapshots
    WHERE rows_of_snapshots.number IS NOT NULL
)

SELECT
    accounts.id,
    format('has counter rows %s, and %s were opened', stripes.numbers, accounts.stripes) AS message
FROM ledger_accounts AS accounts
CROSS JOIN LATERAL (
    SELECT
        coalesce(array_agg(balances.stripe ORDER BY balances.stripe), '{}') AS numbers,
        count(*) AS how_many
    FROM ledger_balances AS balances
    WHERE balances.account_number = accounts.number
) AS stripes
WHERE
    stripes.how_many <> accounts.stripes
    OR stripes.numbers <> array(SELECT each.stripe::smallint FROM generate_series(0, accounts.stripes - 1) AS each (stripe))
UNION ALL
SELECT
    accounts.id,
    format('stands below account %s, which was not there when it was opened', accounts.parent_number) AS message
FROM ledger_accounts AS accounts
LEFT JOIN ledger_accounts AS parents ON accounts.parent_number = parents.number
WHERE accounts.parent_number IS NOT NULL AND (parents.number < accounts.number) IS NOT TRUE
UNION ALL
SELECT
    accounts.id,
    'its counter rows do not agree on status and floor' AS message
FROM ledger_accounts AS accounts
INNER JOIN ledger_balances AS balances ON accounts.number = balances.account_number
GROUP BY accounts.id
HAVING
    min(balances.status) <> max(balances.status)
    OR count(DISTINCT coalesce(balances.min_balance::text, 'none')) > 1
UNION ALL
SELECT
    'counter row ' || orphans.number AS id,
    format('there are %s of it, and no such account', orphans.what) AS message
FROM (
    SELECT balances.number, 'counters' AS what FROM ledger_balances AS balances
    WHERE NOT EXISTS (SELECT FROM ledger_accounts AS accounts WHERE accounts.number = balances.account_number)
    UNION ALL
    SELECT rows_of_lines.number, 'lines' AS what FROM rows_of_lines
    WHERE NOT EXISTS (SELECT FROM ledger_balances AS balances WHERE balances.number = rows_of_lines.number)
    UNION ALL
    SELECT rows_of_snapshots.number, 'snapshots' AS what FROM rows_of_snapshots
    WHERE NOT EXISTS (SELECT FROM ledger_balances AS balances WHERE balances.number = rows_of_snapshots.number)
) AS orphans
WHERE orphans.number IS NOT NULL;

-- name: check_account_history
-- Each account is what its opening said, and takes what its last event says.
SELECT
    found.id,
    found.message
FROM (
    SELECT
        coalesce(accounts.id, events.account_id) AS id,
        CASE
            WHEN accounts.id IS NULL THEN 'was opened, and is not there'
            WHEN events.account_id IS NULL THEN 'is there, and was never opened'
            ELSE 'is not what its opening says'
        END AS message
    FROM (
        SELECT
            opened.*,
            parents.id AS parent_id,
            array(
                SELECT balances.number FROM ledger_balances AS balances
                WHERE balances.account_number = opened.number
                ORDER BY balances.stripe
            ) AS balance_numbers
        FROM ledger_accounts AS opened
        LEFT JOIN ledger_accounts AS parents ON opened.parent_number = parents.number
    ) AS accounts
    FULL JOIN (
        SELECT openings.* FROM ledger_account_events AS openings
        WHERE openings.kind = 'OPENED'
    ) AS events ON accounts.number = events.account_number AND accounts.id = events.account_id
    WHERE
        accounts.id IS NULL
        OR events.account_id IS NULL
        OR concat_ws(':', accounts.kind, accounts.entity, accounts.entity_id, accounts.purpose) <> accounts.id
        OR accounts.currency <> events.currency
        OR accounts.stripes <> events.stripes
        OR accounts.parent_id IS DISTINCT FROM events.parent_id
        OR accounts.opened_at <> events.happened_at
        OR accounts.balance_numbers <> events.balance_numbers
    UNION ALL
    SELECT
        told.account_id,
        format(
            'stripe %s is %s with floor %s; its history says %s with floor %s', balances.stripe, balances.status,
            coalesce(balances.min_balance::text, 'none'), told.status, coalesce(told.min_balance::text, 'none')
        )
    FROM ledger_balances AS balances
    INNER JOIN (
        SELECT DISTINCT ON (events.account_number) events.*
        FROM ledger_account_events AS events
        ORDER BY events.account_number ASC, events.sequence DESC
    ) AS told ON balances.account_number = told.account_number
    WHERE balances.status <> told.status OR balances.min_balance IS DISTINCT FROM told.min_balance
) AS found
ORDER BY found.id, found.message;

-- name: check_holds
-- What accounts count as on hold is the sum of the holds that have not ended: those that the last check left open, where $2,
-- and those written behind the place $1. Stripes together: a hold may be given back on another.
WITH candidates AS (
    SELECT entries.id FROM ledger_entries AS entries
    WHERE entries.sequence > $1 AND entries.kind = 'PENDING'
    UNION
    SELECT marks.entry_id FROM ledger_checked_holds AS marks
    WHERE $2::boolean
),

held AS (
    SELECT
        balances.account_number,
        coalesce(sum(moved.amount) FILTER (WHERE moved.amount > 0), 0) AS debits,
        -coalesce(sum(moved.amount) FILTER (WHERE moved.amount < 0), 0) AS credits
    FROM candidates
    CROSS JOIN LATERAL (
        SELECT found.* FROM ledger_entries AS found
        WHERE found.id = candidates.id OFFSET 0
    ) AS entries
    CROSS JOIN unnest(entries.balance_numbers, entries.amounts) AS moved (number, amount)
    INNER JOIN ledger_balances AS balances ON moved.number = balances.number
    WHERE NOT EXISTS (SELECT FROM ledger_resolutions AS endings WHERE endings.target_id = candidates.id)
    GROUP BY balances.account_number
),

counted AS (
    SELECT
        balances.account_number,
        sum(balances.debits_pending) AS debits,
        sum(balances.credits_pending) AS credits
    FROM ledger_balances AS balances
    GROUP BY balances.account_number
)

SELECT
    coalesce(accounts.id, 'account ' || counted.account_number) AS id,
    format(
        'its open holds say more than it counts as on hold: debits by %s, credits by %s',
        coalesce(held.debits, 0) - counted.debits, coalesce(held.credits, 0) - counted.credits
    ) AS message
FROM counted
LEFT JOIN held ON counted.account_number = held.account_number
LEFT JOIN ledger_accounts AS accounts ON counted.account_number = accounts.number
WHERE counted.debits <> coalesce(held.debits, 0) OR counted.credits <> coalesce(held.credits, 0);

-- name: check_entries_of_operations
-- The record of every operation has its entry, and the entry moves, says and names what the record does; or is archived.
SELECT
    operations.id,
    CASE
        WHEN entries.id IS NULL THEN format('its entry %s does not exist', operations.entry_id)
        ELSE format('its entry %s differs in %s', operations.entry_id, told.differs)
    END AS message
FROM ledger_operations AS operations
LEFT JOIN ledger_entries AS entries ON operations.entry_id = entries.id
CROSS JOIN LATERAL (
    SELECT concat_ws(
        ', ',
        CASE
            WHEN
                array(
                    SELECT format('%s %s', accounts.id, moved.amount)
                    FROM unnest(entries.balance_numbers, entries.amounts)
                        WITH ORDINALITY AS moved (number, amount, place)
                    LEFT JOIN ledger_balances AS balances ON moved.number = balances.number
                    LEFT JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
                    ORDER BY moved.place
                )
                <> ARRAY[
                    format('%s %s', operations.debit_account_id, operations.amount),
                    format('%s %s', operations.credit_account_id, -operations.amount)
                ]
                THEN 'lines'
        END,
        CASE WHEN entries.kind::text <> CASE WHEN operations.pending THEN 'PENDING' ELSE 'TRANSFER' END THEN 'kind' END,
        CASE WHEN entries.currency <> operations.currency THEN 'currency' END,
        CASE WHEN entries.timeout_at IS DISTINCT FROM operations.timeout_at THEN 'time-out' END,
        CASE WHEN entries.posted_at < operations.recorded_at THEN 'time' END,
        CASE
            WHEN entries.value_date IS DISTINCT FROM CASE WHEN operations.back_dated THEN operations.value_date END
                THEN 'value date'
        END,
        CASE WHEN entries.idempotency_key IS DISTINCT FROM operations.idempotency_key THEN 'idempotency key' END,
        CASE
            WHEN
                entries.correlation_id
                IS DISTINCT FROM coalesce(nullif(operations.correlation_id, ''), operations.id)
                THEN 'correlation id'
        END,
        CASE
            WHEN
                coalesce(entries.external_reference, '')
                <> coalesce(nullif(operations.external_reference, ''), operations.utr, '')
                THEN 'reference'
        END,
        CASE
            WHEN
                entries.metadata IS DISTINCT FROM
                operations.metadata || jsonb_build_object('operation', operations.name, 'operation_id', operations.id)
                THEN 'metadata'
        END
    ) AS differs
) AS told
WHERE
    (entries.id IS NULL OR told.differs <> '')
    AND NOT (entries.id IS NULL AND operations.entry_id < (SELECT ledger_archived_below()));

-- name: check_operations_of_entries
-- Every entry ($1 < sequence) that says which operation made it has that operation's record.
SELECT
    entries.id::text AS id,
    format('was made by operation %s, of which there is no record', entries.metadata ->> 'operation_id') AS message
FROM ledger_entries AS entries
LEFT JOIN LATERAL (
    SELECT found.id FROM ledger_operations AS found
    WHERE found.entry_id = entries.id OFFSET 0
) AS operations ON TRUE
WHERE
    entries.sequence > $1
    AND entries.metadata ?& ARRAY['operation', 'operation_id']
    AND operations.id IS DISTINCT FROM entries.metadata ->> 'operation_id';

-- name: check_leave_to_pass_floors
-- Leave to pass below a floor was given to entries that exist, or are archived.
SELECT
    allowed.entry_id::text AS id,
    'was let pass below a floor, and there is no such entry' AS message
FROM ledger_below_floor AS allowed
WHERE
    NOT EXISTS (SELECT FROM ledger_entries AS entries WHERE entries.id = allowed.entry_id)
    AND allowed.entry_id >= (SELECT ledger_archived_below());
