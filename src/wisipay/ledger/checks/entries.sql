-- What must hold of each entry and of the rows that belong to it. Every statement gives one row per difference (id of its
-- subject, message) and looks at the entries behind a place in the order of writing ($1; 0 for all of them).
-- noqa: disable=AM09,RF02,RF04

-- name: check_entries_balance
-- Two or more lines that add up to zero, on accounts of the entry's currency; the end of a hold without posting has none.
SELECT
    entries.id::text AS id,
    format(
        '%s in %s: amounts %s on counter rows %s; %s', entries.kind, entries.currency, entries.amounts,
        entries.balance_numbers, lines.faults
    ) AS message
FROM ledger_entries AS entries
CROSS JOIN LATERAL (
    SELECT concat_ws(
        ', ',
        CASE WHEN coalesce(sum(moved.amount), 0) <> 0 THEN 'debits exceed credits by ' || sum(moved.amount) END,
        CASE WHEN bool_or(coalesce(moved.amount, 0) = 0) THEN 'an amount is zero' END,
        CASE
            WHEN entries.kind IN ('VOID', 'EXPIRE') AND count(*) > 0 THEN 'has lines'
            WHEN entries.kind NOT IN ('VOID', 'EXPIRE') AND count(*) < 2 THEN 'has too few lines'
        END,
        CASE WHEN bool_or(accounts.number IS NULL) THEN 'an account does not exist' END,
        CASE WHEN bool_or(accounts.currency <> entries.currency) THEN 'an account is in another currency' END,
        CASE WHEN entries.timeout_at IS NOT NULL AND entries.kind <> 'PENDING' THEN 'has a time-out' END
    ) AS faults
    FROM unnest(entries.balance_numbers, entries.amounts) AS moved (number, amount)
    LEFT JOIN ledger_balances AS balances ON moved.number = balances.number
    LEFT JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
) AS lines
WHERE entries.sequence > $1 AND lines.faults <> '';

-- name: check_lines_of_entries
-- Every line that an entry ($1 < sequence <= $2) tells stands once among its account's lines. The lines of one account at
-- one moment are read once, however many entries of the moment's batch moved it. Copies of archived entries have no lines.
WITH told AS MATERIALIZED (
    SELECT
        entries.id,
        entries.posted_at,
        moved.number AS balance_number,
        moved.amount,
        moved.place - 1 AS number
    FROM ledger_entries AS entries
    CROSS JOIN unnest(entries.balance_numbers, entries.amounts) WITH ORDINALITY AS moved (number, amount, place)
    WHERE
        entries.sequence > $1
        AND entries.sequence <= $2
        AND entries.posted_at >= (SELECT ledger_archived_until())
),

found AS MATERIALIZED (
    SELECT
        lines.entry_id,
        lines.number,
        places.balance_number,
        count(*) AS times
    FROM (SELECT DISTINCT told.balance_number, told.posted_at FROM told) AS places
    CROSS JOIN LATERAL (
        SELECT here.entry_id, here.number FROM ledger_lines AS here
        WHERE here.balance_number = places.balance_number AND here.posted_at = places.posted_at OFFSET 0
    ) AS lines
    GROUP BY lines.entry_id, lines.number, places.balance_number
)

SELECT
    told.id::text AS id,
    format(
        'its line %s, %s on %s, stands %s times among the lines of the account',
        told.number, told.amount, coalesce(accounts.id, 'counter row ' || told.balance_number),
        coalesce(found.times, 0)
    ) AS message
FROM told
LEFT JOIN found
    ON told.id = found.entry_id AND told.number = found.number AND told.balance_number = found.balance_number
LEFT JOIN ledger_balances AS balances ON told.balance_number = balances.number
LEFT JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
WHERE found.times IS DISTINCT FROM 1;

-- name: check_endings
-- An entry that ends another names one that exists and that it fits, and stands as its one ending. What an archived entry
-- ended is archived too; so may be what a reversal reversed.
SELECT
    entries.id::text AS id,
    format('%s of %s: %s', entries.kind, entries.target_id, faults.all_of_them) AS message
FROM ledger_entries AS entries
LEFT JOIN LATERAL (
    SELECT found.* FROM ledger_entries AS found
    WHERE found.id = entries.target_id OFFSET 0
) AS targets ON TRUE
LEFT JOIN LATERAL (
    SELECT found.* FROM ledger_resolutions AS found
    WHERE found.target_id = entries.target_id OFFSET 0
) AS endings ON TRUE
LEFT JOIN LATERAL (
    SELECT bool_or(left_over.amount < 0) AS too_much
    FROM (
        SELECT sum(moved.amount) AS amount
        FROM (
            SELECT held.number, sign(held.amount) AS side, abs(held.amount) AS amount
            FROM unnest(targets.balance_numbers, targets.amounts) AS held (number, amount)
            UNION ALL
            SELECT taken.number, sign(taken.amount), -abs(taken.amount)
            FROM unnest(entries.balance_numbers, entries.amounts) AS taken (number, amount)
        ) AS moved
        LEFT JOIN ledger_balances AS balances ON moved.number = balances.number
        GROUP BY balances.account_number, moved.side
    ) AS left_over
    WHERE entries.kind = 'POST'
) AS posted ON TRUE
LEFT JOIN LATERAL (
    SELECT bool_or(inverse.amount IS DISTINCT FROM -first.amount OR there.account_number <> here.account_number)
        AS differs
    FROM unnest(entries.balance_numbers, entries.amounts) WITH ORDINALITY AS inverse (number, amount, place)
    FULL JOIN unnest(targets.balance_numbers, targets.amounts) WITH ORDINALITY AS first (number, amount, place)
        ON inverse.place = first.place
    LEFT JOIN ledger_balances AS here ON inverse.number = here.number
    LEFT JOIN ledger_balances AS there ON first.number = there.number
    WHERE entries.kind = 'REVERSAL'
) AS reversed ON TRUE
CROSS JOIN LATERAL (
    SELECT concat_ws(
        ', ',
        CASE WHEN targets.id IS NULL THEN 'there is no such entry' END,
        CASE
            WHEN endings.entry_id IS NULL THEN 'not noted as its ending'
            WHEN endings.entry_id <> entries.id OR endings.kind <> entries.kind
                THEN format('noted as its ending is %s, %s', endings.entry_id, endings.kind)
        END,
        CASE
            WHEN (targets.kind = 'PENDING') = (entries.kind = 'REVERSAL') OR targets.kind IN ('VOID', 'EXPIRE')
                THEN 'the target is ' || targets.kind
        END,
        CASE WHEN targets.currency <> entries.currency THEN 'the target is in ' || targets.currency END,
        CASE WHEN posted.too_much THEN 'posts more than was held' END,
        CASE WHEN reversed.differs THEN 'the lines are not the inverse' END,
        CASE
            WHEN entries.kind = 'EXPIRE' AND (entries.posted_at >= targets.timeout_at) IS NOT TRUE
                THEN format('at %s, with a time-out of %s', entries.posted_at, targets.timeout_at)
        END
    ) AS all_of_them
) AS faults
WHERE
    entries.sequence > $1
    AND entries.posted_at >= (SELECT ledger_archived_until())
    AND entries.target_id IS NOT NULL
    AND faults.all_of_them <> ''
    AND NOT (
        entries.kind = 'REVERSAL' AND targets.id IS NULL AND entries.target_id < (SELECT ledger_archived_below())
    );

-- name: check_noted_endings
-- Whatever is noted as an ending is an entry of that kind with that target, or both are archived. Looks at all of them.
SELECT
    endings.target_id::text AS id,
    format(
        'noted as ended by %s, %s; %s', endings.entry_id, endings.kind,
        CASE
            WHEN entries.id IS NULL THEN 'there is no such entry'
            ELSE format('that is %s of %s', entries.kind, entries.target_id)
        END
    ) AS message
FROM ledger_resolutions AS endings
LEFT JOIN ledger_entries AS entries ON endings.entry_id = entries.id
WHERE
    (entries.target_id = endings.target_id AND entries.kind = endings.kind) IS NOT TRUE
    AND NOT (
        entries.id IS NULL
        AND endings.entry_id < (SELECT ledger_archived_below())
        AND EXISTS (
            SELECT FROM ledger_entries AS targets
            WHERE targets.id = endings.target_id AND targets.posted_at < (SELECT ledger_archived_until())
        )
    );

-- name: check_keys_of_entries
-- Each entry's idempotency key is taken by it.
SELECT
    entries.id::text AS id,
    format('its key %L is taken by %s', entries.idempotency_key, coalesce(keys.entry_id::text, 'nobody')) AS message
FROM ledger_entries AS entries
LEFT JOIN LATERAL (
    SELECT found.* FROM ledger_keys AS found
    WHERE found.key = entries.idempotency_key OFFSET 0
) AS keys ON TRUE
WHERE
    entries.sequence > $1
    AND entries.idempotency_key IS NOT NULL
    AND keys.entry_id IS DISTINCT FROM entries.id;

-- name: check_entries_of_keys
-- Whatever key is taken is its entry's. Looks at all of them but those of archived entries.
SELECT
    keys.entry_id::text AS id,
    format(
        'has taken the key %L; %s', keys.key,
        CASE WHEN entries.id IS NULL THEN 'there is no such entry' ELSE format('its own is %L', entries.idempotency_key) END
    ) AS message
FROM ledger_keys AS keys
LEFT JOIN ledger_entries AS entries ON keys.entry_id = entries.id
WHERE
    entries.idempotency_key IS DISTINCT FROM keys.key
    AND NOT (entries.id IS NULL AND keys.entry_id < (SELECT ledger_archived_below()));

-- name: check_value_dates
-- Posted lines that count on another day than they were written on are noted, each as the entry tells it.
SELECT
    entries.id::text AS id,
    format(
        'line %s counts on %s and was written on %s: noted is %s',
        told.number, entries.value_date, days.posted_day,
        CASE
            WHEN dated.entry_id IS NULL THEN 'nothing'
            ELSE format(
                '%s of account %s from %s to %s', dated.amount, dated.account_number, dated.posted_day, dated.value_day
            )
        END
    ) AS message
FROM ledger_entries AS entries
CROSS JOIN LATERAL (SELECT (entries.posted_at AT TIME ZONE interval '05:30')::date AS posted_day) AS days
CROSS JOIN LATERAL (
    SELECT
        lines.place - 1 AS number,
        lines.amount,
        (
            SELECT balances.account_number FROM ledger_balances AS balances
            WHERE balances.number = lines.balance_number
        ) AS account_number
    FROM unnest(entries.balance_numbers, entries.amounts) WITH ORDINALITY AS lines (balance_number, amount, place)
) AS told
LEFT JOIN LATERAL (
    SELECT found.* FROM ledger_value_dated_lines AS found
    WHERE found.entry_id = entries.id AND found.number = told.number OFFSET 0
) AS dated ON TRUE
WHERE
    entries.sequence > $1
    AND entries.value_date IS NOT NULL
    AND entries.kind <> 'PENDING'
    AND entries.value_date <> days.posted_day
    AND (
        dated.account_number = told.account_number
        AND dated.value_day = entries.value_date
        AND dated.posted_day = days.posted_day
        AND dated.amount = told.amount
    ) IS NOT TRUE;

-- name: check_entries_of_value_dates
-- Whatever is noted as counting on another day is a line of such an entry. Looks at all but those of archived entries.
SELECT
    dated.entry_id::text AS id,
    format(
        'line %s is noted as counting on %s and written on %s; %s', dated.number, dated.value_day, dated.posted_day,
        CASE
            WHEN entries.id IS NULL THEN 'there is no such entry'
            ELSE format(
                'the entry is %s with value date %s, written at %s', entries.kind, entries.value_date, entries.posted_at
            )
        END
    ) AS message
FROM ledger_value_dated_lines AS dated
LEFT JOIN ledger_entries AS entries ON dated.entry_id = entries.id
WHERE
    (
        entries.kind <> 'PENDING'
        AND entries.value_date = dated.value_day
        AND (entries.posted_at AT TIME ZONE interval '05:30')::date = dated.posted_day
        AND dated.number < cardinality(entries.amounts)
    ) IS NOT TRUE
    AND NOT (entries.id IS NULL AND dated.entry_id < (SELECT ledger_archived_below()));
