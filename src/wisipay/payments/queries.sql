-- name: lock_transactions
-- Every payment named by its id ($1), by merchant and order id ($2, $3), or by its provider and what that calls it
-- ($4, $5), locked one by one in the order of their ids.
SELECT t.*
FROM (
    SELECT named.id FROM unnest($1::text[]) AS named (id)
    UNION
    SELECT taken.id
    FROM unnest($2::text[], $3::text[]) AS orders (merchant_id, order_id)
    CROSS JOIN LATERAL (
        SELECT o.id FROM payments_transactions AS o
        WHERE o.merchant_id = orders.merchant_id AND o.order_id = orders.order_id OFFSET 0
    ) AS taken
    UNION
    SELECT bearers.id
    FROM unnest($4::text[], $5::text[]) AS spoken (provider_id, reference)
    CROSS JOIN LATERAL (
        SELECT b.id FROM payments_transactions AS b
        WHERE b.provider_id = spoken.provider_id AND b.provider_reference = spoken.reference OFFSET 0
    ) AS bearers
    ORDER BY id -- noqa: RF02
) AS wanted
CROSS JOIN LATERAL (
    SELECT p.* FROM payments_transactions AS p
    WHERE p.id = wanted.id
    FOR UPDATE
) AS t;

-- name: lock_unchanged
-- The payments $1, sorted, that still are as the transactions $2 wrote them, locked one by one in that order.
SELECT t.id
FROM unnest($1::text[], $2::xid[]) AS known (id, version)
CROSS JOIN LATERAL (
    SELECT p.id FROM payments_transactions AS p
    WHERE p.id = known.id AND p.xmin = known.version
    FOR UPDATE
) AS t;

-- name: attempts_of
SELECT * FROM payments_attempts WHERE transaction_id = any($1::text[]);

-- name: add_counters
INSERT INTO payments_usage (subject, period, amount_paise, count)
SELECT w.subject, w.period, 0, 0
FROM unnest($1::text[], $2::text[]) AS w (subject, period)
ORDER BY w.subject, w.period
ON CONFLICT DO NOTHING;

-- name: lock_usage
SELECT u.subject, u.period, u.amount_paise, u.count
FROM payments_usage AS u
INNER JOIN unnest($1::text[], $2::text[]) AS w (subject, period)
    ON u.subject = w.subject AND u.period = w.period
ORDER BY u.subject, u.period
FOR UPDATE OF u;

-- name: add_usage
INSERT INTO payments_usage AS u (subject, period, amount_paise, count)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
ON CONFLICT (subject, period) DO UPDATE
SET amount_paise = u.amount_paise + excluded.amount_paise, count = u.count + excluded.count;

-- name: insert_transactions
-- $1, here and in the other inserts: rows as JSON, which takes less time than an array for each column.
INSERT INTO payments_transactions (
    id, merchant_id, order_id, kind, status, amount_paise, fee_paise, tax_paise, net_paise, currency, mode, party,
    remarks, redirect_url, channel_id, provider_id, legal_entity_id, provider_fee_paise, provider_tax_paise, usage_day,
    created_at, updated_at, attempt_started_at, expires_at, due_at, attempt, provider_reference, payment_url, utr, flags,
    error_code, error_message, polls, not_found, event_count, callback_count, lease_token, lease_until
)
SELECT
    n.id, n.merchant_id, n.order_id, n.kind, n.status, n.amount_paise, n.fee_paise, n.tax_paise, n.net_paise, n.currency,
    n.mode, n.party, n.remarks, n.redirect_url, n.channel_id, n.provider_id, n.legal_entity_id, n.provider_fee_paise,
    n.provider_tax_paise, n.usage_day, n.created_at, n.updated_at, n.attempt_started_at, n.expires_at, n.due_at,
    n.attempt, n.provider_reference, n.payment_url, n.utr, n.flags, n.error_code, n.error_message, n.polls,
    n.not_found, n.event_count, n.callback_count, n.lease_token, n.lease_until
FROM json_populate_recordset(NULL::payments_transactions, $1::json) AS n;

-- name: update_transactions
-- From arrays, since of those the planner expects so few rows that it looks each up, though the table be empty when it
-- plans; of JSON it expects a hundred, for which it would read the table as a whole.
UPDATE payments_transactions AS t
SET
    status = n.status,
    channel_id = n.channel_id,
    provider_id = n.provider_id,
    legal_entity_id = n.legal_entity_id,
    provider_fee_paise = n.provider_fee_paise,
    provider_tax_paise = n.provider_tax_paise,
    updated_at = n.updated_at,
    attempt_started_at = n.attempt_started_at,
    due_at = n.due_at,
    attempt = n.attempt,
    provider_reference = n.provider_reference,
    payment_url = n.payment_url,
    utr = n.utr,
    flags = string_to_array(n.flags, ','),
    error_code = n.error_code,
    error_message = n.error_message,
    polls = n.polls,
    not_found = n.not_found,
    event_count = n.event_count,
    callback_count = n.callback_count,
    lease_token = n.lease_token,
    lease_until = n.lease_until
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
    $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::smallint[], $12::text[], $13::text[],
    $14::text[], $15::text[], $16::text[], $17::text[], $18::integer[], $19::integer[], $20::integer[],
    $21::integer[], $22::uuid[], $23::timestamptz[]
) AS n (
    id, status, channel_id, provider_id, legal_entity_id, provider_fee_paise, provider_tax_paise, updated_at,
    attempt_started_at, due_at, attempt, provider_reference, payment_url, utr, flags, error_code, error_message,
    polls, not_found, event_count, callback_count, lease_token, lease_until
)
WHERE t.id = n.id;

-- name: insert_attempts
INSERT INTO payments_attempts (
    transaction_id, number, channel_id, provider_id, legal_entity_id, reference, provider_fee_paise,
    provider_tax_paise, reason, started_at
)
SELECT
    n.transaction_id, n.number, n.channel_id, n.provider_id, n.legal_entity_id, n.reference, n.provider_fee_paise,
    n.provider_tax_paise, n.reason, n.started_at
FROM json_populate_recordset(NULL::payments_attempts, $1::json) AS n;

-- name: insert_events
INSERT INTO payments_events (transaction_id, number, at, source, before, after, attempt, message, data)
SELECT n.transaction_id, n.number, n.at, n.source, n.before, n.after, n.attempt, n.message, n.data
FROM json_populate_recordset(NULL::payments_events, $1::json) AS n;

-- name: claim_due
-- The array is made once. As a sub-select of IN, it could be looked up again for every row, and pass over those that
-- it had just locked: more would be claimed than $4.
UPDATE payments_transactions AS t
SET lease_token = $1, lease_until = $2::timestamptz + make_interval(secs => $3)
WHERE
    t.id = any(array(
        SELECT d.id
        FROM payments_transactions AS d
        WHERE d.due_at <= $2 AND (d.lease_until IS NULL OR d.lease_until < $2)
        ORDER BY d.due_at
        LIMIT $4
        FOR UPDATE SKIP LOCKED
    ))
RETURNING t.*;

-- name: renew_leases
UPDATE payments_transactions
SET lease_until = $3::timestamptz + make_interval(secs => $4)
WHERE id = any($1::text[]) AND lease_token = $2;

-- name: release_leases
UPDATE payments_transactions
SET lease_token = NULL, lease_until = NULL
WHERE id = any($1::text[]) AND lease_token = $2;

-- name: wake_forgotten
UPDATE payments_transactions
SET due_at = $1
WHERE
    id = any(array(
        SELECT id
        FROM payments_transactions
        WHERE
            status IN ('PENDING', 'PROCESSING') AND due_at IS NULL AND NOT flags @> '{AMOUNT_MISMATCH}'
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    ))
RETURNING id;

-- name: transaction_by_id
SELECT * FROM payments_transactions WHERE id = $1;

-- name: transaction_by_order
SELECT * FROM payments_transactions WHERE merchant_id = $1 AND order_id = $2;

-- name: transaction_by_provider_reference
SELECT * FROM payments_transactions WHERE provider_id = $1 AND provider_reference = $2;

-- name: timeline
SELECT * FROM payments_events WHERE transaction_id = $1 ORDER BY number LIMIT 1000;

-- name: list_transactions
SELECT *
FROM payments_transactions
WHERE
    ($1::text IS NULL OR status = $1)
    AND ($2::text IS NULL OR merchant_id = $2)
    AND (NOT $3::boolean OR flags && '{AMOUNT_MISMATCH,MANUAL_REVIEW}')
    AND ($4::text IS NULL OR id < $4)
ORDER BY id DESC
LIMIT $5;
