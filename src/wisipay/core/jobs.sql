-- name: enqueue
-- Queues one job; nothing when a job with the same dedupe key waits or runs.
WITH queued AS (
    INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, headers, status)
    VALUES (0, $1, $2, coalesce($3, now()), $4, $5::text::jsonb, 'queued')
    ON CONFLICT (dedupe_key)
    WHERE status = any(ARRAY['queued'::pgqueuer_status, 'picked'::pgqueuer_status]) AND dedupe_key IS NOT NULL
    DO NOTHING
    RETURNING id, entrypoint, priority
),

logged AS (
    INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)
    SELECT id, 'queued', entrypoint, priority FROM queued -- noqa
)

SELECT id FROM queued;

-- name: dead_letters
-- The jobs that were given up, the longest dead first, each with its last error.
SELECT
    job.id,
    job.entrypoint AS name,
    job.payload,
    job.attempts + 1 AS attempts,
    job.created AS queued_at,
    job.updated AS died_at,
    concat_ws(': ', last.traceback ->> 'exception_type', last.traceback ->> 'exception_message') AS error
FROM pgqueuer AS job
LEFT JOIN LATERAL (
    SELECT log.traceback
    FROM pgqueuer_log AS log
    WHERE log.job_id = job.id AND log.status = 'failed'
    ORDER BY log.created DESC, log.id DESC
    LIMIT 1
) AS last ON TRUE
WHERE job.status = 'failed'
ORDER BY job.updated, job.id
LIMIT $1;

-- name: replay
-- Queues dead jobs again from their first attempt. A job whose dedupe key is in use stays dead; of two dead jobs with
-- the same key the newer one is queued.
WITH chosen AS (
    SELECT DISTINCT ON (coalesce('key ' || dead.dedupe_key, 'id ' || dead.id)) dead.id
    FROM pgqueuer AS dead
    WHERE
        dead.id = any($1::bigint[])
        AND dead.status = 'failed'
        AND NOT EXISTS (
            SELECT FROM pgqueuer AS alive
            WHERE alive.dedupe_key = dead.dedupe_key AND alive.status IN ('queued', 'picked')
        )
    ORDER BY coalesce('key ' || dead.dedupe_key, 'id ' || dead.id), dead.id DESC
),

queued AS (
    UPDATE pgqueuer AS job
    SET status = 'queued', attempts = 0, execute_after = now(), updated = now(), queue_manager_id = NULL
    FROM chosen
    WHERE job.id = chosen.id AND job.status = 'failed'
    RETURNING job.id, job.entrypoint, job.priority
)

INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'queued', entrypoint, priority FROM queued
RETURNING job_id;

-- name: tidy
-- Forgets what happened to jobs that ended long ago. Dead letters and their last error stay.
WITH statistics AS (
    DELETE FROM pgqueuer_statistics WHERE created < now() - $1::interval
)

DELETE FROM pgqueuer_log AS log
WHERE log.created < now() - $1::interval AND NOT EXISTS (SELECT FROM pgqueuer AS job WHERE job.id = log.job_id);

-- name: register_schedule
-- A schedule that is new, or has a new expression, counts as done up to $3: it next runs at its next moment.
INSERT INTO core_schedules (name, expression, last_due_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET expression = excluded.expression, last_due_at = excluded.last_due_at
WHERE core_schedules.expression <> excluded.expression;

-- name: take_schedule
-- Takes the moment $3 of a schedule, for exactly one of all workers. Nothing when another one has taken it.
UPDATE core_schedules SET last_due_at = $3
WHERE name = $1 AND expression = $2 AND last_due_at < $3
RETURNING name;
