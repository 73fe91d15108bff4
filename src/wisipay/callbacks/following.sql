-- name: following
-- Events of merchant $1 behind position $2, in order, at most $3. An event is listed $4 seconds after its transaction
-- began: by then those are written whose positions are lower but whose transactions took longer.
SELECT *
FROM callbacks_outbox
WHERE merchant_id = $1 AND position > $2 AND created_at <= now() - $4::int * interval '1 second'
ORDER BY position
LIMIT $3;

-- name: latest
-- The last $2 of the same, in order.
SELECT *
FROM (
    SELECT *
    FROM callbacks_outbox
    WHERE merchant_id = $1 AND created_at <= now() - $3::int * interval '1 second'
    ORDER BY position DESC
    LIMIT $2
) AS latest
ORDER BY position;
