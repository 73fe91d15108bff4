-- name: payments_page
-- A page of $2 payments that follow the one named $1, in the order of their ids, with the final statuses they reached
-- and the references that were given to providers.
SELECT
    t.id,
    t.merchant_id,
    t.order_id,
    t.kind,
    t.status,
    t.amount_paise,
    t.fee_paise,
    t.tax_paise,
    t.net_paise,
    t.channel_id,
    t.utr,
    t.flags,
    t.created_at,
    coalesce(
        (
            SELECT array_agg(e.after ORDER BY e.number)
            FROM payments_events AS e
            WHERE e.transaction_id = t.id AND e.before IS NOT NULL AND e.after NOT IN ('PENDING', 'PROCESSING')
        ),
        '{}'
    ) AS final_statuses,
    coalesce(
        (
            SELECT array_agg(a.reference ORDER BY a.number)
            FROM payments_attempts AS a
            WHERE a.transaction_id = t.id
        ),
        '{}'
    ) AS attempt_references
FROM payments_transactions AS t
WHERE t.id > $1
ORDER BY t.id
LIMIT $2;

-- name: payments_by_status
-- How many orders whose id starts with $1 stand where.
SELECT
    t.kind,
    t.status,
    count(*) AS payments
FROM payments_transactions AS t
WHERE starts_with(t.order_id, $1)
GROUP BY t.kind, t.status;

-- name: payments_open
SELECT count(*) FROM payments_transactions
WHERE status IN ('PENDING', 'PROCESSING');

-- name: payments_of_orders
SELECT
    id,
    order_id,
    status,
    created_at
FROM payments_transactions
WHERE order_id = any($1::text[]);
