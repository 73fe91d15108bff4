-- name: endpoints
-- Endpoints by id, removed ones too.
SELECT *
FROM callbacks_endpoints
WHERE id = any($1::text[]);

-- name: lock_endpoint
SELECT *
FROM callbacks_endpoints
WHERE id = $1
FOR NO KEY UPDATE;

-- name: switch_off
UPDATE callbacks_endpoints
SET
    status = 'DISABLED',
    disabled_reason = $2,
    disabled_at = now()
WHERE id = $1;

-- name: lay_aside
-- Takes up to $2 of what waits for those of the endpoints $1 that are off out of the queue; a worker finds the rest. One
-- that is being sent keeps its lease, so that its worker records how it ended.
WITH chosen AS (
    SELECT
        delivery.event_id,
        delivery.endpoint_id,
        CASE endpoint.status WHEN 'REMOVED' THEN 'CANCELLED' ELSE 'PAUSED' END AS state
    FROM callbacks_endpoints AS endpoint
    INNER JOIN callbacks_deliveries AS delivery ON endpoint.id = delivery.endpoint_id
    WHERE
        endpoint.id = any($1::text[])
        AND endpoint.status <> 'ENABLED'
        AND (delivery.state = 'WAITING' OR (delivery.state = 'PAUSED' AND endpoint.status = 'REMOVED'))
    LIMIT $2
    FOR UPDATE OF delivery SKIP LOCKED -- whose worker records it just now, and will find it again
)

UPDATE callbacks_deliveries AS delivery
SET state = chosen.state
FROM chosen
WHERE
    delivery.event_id = chosen.event_id
    AND delivery.endpoint_id = chosen.endpoint_id
    AND delivery.event_id = any(array(SELECT each.event_id FROM chosen AS each)); -- as in claim

-- name: resume
-- Puts up to $2 of what was on its way back into the queue, to endpoint $1 or (NULL) to any that is on: the earliest, and
-- one that is still being sent after the end of its lease. Those that stay PAUSED keep their place before later ones.
WITH chosen AS (
    SELECT
        delivery.event_id,
        delivery.endpoint_id
    FROM callbacks_deliveries AS delivery
    INNER JOIN callbacks_endpoints AS endpoint ON delivery.endpoint_id = endpoint.id
    WHERE delivery.state = 'PAUSED' AND endpoint.status = 'ENABLED' AND ($1::text IS NULL OR delivery.endpoint_id = $1)
    ORDER BY delivery.endpoint_id, delivery.position
    LIMIT $2
),

resumed AS (
    UPDATE callbacks_deliveries AS delivery
    SET
        state = 'WAITING',
        due_at = CASE WHEN delivery.lease_token IS NULL THEN least(delivery.due_at, now()) ELSE delivery.due_at END
    FROM chosen
    WHERE
        delivery.event_id = chosen.event_id
        AND delivery.endpoint_id = chosen.endpoint_id
        AND delivery.event_id = any(array(SELECT each.event_id FROM chosen AS each)) -- as in claim
        AND delivery.state = 'PAUSED'
    RETURNING delivery.event_id
)

SELECT
    count(*) AS resumed,
    CASE WHEN count(*) > 0 THEN pg_notify('callbacks_deliveries_due', '') END AS notified
FROM resumed;

-- name: secrets
-- The secrets of endpoints $1 that sign at $2, newest first.
SELECT *
FROM callbacks_endpoint_secrets
WHERE endpoint_id = any($1::text[]) AND (retires_at IS NULL OR retires_at > $2)
ORDER BY created_at DESC, id DESC;

-- name: endpoints_waiting
-- Up to $2 endpoints after $1, in order of their id, each with the earliest moment at which it has something to send.
WITH RECURSIVE hop AS (
    (
        SELECT
            endpoint_id,
            due_at
        FROM callbacks_deliveries
        WHERE state = 'WAITING' AND endpoint_id > $1
        ORDER BY endpoint_id, due_at
        LIMIT 1
    )
    UNION ALL
    SELECT
        next.endpoint_id,
        next.due_at
    FROM hop
    CROSS JOIN LATERAL (
        SELECT
            delivery.endpoint_id,
            delivery.due_at
        FROM callbacks_deliveries AS delivery
        WHERE delivery.state = 'WAITING' AND delivery.endpoint_id > hop.endpoint_id
        ORDER BY delivery.endpoint_id, delivery.due_at
        LIMIT 1
    ) AS next
)

SELECT
    endpoint_id,
    due_at,
    due_at <= now() AS is_due
FROM hop
LIMIT $2;

-- name: claim
-- Leases, for each endpoint in $1, up to its number in $2 of due deliveries, oldest first; never one whose predecessor
-- in the same transaction still waits for the same endpoint, or has yet to be resumed. The lease $3 lasts $4 seconds.
WITH chosen AS (
    SELECT
        head.event_id,
        head.endpoint_id
    FROM unnest($1::text[], $2::int[]) AS lane (endpoint_id, places)
    CROSS JOIN LATERAL (
        SELECT
            delivery.event_id,
            delivery.endpoint_id
        FROM callbacks_deliveries AS delivery
        WHERE
            delivery.state = 'WAITING'
            AND delivery.endpoint_id = lane.endpoint_id
            AND delivery.due_at <= now()
            AND NOT EXISTS (
                SELECT FROM callbacks_deliveries AS earlier
                WHERE
                    earlier.transaction_id = delivery.transaction_id
                    AND earlier.endpoint_id = delivery.endpoint_id
                    AND earlier.position < delivery.position
                    AND earlier.state || '' IN ('WAITING', 'PAUSED') -- opaque: keeps the planner on the transaction index
            )
        ORDER BY delivery.due_at
        LIMIT lane.places
        FOR UPDATE SKIP LOCKED
    ) AS head
)

UPDATE callbacks_deliveries AS delivery
SET
    lease_token = $3::uuid,
    due_at = now() + $4::int * interval '1 second'
FROM chosen, callbacks_outbox AS event
WHERE
    delivery.event_id = chosen.event_id
    AND delivery.endpoint_id = chosen.endpoint_id
    AND event.event_id = chosen.event_id
    AND delivery.event_id = any(array(SELECT each.event_id FROM chosen AS each)) -- keeps the planner on the keys
    AND event.event_id = any(array(SELECT each.event_id FROM chosen AS each))
RETURNING event.*, delivery.endpoint_id, delivery.attempts AS attempts_before;

-- name: renew
-- Prolongs the lease $3 on the deliveries of events $1 to endpoints $2 by $4 seconds from now.
UPDATE callbacks_deliveries AS delivery
SET due_at = now() + $4::int * interval '1 second'
FROM unnest($1::uuid[], $2::text[]) AS held (event_id, endpoint_id)
WHERE delivery.event_id = held.event_id AND delivery.endpoint_id = held.endpoint_id AND delivery.lease_token = $3::uuid;

-- name: finish
-- Records attempts and their meaning for many deliveries at once. One whose lease is no longer the attempt's own keeps
-- its state; the attempt is recorded all the same. What is to be tried again stays where its endpoint has it, WAITING
-- or PAUSED. Followers in the same transaction and to the same endpoint come when their predecessor does, or now when
-- it is done with. An address that took something no longer counts as failing. Answers the deliveries that were changed.
WITH attempt AS (
    SELECT *
    FROM
        unnest(
            $1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::int[], $8::bytea[], $9::text[],
            $10::timestamptz[], $11::int[], $12::bytea[], $13::text[]
        )
        AS attempt (
            event_id, endpoint_id, lease_token, outcome, url, http_status, latency_ms, answer, error, started_at, gap_seconds,
            body_sha256, signed_by
        )
),

recorded AS (
    INSERT INTO callbacks_delivery_attempts (
        event_id, endpoint_id, started_at, lease_token, url, outcome, http_status, latency_ms, answer, error, body_sha256,
        signed_by
    )
    SELECT
        event_id,
        endpoint_id,
        started_at,
        lease_token,
        url,
        outcome,
        http_status,
        latency_ms,
        answer,
        error,
        body_sha256,
        signed_by
    FROM attempt
    ON CONFLICT DO NOTHING
),

finished AS (
    UPDATE callbacks_deliveries AS delivery
    SET
        state = CASE
            WHEN attempt.outcome IN ('DELIVERED', 'DEAD') THEN attempt.outcome
            WHEN attempt.outcome = 'SWITCHED_OFF' AND delivery.state = 'WAITING' THEN 'PAUSED'
            ELSE delivery.state
        END,
        attempts = delivery.attempts + 1,
        due_at = now() + attempt.gap_seconds * interval '1 second',
        lease_token = NULL,
        last_error = attempt.error,
        finished_at = CASE WHEN attempt.outcome IN ('DELIVERED', 'DEAD') THEN now() END
    FROM attempt
    WHERE
        delivery.event_id = attempt.event_id
        AND delivery.endpoint_id = attempt.endpoint_id
        AND delivery.lease_token = attempt.lease_token
    RETURNING delivery.event_id, delivery.endpoint_id, delivery.transaction_id, delivery.position, delivery.due_at
),

followers AS (
    UPDATE callbacks_deliveries AS follower
    SET due_at = finished.due_at
    FROM finished
    WHERE
        follower.transaction_id = finished.transaction_id
        AND follower.endpoint_id = finished.endpoint_id
        AND follower.position > finished.position
        AND follower.state || '' = 'WAITING' -- opaque, as in claim
        AND follower.lease_token IS NULL
        AND NOT EXISTS (
            SELECT FROM attempt
            WHERE attempt.event_id = follower.event_id AND attempt.endpoint_id = follower.endpoint_id
        )
    RETURNING follower.due_at <= now() AS is_due
),

recovered AS (
    DELETE FROM callbacks_failing AS failing
    USING attempt
    WHERE
        attempt.outcome = 'DELIVERED' AND failing.endpoint_id = attempt.endpoint_id AND failing.url = attempt.url
)

SELECT
    finished.event_id,
    finished.endpoint_id,
    CASE WHEN (SELECT bool_or(followers.is_due) FROM followers) THEN pg_notify('callbacks_deliveries_due', '') END AS notified
FROM finished;

-- name: depth
-- How many deliveries are due (counted up to $1) and how many seconds the oldest of them waits already.
SELECT
    count(*) AS due,
    coalesce(extract(EPOCH FROM now() - min(due_at)), 0)::float8 AS age_seconds
FROM (
    SELECT due_at
    FROM callbacks_deliveries
    WHERE state = 'WAITING' AND due_at <= now()
    LIMIT $1
) AS due;

-- name: in_range
-- Events that endpoint $1 was or may be told of: those of its merchant, from $2 until before $3 (NULL for any), whose
-- delivery to it is in one of the states $4 (NULL for any, also none), behind position $5, at most $6, in order.
SELECT
    event.event_id,
    event.position
FROM callbacks_endpoints AS endpoint
INNER JOIN callbacks_outbox AS event ON endpoint.merchant_id = event.merchant_id
LEFT JOIN callbacks_deliveries AS delivery ON event.event_id = delivery.event_id AND endpoint.id = delivery.endpoint_id
WHERE
    endpoint.id = $1
    AND ($2::timestamptz IS NULL OR event.occurred_at >= $2)
    AND ($3::timestamptz IS NULL OR event.occurred_at < $3)
    AND ($4::text[] IS NULL OR delivery.state = any($4))
    AND (
        endpoint.wanted = '{}'
        OR event.type || '.' || event.status = any(endpoint.wanted)
        OR event.type || '.*' = any(endpoint.wanted)
    )
    AND event.position > $5
ORDER BY event.position
LIMIT $6;

-- name: replay
-- Sends the events $1 again to endpoint $2, or to every enabled endpoint of their merchants that wants them (NULL), with
-- a fresh schedule of retries, also those it never had. What is being sent at this moment is left alone. Answers what
-- is due.
WITH replayed AS (
    INSERT INTO callbacks_deliveries AS delivery (event_id, endpoint_id, transaction_id, position, state, due_at)
    SELECT
        event.event_id,
        endpoint.id,
        event.transaction_id,
        event.position,
        'WAITING',
        now()
    FROM callbacks_outbox AS event
    INNER JOIN callbacks_endpoints AS endpoint ON event.merchant_id = endpoint.merchant_id
    WHERE
        event.event_id = any($1::uuid[])
        AND endpoint.status = 'ENABLED'
        AND CASE
            WHEN $2::text IS NULL
                THEN (
                    endpoint.wanted = '{}'
                    OR event.type || '.' || event.status = any(endpoint.wanted)
                    OR event.type || '.*' = any(endpoint.wanted)
                )
            ELSE endpoint.id = $2
        END
    ORDER BY event.position
    ON CONFLICT (event_id, endpoint_id) DO UPDATE
    SET
        state = 'WAITING',
        due_at = now(),
        lease_token = NULL,
        attempts = 0,
        finished_at = NULL
    WHERE delivery.state <> 'WAITING' OR delivery.lease_token IS NULL OR delivery.due_at <= now()
    RETURNING event_id, endpoint_id
)

SELECT
    event_id,
    endpoint_id,
    pg_notify('callbacks_deliveries_due', '') AS notified
FROM replayed;
