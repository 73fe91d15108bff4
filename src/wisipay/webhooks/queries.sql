-- name: insert
-- Stores webhooks, due at once, and wakes the workers at commit.
WITH stored AS (
    INSERT INTO webhooks_inbox (
        webhook_id, route, provider_id, legal_entity_id, headers, body, peer_address, received_at, due_at
    )
    SELECT
        webhook_id,
        route,
        provider_id,
        legal_entity_id,
        headers,
        body,
        peer_address,
        received_at,
        now()
    FROM
        unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::bytea[], $7::text[], $8::timestamptz[])
        AS received (webhook_id, route, provider_id, legal_entity_id, headers, body, peer_address, received_at)
    ON CONFLICT (webhook_id) DO NOTHING
    RETURNING 1
)

SELECT
    count(*) AS stored,
    pg_notify('webhooks_due', '') AS notified
FROM stored;

-- name: claim
-- Leases up to $1 due webhooks, oldest first, to $2 for $3 seconds.
WITH chosen AS (
    SELECT webhook_id
    FROM webhooks_inbox
    WHERE state = 'WAITING' AND due_at <= now()
    ORDER BY due_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)

UPDATE webhooks_inbox
SET
    lease_token = $2::uuid,
    due_at = now() + $3::int * interval '1 second'
WHERE webhook_id = any(array(SELECT chosen.webhook_id FROM chosen))
RETURNING *;

-- name: lock_due
-- Locks up to $1 due webhooks, oldest first, until the end of the transaction; those that others hold are left alone. The
-- server ends the transaction of a worker that has stopped in the middle of it after as long as a lease lasts.
WITH bound AS MATERIALIZED (SELECT set_config('idle_in_transaction_session_timeout', '8s', TRUE))

SELECT
    inbox.webhook_id,
    inbox.route,
    inbox.provider_id,
    inbox.legal_entity_id,
    inbox.headers,
    inbox.body,
    inbox.peer_address,
    inbox.received_at,
    inbox.attempts,
    inbox.lease_token
FROM webhooks_inbox AS inbox
CROSS JOIN bound
WHERE inbox.state = 'WAITING' AND inbox.due_at <= now()
ORDER BY inbox.due_at
LIMIT $1
FOR UPDATE OF inbox SKIP LOCKED;

-- name: lease
-- Leases the webhooks $1, which this transaction has locked, to $2 for $3 seconds.
UPDATE webhooks_inbox
SET
    lease_token = $2::uuid,
    due_at = now() + $3::int * interval '1 second'
WHERE webhook_id = any($1::uuid[]);

-- name: renew
-- Prolongs the lease $2 on the webhooks $1 by $3 seconds from now; those it no longer holds are left alone.
UPDATE webhooks_inbox
SET due_at = now() + $3::int * interval '1 second'
WHERE webhook_id = any($1::uuid[]) AND lease_token = $2::uuid;

-- name: finish
-- Records how looks at many webhooks ended. A webhook whose lease is no longer the look's own keeps its state; a look at
-- a locked webhook carries the lease found there, run out or NULL. Answers the webhooks that were changed.
UPDATE webhooks_inbox AS inbox
SET
    state = look.state,
    attempts = inbox.attempts + 1,
    due_at = now() + look.gap_seconds * interval '1 second',
    lease_token = NULL,
    result = look.result,
    last_error = look.error,
    finished_at = CASE WHEN look.state <> 'WAITING' THEN now() END
FROM
    unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[])
    AS look (webhook_id, lease_token, state, gap_seconds, result, error)
WHERE
    inbox.webhook_id = look.webhook_id
    AND inbox.lease_token IS NOT DISTINCT FROM look.lease_token
    AND inbox.state = 'WAITING'
RETURNING inbox.webhook_id;

-- name: replay
-- Makes the webhooks $1 due now with a fresh schedule. What is being looked at this moment is left alone.
WITH replayed AS (
    UPDATE webhooks_inbox
    SET
        state = 'WAITING',
        due_at = now(),
        lease_token = NULL,
        attempts = 0,
        finished_at = NULL
    WHERE webhook_id = any($1::uuid[]) AND (state <> 'WAITING' OR lease_token IS NULL OR due_at <= now())
    RETURNING webhook_id
)

SELECT
    webhook_id,
    pg_notify('webhooks_due', '') AS notified
FROM replayed;

-- name: find
-- Webhooks by provider $1 and state $2 (NULL for any), after id $3, in order of arrival, at most $4.
SELECT *
FROM webhooks_inbox
WHERE
    ($1::text IS NULL OR provider_id = $1)
    AND ($2::text IS NULL OR state = $2)
    AND webhook_id > $3
ORDER BY webhook_id
LIMIT $4;

-- name: webhook
SELECT *
FROM webhooks_inbox
WHERE webhook_id = $1;

-- name: depth
-- How many webhooks are due (counted up to $1) and how many seconds the oldest of them waits already.
SELECT
    count(*) AS due,
    coalesce(extract(EPOCH FROM now() - min(due_at)), 0)::float8 AS age_seconds
FROM (
    SELECT due_at
    FROM webhooks_inbox
    WHERE state = 'WAITING' AND due_at <= now()
    ORDER BY due_at
    LIMIT $1
) AS due;
