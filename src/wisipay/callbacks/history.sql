-- name: replay
-- Makes the events $1 due now, with a fresh schedule of retries and the same event ids. What is being sent at this
-- moment is left alone. Answers the events that are due.
WITH replayed AS (
    UPDATE callbacks_outbox
    SET
        state = 'WAITING',
        due_at = now(),
        lease_token = NULL,
        attempts = 0,
        finished_at = NULL
    WHERE event_id = any($1::uuid[]) AND (state <> 'WAITING' OR lease_token IS NULL OR due_at <= now())
    RETURNING event_id
)

SELECT
    event_id,
    pg_notify('callbacks_due', '') AS notified
FROM replayed;

-- name: find
-- Events by any of merchant, transaction, state and time, in the order in which they happened.
-- $1 merchant, $2 transaction, $3 states, $4 from, $5 until: NULL for any; $6 after this position; $7 limit.
SELECT *
FROM callbacks_outbox
WHERE
    ($1::text IS NULL OR merchant_id = $1)
    AND ($2::text IS NULL OR transaction_id = $2)
    AND ($3::text[] IS NULL OR state = any($3))
    AND ($4::timestamptz IS NULL OR occurred_at >= $4)
    AND ($5::timestamptz IS NULL OR occurred_at < $5)
    AND position > $6
ORDER BY position
LIMIT $7;

-- name: event
SELECT *
FROM callbacks_outbox
WHERE event_id = $1;

-- name: attempts
-- The last $2 attempts of event $1, at its callback URL and at endpoints, oldest first.
SELECT *
FROM (
    SELECT
        NULL::text AS endpoint_id,
        started_at,
        url,
        outcome,
        http_status,
        latency_ms,
        answer,
        error,
        body_sha256,
        signed_by
    FROM callbacks_attempts
    WHERE event_id = $1
    UNION ALL
    SELECT
        endpoint_id,
        started_at,
        url,
        outcome,
        http_status,
        latency_ms,
        answer,
        error,
        body_sha256,
        signed_by
    FROM callbacks_delivery_attempts
    WHERE event_id = $1
    ORDER BY started_at DESC
    LIMIT $2
) AS latest
ORDER BY started_at;

-- name: states
-- The states of those of the events $1 that are of merchant $2 (NULL for any).
SELECT
    event_id,
    state
FROM callbacks_outbox
WHERE event_id = any($1::uuid[]) AND ($2::text IS NULL OR merchant_id = $2);

-- name: deliveries
-- The deliveries of the events $1 to endpoints.
SELECT
    delivery.event_id,
    delivery.endpoint_id,
    endpoint.url,
    delivery.state,
    delivery.due_at,
    delivery.attempts,
    delivery.last_error,
    delivery.finished_at
FROM callbacks_deliveries AS delivery
INNER JOIN callbacks_endpoints AS endpoint ON delivery.endpoint_id = endpoint.id
WHERE delivery.event_id = any($1::uuid[])
ORDER BY delivery.event_id, delivery.endpoint_id;

-- name: delivered_to
-- The last $3 events that are or were on their way to endpoint $1, before position $2 (NULL: of all), newest first.
SELECT
    event.*,
    endpoint.url AS endpoint_url,
    delivery.state AS delivery_state,
    delivery.due_at AS delivery_due_at,
    delivery.attempts AS delivery_attempts,
    delivery.last_error AS delivery_error,
    delivery.finished_at AS delivery_finished_at
FROM callbacks_deliveries AS delivery
INNER JOIN callbacks_outbox AS event ON delivery.event_id = event.event_id
INNER JOIN callbacks_endpoints AS endpoint ON delivery.endpoint_id = endpoint.id
WHERE delivery.endpoint_id = $1 AND ($2::bigint IS NULL OR delivery.position < $2)
ORDER BY delivery.position DESC
LIMIT $3;
