-- OFFSET 0 without an order is meant (see read_entries), and names such as "number" and "key" are the domain's.
-- noqa: disable=AM09,RF04

-- name: lock_accounts
-- One stripe ($2) of every account that is named ($1) or moved by an entry of $3, always locked in the same order. The
-- names come out of a SELECT of their own, so that the planner cannot count them and makes one plan for all batches.
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
FROM ledger_accounts AS accounts
INNER JOIN ledger_balances AS balances
    ON accounts.number = balances.account_number AND balances.stripe = $2 % accounts.stripes
WHERE
    accounts.id = any((
        SELECT
            $1::text[] || array(
                SELECT (
                    SELECT sides.id FROM ledger_accounts AS sides
                    WHERE sides.number = (
                        SELECT counters.account_number FROM ledger_balances AS counters
                        WHERE counters.number = moved.number
                    )
                )
                FROM unnest($3::uuid[]) AS wanted (id)
                CROSS JOIN LATERAL (
                    SELECT found.balance_numbers FROM ledger_entries AS found
                    WHERE found.id = wanted.id OFFSET 0
                ) AS targets
                CROSS JOIN unnest(targets.balance_numbers) AS moved (number)
            )
    )::text[])
ORDER BY balances.number
FOR NO KEY UPDATE OF balances;

-- name: taken_ids
-- Which entries bear one of these ids ($1) or idempotency keys ($2). Of new commands none does, and that is all there
-- is to read. One probe for each, in its own month alone: = any() would probe for all of them in all months.
SELECT entries.id
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT found.id FROM ledger_entries AS found
    WHERE found.id = wanted.id OFFSET 0
) AS entries
UNION ALL
SELECT keys.entry_id
FROM unnest($2::text[]) AS wanted (key)
CROSS JOIN LATERAL (
    SELECT taken.entry_id FROM ledger_keys AS taken
    WHERE taken.key = wanted.key OFFSET 0
) AS keys;

-- name: read_entries
-- Entries by id, and how they ended. OFFSET 0 keeps the planner from joining the large tables as a whole, which its
-- cached plan would do for ever if made while they are still empty.
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
    entries.amounts,
    resolutions.entry_id AS resolved_by,
    resolutions.kind::text AS resolved_kind,
    array(
        SELECT (
            SELECT accounts.id FROM ledger_accounts AS accounts
            WHERE accounts.number = (
                SELECT balances.account_number FROM ledger_balances AS balances
                WHERE balances.number = moved.number
            )
        )
        FROM unnest(entries.balance_numbers) WITH ORDINALITY AS moved (number, line)
        ORDER BY moved.line
    ) AS account_ids
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT found.* FROM ledger_entries AS found
    WHERE found.id = wanted.id OFFSET 0
) AS entries
LEFT JOIN LATERAL (
    SELECT
        ends.entry_id,
        ends.kind
    FROM ledger_resolutions AS ends
    WHERE ends.target_id = entries.id OFFSET 0
) AS resolutions ON TRUE;

-- name: lines_table
-- The partition $1, or the parent of all where there is none of that name.
SELECT coalesce(to_regclass($1)::text, 'ledger_lines');

-- name: write!
-- All that a batch changes: entries ($1-$12, with their lines' accounts and amounts cut from $18 and $19 at the
-- positions $13 to $14), those lines as their accounts see them ($15-$21; $15 says which of the entries has the line),
-- the new counters ($22-$28), how entries ended ($29-$31) and the idempotency keys taken ($32, $33). A large batch brings
-- entries and lines by COPY instead.
WITH added AS (
    INSERT INTO ledger_entries (
        id, posted_at, kind, currency, target_id, timeout_at, value_date, narration, external_reference,
        correlation_id, idempotency_key, metadata, balance_numbers, amounts
    )
    SELECT
        news.id,
        news.posted_at,
        news.kind::ledger_entry_kind,
        news.currency,
        news.target_id,
        news.timeout_at,
        news.value_date,
        news.narration,
        news.external_reference,
        news.correlation_id,
        news.idempotency_key,
        news.metadata::jsonb,
        ($18::integer[])[news.first_line:(news.last_line)],
        ($19::bigint[])[news.first_line:(news.last_line)]
    FROM
        unnest(
            $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[], $7::date[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::integer[], $14::integer[]
        ) AS news (
            id, posted_at, kind, currency, target_id, timeout_at, value_date, narration, external_reference,
            correlation_id, idempotency_key, metadata, first_line, last_line
        )
),

moved AS (
    INSERT INTO ledger_lines (entry_id, posted_at, number, pending, balance_number, amount, balance_after, account_line)
    SELECT
        ($1::uuid[])[news.entry],
        ($2::timestamptz[])[news.entry],
        news.number,
        news.pending,
        news.balance_number,
        news.amount,
        news.balance_after,
        news.account_line
    FROM
        unnest(
            $15::integer[], $16::smallint[], $17::boolean[], $18::integer[], $19::bigint[], $20::bigint[], $21::bigint[]
        ) AS news (entry, number, pending, balance_number, amount, balance_after, account_line)
),

ended AS (
    INSERT INTO ledger_resolutions (target_id, entry_id, kind)
    SELECT
        news.target_id,
        news.entry_id,
        news.kind::ledger_entry_kind
    FROM unnest($29::uuid[], $30::uuid[], $31::text[]) AS news (target_id, entry_id, kind)
),

taken AS (
    INSERT INTO ledger_keys (key, entry_id)
    SELECT
        news.key,
        news.entry_id
    FROM unnest($32::text[], $33::uuid[]) AS news (key, entry_id)
)

UPDATE ledger_balances AS balances SET
    debits_posted = news.debits_posted,
    credits_posted = news.credits_posted,
    debits_pending = news.debits_pending,
    credits_pending = news.credits_pending,
    line_count = news.line_count,
    last_posted_at = news.last_posted_at
FROM
    unnest(
        $22::integer[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[], $28::timestamptz[]
    )
        AS news (number, debits_posted, credits_posted, debits_pending, credits_pending, line_count, last_posted_at)
WHERE balances.number = news.number;

-- name: note_below_floor!
-- Entries that took an account below its floor, and were allowed to. They are rare.
INSERT INTO ledger_below_floor (entry_id)
SELECT noted.entry_id FROM unnest($1::uuid[]) AS noted (entry_id);

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
    max(balances.last_posted_at) AS last_posted_at,
    0 AS number
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
