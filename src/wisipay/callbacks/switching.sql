-- name: resume
-- Puts back into the queue what was on its way to the callback URLs $3 of merchant $1 for type $2 when they were
-- switched off; what came while they were off has no end yet, and stays.
WITH resumed AS (
    UPDATE callbacks_outbox
    SET
        state = 'WAITING',
        due_at = now(),
        finished_at = NULL
    WHERE merchant_id = $1 AND type = $2 AND url = any($3::text[]) AND state = 'SWITCHED_OFF' AND finished_at IS NOT NULL
    RETURNING event_id
)

SELECT
    count(*) AS resumed,
    CASE WHEN count(*) > 0 THEN pg_notify('callbacks_due', '') END AS notified
FROM resumed;

-- name: note_failing
-- Counts failed attempts, $4 at each address: merchant $1, endpoint $2, URL $3. Answers each address with the moment
-- since which it took nothing, and whether that is $5 seconds and $6 attempts.
INSERT INTO callbacks_failing AS failing (merchant_id, endpoint_id, url, failing_since, failures)
SELECT
    merchant_id,
    endpoint_id,
    url,
    now(),
    failures
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS failed (merchant_id, endpoint_id, url, failures)
ORDER BY merchant_id, endpoint_id, url
ON CONFLICT (merchant_id, endpoint_id, url) DO UPDATE
SET failures = failing.failures + excluded.failures
RETURNING
    merchant_id,
    endpoint_id,
    url,
    failing_since,
    failing_since <= now() - $5::int * interval '1 second' AND failures >= $6 AS is_over;

-- name: forget_failing
-- The address is served again: it has as long as any other to take something.
DELETE FROM callbacks_failing
WHERE merchant_id = $1 AND endpoint_id = $2;

-- name: happened
INSERT INTO callbacks_endpoint_events (merchant_id, endpoint_id, url, what, reason, happened_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: switched_off
-- The callback URLs of merchant $1 that are off.
SELECT *
FROM callbacks_switched_off
WHERE merchant_id = $1
ORDER BY type, url;
