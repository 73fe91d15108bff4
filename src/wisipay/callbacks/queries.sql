-- name: enqueue
-- Writes the events in the order given. Repeating an event id changes nothing. Answers how many are due.
WITH event AS (
    SELECT *
    FROM
        unnest(
            $1::uuid [], $2::text [], $3::text [], $4::text [], $5::text [], $6::text [], $7::bigint [], $8::text [],
            $9::text [], $10::text [], $11::timestamptz []
        ) WITH ORDINALITY
        AS event (
            event_id, merchant_id, transaction_id, order_id, type, status, amount_paise, currency, utr, url, occurred_at, number
        )
),

written AS (
    INSERT INTO callbacks_outbox (
        event_id, merchant_id, transaction_id, order_id, type, status, amount_paise, currency, utr, url, occurred_at, state, due_at
    )
    SELECT
        event.event_id, event.merchant_id, event.transaction_id, event.order_id, event.type, event.status, event.amount_paise,
        event.currency, event.utr, event.url, event.occurred_at,
        CASE
            WHEN event.url IS NULL THEN 'NO_URL'
            WHEN gone.url IS NOT NULL THEN 'SWITCHED_OFF'
            ELSE 'WAITING'
        END,
        now()
    FROM event
    LEFT JOIN callbacks_switched_off AS gone
        ON event.merchant_id = gone.merchant_id AND event.type = gone.type AND event.url = gone.url
    ORDER BY event.number
    ON CONFLICT (event_id) DO NOTHING
    RETURNING state
),

due AS (SELECT count(*) AS events FROM written WHERE state = 'WAITING')

SELECT
    due.events,
    CASE WHEN due.events > 0 THEN pg_notify('callbacks_due', '') END AS notified
FROM due;
