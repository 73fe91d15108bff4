-- name: begin_writing
-- One writer at a time, over all processes: who reads behind a position then misses nothing that is written later.
-- The lock is "apil", a number that nothing else in this database locks. A crash may cost the last moments of a log.
SET LOCAL synchronous_commit = off;
SELECT pg_advisory_xact_lock(1634756972);

-- name: make_day
SELECT apilog_make_day($1::date);

-- name: drop_days
-- Drops the days before $1. Waits only a little for those who read and write; the next run makes up for it.
SELECT apilog_drop_days($1::date);

-- name: find
-- Entries of merchant $1 by any of environment $2 and transaction $3 (NULL for any), with a status from $4 below $5,
-- after position $6 and not after $7; at most $8.
SELECT *
FROM apilog_requests
WHERE
    merchant_id = $1
    AND ($2::text IS NULL OR environment = $2)
    AND ($3::text IS NULL OR transaction_id = $3)
    AND status >= $4 AND status < $5
    AND position > $6 AND position <= $7
ORDER BY position
LIMIT $8;

-- name: find_by_order
-- The same for order $6, after position $7; at most $8.
SELECT *
FROM apilog_requests
WHERE
    merchant_id = $1
    AND ($2::text IS NULL OR environment = $2)
    AND ($3::text IS NULL OR transaction_id = $3)
    AND status >= $4 AND status < $5
    AND order_id = $6
    AND position > $7
ORDER BY position
LIMIT $8;

-- name: look_ahead
-- How many entries of merchant $1 come behind position $2, counted up to $3, and the position of the last of those.
SELECT
    count(*) AS looked_at,
    max(ahead.position) AS until
FROM (
    SELECT position
    FROM apilog_requests
    WHERE merchant_id = $1 AND position > $2
    ORDER BY position
    LIMIT $3
) AS ahead;

-- name: look_back
-- Where the last $6 matching entries (as in find) begin, of the last $7 of the merchant; and the newest of all.
WITH behind AS (
    SELECT
        position,
        ($2::text IS NULL OR environment = $2)
        AND ($3::text IS NULL OR transaction_id = $3)
        AND status >= $4 AND status < $5 AS is_match
    FROM apilog_requests
    WHERE merchant_id = $1
    ORDER BY position DESC
    LIMIT $7
)

SELECT
    coalesce((SELECT max(behind.position) FROM behind), 0) AS newest,
    min(matching.position) AS first_shown
FROM (
    SELECT position
    FROM behind
    WHERE is_match
    ORDER BY position DESC
    LIMIT $6
) AS matching;
