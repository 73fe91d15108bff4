-- name: claim
INSERT INTO payments_idempotency AS i (merchant_id, key, request_hash, started_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, key) DO UPDATE
SET request_hash = excluded.request_hash, started_at = excluded.started_at, status = NULL, body = NULL
WHERE
    i.started_at < $5
    OR (i.status IS NULL AND i.started_at < $6 AND i.request_hash = excluded.request_hash)
RETURNING xmax <> 0 AS taken_over;

-- name: kept
SELECT request_hash, status, body FROM payments_idempotency WHERE merchant_id = $1 AND key = $2;

-- name: keep
UPDATE payments_idempotency SET status = $3, body = $4 WHERE merchant_id = $1 AND key = $2;

-- name: release
DELETE FROM payments_idempotency WHERE merchant_id = $1 AND key = $2 AND status IS NULL;

-- name: forget_old
DELETE FROM payments_idempotency
WHERE
    (merchant_id, key) IN (
        SELECT merchant_id, key FROM payments_idempotency WHERE started_at < $1 LIMIT $2
    )
RETURNING key;
