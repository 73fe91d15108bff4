-- OFFSET 0 without an order is meant (see read_entries), and names such as "number" and "key" are the domain's.
-- noqa: disable=AM09,RF04

-- name: open_account!
WITH opened AS (
    INSERT INTO ledger_accounts (id, kind, entity, entity_id, purpose, currency, stripes, parent_number)
    VALUES ($1, $2, $3, $4, $5, $6, $7, (
        SELECT number FROM ledger_accounts
        WHERE id = $8
    ))
    ON CONFLICT (id) DO NOTHING
    RETURNING number, stripes
)

INSERT INTO ledger_balances (account_number, stripe, min_balance)
SELECT
    opened.number,
    series.stripe,
    $9 AS min_balance
FROM opened CROSS JOIN generate_series(0, opened.stripes - 1) AS series (stripe);

-- name: opened_accounts
SELECT
    accounts.id,
    accounts.currency,
    accounts.stripes,
    parents.id AS parent_id
FROM ledger_accounts AS accounts
LEFT JOIN ledger_accounts AS parents ON accounts.parent_number = parents.number
WHERE accounts.id = any($1::text[]);

-- name: set_status!
UPDATE ledger_balances AS balances SET status = $2
FROM ledger_accounts AS accounts
WHERE accounts.number = balances.account_number AND accounts.id = $1;

-- name: lock_accounts
-- One stripe ($3) of every account named ($1) or moved by a target ($2), always locked in the same order.
SELECT
    accounts.id,
    accounts.debit_normal,
    accounts.currency,
    balances.status,
    balances.min_balance,
    balances.debits_posted,
    balances.credits_posted,
    balances.debits_pending,
    balances.credits_pending,
    balances.line_count,
    balances.last_posted_at,
    balances.number
FROM ledger_balances AS balances
INNER JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
WHERE
    balances.stripe = $3 % accounts.stripes
    AND accounts.number IN (
        SELECT named.number FROM ledger_accounts AS named
        WHERE named.id = any($1::text[])
        UNION
        SELECT sides.account_number
        FROM unnest($2::uuid[]) AS targets (id)
        CROSS JOIN LATERAL (
            SELECT (
                SELECT moved.account_number FROM ledger_balances AS moved
                WHERE moved.number = lines.balance_number
            )
            FROM ledger_lines AS lines
            WHERE lines.entry_id = targets.id
            OFFSET 0
        ) AS sides (account_number)
    )
ORDER BY balances.number
FOR NO KEY UPDATE OF balances;

-- name: read_entries
-- Entries by id ($1) or idempotency key ($2), with their lines and how they ended. OFFSET 0 keeps the planner from
-- joining the large tables as a whole, which its cached plan would do for ever if made while they are still empty.
SELECT
    entries.id,
    entries.posted_at,
    entries.timeout_at,
    entries.target_id,
    entries.kind::text,
    entries.value_date,
    entries.currency,
    entries.narration,
    entries.external_reference,
    entries.correlation_id,
    entries.idempotency_key,
    entries.metadata::text,
    resolutions.entry_id AS resolved_by,
    resolutions.kind::text AS resolved_kind,
    sides.account_ids,
    sides.amounts
FROM (
    SELECT given.id FROM unnest($1::uuid[]) AS given (id)
    UNION
    SELECT taken.entry_id
    FROM unnest($2::text[]) AS given (key)
    CROSS JOIN LATERAL (
        SELECT keys.entry_id FROM ledger_keys AS keys
        WHERE keys.key = given.key OFFSET 0
    ) AS taken
) AS wanted
CROSS JOIN
    LATERAL (
        SELECT found.* FROM ledger_entries AS found
        WHERE found.id = wanted.id OFFSET 0
    ) AS entries
LEFT JOIN LATERAL (
    SELECT
        ends.entry_id,
        ends.kind
    FROM ledger_resolutions AS ends
    WHERE ends.target_id = entries.id OFFSET 0
) AS resolutions ON TRUE
CROSS JOIN LATERAL (
    SELECT
        array_agg((
            SELECT accounts.id
            FROM ledger_accounts AS accounts
            WHERE accounts.number = (
                SELECT balances.account_number FROM ledger_balances AS balances
                WHERE balances.number = lines.balance_number
            )
        ) ORDER BY lines.number) AS account_ids,
        array_agg(lines.amount ORDER BY lines.number) AS amounts
    FROM ledger_lines AS lines
    WHERE lines.entry_id = entries.id
) AS sides;

-- name: write_balances!
-- The new counters ($1-$7), how entries ended ($8-$10) and the idempotency keys taken ($11, $12).
WITH ended AS (
    INSERT INTO ledger_resolutions (target_id, entry_id, kind)
    SELECT
        news.target_id,
        news.entry_id,
        news.kind::ledger_entry_kind
    FROM unnest($8::uuid[], $9::uuid[], $10::text[]) AS news (target_id, entry_id, kind)
),

taken AS (
    INSERT INTO ledger_keys (key, entry_id)
    SELECT
        news.key,
        news.entry_id
    FROM unnest($11::text[], $12::uuid[]) AS news (key, entry_id)
)

UPDATE ledger_balances AS balances SET
    debits_posted = news.debits_posted,
    credits_posted = news.credits_posted,
    debits_pending = news.debits_pending,
    credits_pending = news.credits_pending,
    line_count = news.line_count,
    last_posted_at = news.last_posted_at
FROM
    unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[])
        AS news (number, debits_posted, credits_posted, debits_pending, credits_pending, line_count, last_posted_at)
WHERE balances.number = news.number;

-- name: balances
SELECT
    accounts.id,
    accounts.debit_normal,
    accounts.currency,
    min(balances.status) AS status,
    min(balances.min_balance) AS min_balance,
    sum(balances.debits_posted)::bigint AS debits_posted,
    sum(balances.credits_posted)::bigint AS credits_posted,
    sum(balances.debits_pending)::bigint AS debits_pending,
    sum(balances.credits_pending)::bigint AS credits_pending,
    sum(balances.line_count)::bigint AS line_count,
    max(balances.last_posted_at) AS last_posted_at
FROM ledger_accounts AS accounts
INNER JOIN ledger_balances AS balances ON accounts.number = balances.account_number
WHERE accounts.id = any($1::text[])
GROUP BY accounts.number;

-- name: trial_balance
SELECT
    accounts.id,
    accounts.currency,
    sum(balances.debits_posted)::bigint AS debits,
    sum(balances.credits_posted)::bigint AS credits
FROM ledger_accounts AS accounts
INNER JOIN ledger_balances AS balances ON accounts.number = balances.account_number
GROUP BY accounts.number
ORDER BY accounts.id;

-- name: account_lines
-- A page of $5 lines, newest first, that come before the cursor ($2-$4). Each stripe gives at most a page.
SELECT
    lines.entry_id,
    lines.number,
    entries.kind::text,
    lines.pending,
    lines.amount,
    lines.balance_after,
    lines.posted_at,
    lines.account_line,
    balances.stripe,
    entries.value_date,
    entries.narration,
    entries.external_reference,
    entries.correlation_id
FROM ledger_accounts AS accounts
INNER JOIN ledger_balances AS balances ON accounts.number = balances.account_number
CROSS JOIN
    LATERAL (
        SELECT page.*
        FROM ledger_lines AS page
        WHERE
            page.balance_number = balances.number
            AND (page.posted_at, page.account_line, balances.stripe)
            < (coalesce($2::timestamptz, 'infinity'), $3::bigint, $4::smallint)
        ORDER BY page.posted_at DESC, page.account_line DESC
        LIMIT $5
    ) AS lines
CROSS JOIN
    LATERAL (
        SELECT found.* FROM ledger_entries AS found
        WHERE found.id = lines.entry_id OFFSET 0
    ) AS entries
WHERE accounts.id = $1
ORDER BY lines.posted_at DESC, lines.account_line DESC, balances.stripe DESC
LIMIT $5;
