-- name: enqueue
-- Writes the events in the order given. Repeating an event id changes nothing. Those of $12 that may be sent at once (no
-- earlier event of their transaction waits) are leased to $13 for $14 seconds. Answers which were leased. Each event is
-- also addressed to the further endpoints of its merchant that want it: those that are off keep it.
WITH event AS (
    SELECT *
    FROM
        unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
            $9::text[], $10::text[], $11::timestamptz[]
        ) WITH ORDINALITY
        AS event (
            event_id, merchant_id, transaction_id, order_id, type, status, amount_paise, currency, utr, url, occurred_at, number
        )
),

judged AS (
    SELECT
        event.*,
        CASE
            WHEN event.url IS NULL THEN 'NO_URL'
            WHEN gone.url IS NOT NULL THEN 'SWITCHED_OFF'
            ELSE 'WAITING'
        END AS state,
        CASE
            WHEN event.event_id = any($12::uuid[]) AND event.url IS NOT NULL AND gone.url IS NULL
                THEN NOT EXISTS (
                    SELECT FROM callbacks_outbox AS earlier
                    WHERE
                        earlier.transaction_id = event.transaction_id
                        AND earlier.state || '' = 'WAITING' -- opaque, as in claim
                )
            ELSE FALSE
        END AS is_leased
    FROM event
    LEFT JOIN callbacks_switched_off AS gone
        ON event.merchant_id = gone.merchant_id AND event.type = gone.type AND event.url = gone.url
),

written AS (
    INSERT INTO callbacks_outbox (
        event_id, merchant_id, transaction_id, order_id, type, status, amount_paise, currency, utr, url, occurred_at, state,
        due_at, lease_token
    )
    SELECT
        event_id, merchant_id, transaction_id, order_id, type, status, amount_paise, currency, utr, url, occurred_at, state,
        now() + CASE WHEN is_leased THEN $14::int ELSE 0 END * interval '1 second',
        CASE WHEN is_leased THEN $13::uuid END
    FROM judged
    ORDER BY number
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, state, lease_token, merchant_id, transaction_id, position, type, status
),

addressed AS (
    INSERT INTO callbacks_deliveries (event_id, endpoint_id, transaction_id, position, state, due_at)
    SELECT
        written.event_id,
        endpoint.id,
        written.transaction_id,
        written.position,
        CASE endpoint.status WHEN 'ENABLED' THEN 'WAITING' ELSE 'SWITCHED_OFF' END,
        now()
    FROM written
    INNER JOIN callbacks_endpoints AS endpoint ON written.merchant_id = endpoint.merchant_id
    WHERE
        endpoint.status <> 'REMOVED'
        AND (
            endpoint.wanted = '{}'
            OR written.type || '.' || written.status = any(endpoint.wanted)
            OR written.type || '.*' = any(endpoint.wanted)
        )
    RETURNING state
)

SELECT
    array_agg(event_id) FILTER (WHERE lease_token IS NOT NULL) AS leased,
    CASE
        WHEN count(*) FILTER (WHERE state = 'WAITING' AND lease_token IS NULL) > 0 THEN pg_notify('callbacks_due', '')
    END AS notified,
    CASE
        WHEN EXISTS (SELECT FROM addressed WHERE addressed.state = 'WAITING') THEN pg_notify('callbacks_deliveries_due', '')
    END AS addressees_notified
FROM written;

-- name: merchants_waiting
-- Up to $2 merchants after $1, in order of their id, each with the earliest moment at which it has something to send.
-- Hops through the index from merchant to merchant: the cost is per merchant, however deep its backlog.
WITH RECURSIVE hop AS (
    (
        SELECT
            merchant_id,
            due_at
        FROM callbacks_outbox
        WHERE state = 'WAITING' AND merchant_id > $1
        ORDER BY merchant_id, due_at
        LIMIT 1
    )
    UNION ALL
    SELECT
        next.merchant_id,
        next.due_at
    FROM hop
    CROSS JOIN LATERAL (
        SELECT
            outbox.merchant_id,
            outbox.due_at
        FROM callbacks_outbox AS outbox
        WHERE outbox.state = 'WAITING' AND outbox.merchant_id > hop.merchant_id
        ORDER BY outbox.merchant_id, outbox.due_at
        LIMIT 1
    ) AS next
)

SELECT
    merchant_id,
    due_at,
    due_at <= now() AS is_due
FROM hop
LIMIT $2;

-- name: claim
-- Leases, for each merchant in $1, up to its number in $2 of due events, oldest first; never an event whose predecessor
-- in the same transaction still waits. The lease $3 lasts $4 seconds.
WITH chosen AS (
    SELECT head.event_id
    FROM unnest($1::text[], $2::int[]) AS lane (merchant_id, places)
    CROSS JOIN LATERAL (
        SELECT outbox.event_id
        FROM callbacks_outbox AS outbox
        WHERE
            outbox.state = 'WAITING'
            AND outbox.merchant_id = lane.merchant_id
            AND outbox.due_at <= now()
            AND NOT EXISTS (
                SELECT FROM callbacks_outbox AS earlier
                WHERE
                    earlier.transaction_id = outbox.transaction_id
                    AND earlier.position < outbox.position
                    AND earlier.state || '' = 'WAITING' -- opaque: keeps the planner on the transaction index
            )
        ORDER BY outbox.due_at
        LIMIT lane.places
        FOR UPDATE SKIP LOCKED
    ) AS head
)

UPDATE callbacks_outbox AS outbox
SET
    lease_token = $3::uuid,
    due_at = now() + $4::int * interval '1 second'
WHERE outbox.event_id = any(array(SELECT chosen.event_id FROM chosen))
RETURNING outbox.*;

-- name: renew
-- Prolongs the lease $2 on the events $1 by $3 seconds from now; events it no longer holds are left alone.
UPDATE callbacks_outbox
SET due_at = now() + $3::int * interval '1 second'
WHERE event_id = any($1::uuid[]) AND lease_token = $2::uuid;

-- name: finish
-- Records attempts and their meaning for many events at once. An event whose lease is no longer the attempt's own keeps
-- its state (somebody else answers for it); the attempt is recorded all the same. Events of the same transaction that
-- queue behind are brought to the moment their predecessor is due again, or to now when it is done with. A callback URL
-- that took something no longer counts as failing. Answers the events that were changed.
WITH attempt AS (
    SELECT *
    FROM
        unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[], $7::bytea[], $8::text[],
            $9::timestamptz[], $10::int[], $11::bytea[], $12::text[]
        )
        AS attempt (
            event_id, lease_token, outcome, url, http_status, latency_ms, answer, error, started_at, gap_seconds, body_sha256,
            signed_by
        )
),

recorded AS (
    INSERT INTO callbacks_attempts (
        event_id, started_at, lease_token, url, outcome, http_status, latency_ms, answer, error, body_sha256, signed_by
    )
    SELECT
        event_id,
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
    UPDATE callbacks_outbox AS outbox
    SET
        state = CASE attempt.outcome WHEN 'RETRY' THEN 'WAITING' ELSE attempt.outcome END,
        attempts = outbox.attempts + 1,
        due_at = now() + attempt.gap_seconds * interval '1 second',
        lease_token = NULL,
        last_error = attempt.error,
        finished_at = CASE WHEN attempt.outcome <> 'RETRY' THEN now() END
    FROM attempt
    WHERE
        outbox.event_id = attempt.event_id
        AND outbox.lease_token = attempt.lease_token -- only waiting events are leased
    RETURNING
        outbox.event_id,
        outbox.transaction_id,
        outbox.position,
        outbox.due_at,
        outbox.merchant_id,
        outbox.type,
        outbox.state,
        attempt.url
),

followers AS (
    UPDATE callbacks_outbox AS follower
    SET due_at = finished.due_at
    FROM finished
    WHERE
        follower.transaction_id = finished.transaction_id
        AND follower.position > finished.position
        AND follower.state || '' = 'WAITING' -- opaque, as in claim
        AND follower.lease_token IS NULL
        AND follower.event_id <> all($1::uuid[])
    RETURNING follower.due_at <= now() AS is_due
),

recovered AS (
    DELETE FROM callbacks_failing AS failing
    USING finished
    WHERE
        finished.state = 'DELIVERED'
        AND failing.merchant_id = finished.merchant_id
        AND failing.endpoint_id = finished.type
        AND failing.url = finished.url
)

SELECT
    finished.event_id,
    CASE WHEN (SELECT bool_or(followers.is_due) FROM followers) THEN pg_notify('callbacks_due', '') END AS notified
FROM finished;

-- name: switch_off
-- Records that the callback URL $3 of merchant $1 for type $2 is switched off for the reason $4, and takes what waits
-- for it out of the queue. Answers the URL unless it was off already.
WITH gone AS (
    INSERT INTO callbacks_switched_off (merchant_id, type, url, reason)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (merchant_id, type, url) DO NOTHING
    RETURNING url
),

laid_aside AS (
    UPDATE callbacks_outbox
    SET
        state = 'SWITCHED_OFF',
        finished_at = now()
    WHERE
        merchant_id = $1 AND type = $2 AND url = $3
        AND state = 'WAITING' AND lease_token IS NULL
)

SELECT url FROM gone;

-- name: switch_on
-- Forgets that the endpoints of merchant $1 for type $2 were gone.
DELETE FROM callbacks_switched_off
WHERE merchant_id = $1 AND type = $2
RETURNING url;

-- name: depth
-- How many events are due (counted up to $1) and how many seconds the oldest of them waits already.
SELECT
    count(*) AS due,
    coalesce(extract(EPOCH FROM now() - min(due_at)), 0)::float8 AS age_seconds
FROM (
    SELECT due_at
    FROM callbacks_outbox
    WHERE state = 'WAITING' AND due_at <= now()
    LIMIT $1
) AS due;
