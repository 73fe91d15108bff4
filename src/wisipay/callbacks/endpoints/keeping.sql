-- name: add
INSERT INTO callbacks_endpoints (id, merchant_id, url, description, wanted, status, created_at)
VALUES ($1, $2, $3, $4, $5, 'ENABLED', $6);

-- name: lock_merchant
-- Lets one at a time change the number of a merchant's endpoints; to the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('callbacks_endpoints ' || $1::text, 0));

-- name: endpoints_of
SELECT *
FROM callbacks_endpoints
WHERE merchant_id = $1 AND status <> 'REMOVED'
ORDER BY id;

-- name: endpoint_of_merchant
SELECT *
FROM callbacks_endpoints
WHERE id = $1 AND merchant_id = $2;

-- name: change
UPDATE callbacks_endpoints
SET
    url = $2,
    description = $3,
    wanted = $4
WHERE id = $1;

-- name: set_status
UPDATE callbacks_endpoints
SET
    status = $2,
    disabled_reason = $3,
    disabled_at = $4
WHERE id = $1;

-- name: add_secret
INSERT INTO callbacks_endpoint_secrets (id, endpoint_id, sealed, created_at)
VALUES ($1, $2, $3, $4);

-- name: retire_secrets
-- Secrets of endpoint $1 sign until $2, unless they stop before.
UPDATE callbacks_endpoint_secrets
SET retires_at = $2
WHERE endpoint_id = $1 AND (retires_at IS NULL OR retires_at > $2);

-- name: forget_secrets
DELETE FROM callbacks_endpoint_secrets
WHERE endpoint_id = $1;

-- name: counts
-- How many deliveries of endpoint $1 stand where.
SELECT
    state,
    count(*) AS deliveries
FROM callbacks_deliveries
WHERE endpoint_id = $1
GROUP BY state;

-- name: happened
-- The last $3 things that happened to endpoint $2 of merchant $1, newest first.
SELECT
    what,
    url,
    reason,
    happened_at
FROM callbacks_endpoint_events
WHERE merchant_id = $1 AND endpoint_id = $2
ORDER BY id DESC
LIMIT $3;
