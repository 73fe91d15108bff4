-- What checks found, and when each check and job of the ledger ran. Findings are never deleted.

-- name: note_findings
-- Keep what was found: checks $1, subjects $2, ids $3, messages $4, seen at $5. What had gone and came back is as unknown as new.
-- Returns what nobody has acknowledged.
INSERT INTO ledger_findings AS findings (check_name, subject, subject_id, message, first_seen_at, last_seen_at)
SELECT DISTINCT
    found.check_name,
    found.subject,
    found.subject_id,
    found.message,
    $5::timestamptz AS first_seen_at,
    $5::timestamptz AS last_seen_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS found (check_name, subject, subject_id, message)
ON CONFLICT (check_name, subject, subject_id, md5(message)) DO UPDATE SET
    last_seen_at = excluded.last_seen_at,
    acknowledged_at = CASE WHEN findings.gone_at IS NULL THEN findings.acknowledged_at END,
    acknowledged_by = CASE WHEN findings.gone_at IS NULL THEN findings.acknowledged_by END,
    note = CASE WHEN findings.gone_at IS NULL THEN findings.note END,
    gone_at = NULL
RETURNING findings.*;

-- name: note_gone!
-- What a full run of the check $1 at $2 did not see is gone.
UPDATE ledger_findings SET gone_at = $2::timestamptz
WHERE check_name = $1 AND gone_at IS NULL AND last_seen_at < $2::timestamptz;

-- name: findings
-- A page of $3 findings behind the one numbered $2, in order of their first sight; without $1 only those still there.
SELECT findings.* FROM ledger_findings AS findings
WHERE findings.id > $2 AND ($1::boolean OR findings.gone_at IS NULL)
ORDER BY findings.id
LIMIT $3;

-- name: acknowledge
-- Say that $2 knows of the findings $1 and what came of it ($3), at $4. Returns those that nobody had acknowledged.
UPDATE ledger_findings AS findings SET
    acknowledged_at = $4,
    acknowledged_by = $2,
    note = $3
WHERE findings.id = any($1::bigint[]) AND findings.acknowledged_at IS NULL
RETURNING findings.*;

-- name: open_findings
-- How many findings of each check are still there, and how many of those nobody has acknowledged.
SELECT
    findings.check_name,
    count(*) AS there,
    count(*) FILTER (WHERE findings.acknowledged_at IS NULL) AS unacknowledged
FROM ledger_findings AS findings
WHERE findings.gone_at IS NULL
GROUP BY findings.check_name;

-- name: note_run!
-- The run named $1 ended at $2, took $3 and found $4 differences; $5 says whether it looked at everything.
INSERT INTO ledger_runs AS runs (name, ended_at, took, found, clean_at, full_at)
VALUES ($1, $2, $3, $4, CASE WHEN $4::integer = 0 THEN $2::timestamptz END, CASE WHEN $5::boolean THEN $2::timestamptz END)
ON CONFLICT (name) DO UPDATE SET
    ended_at = excluded.ended_at,
    took = excluded.took,
    found = excluded.found,
    clean_at = coalesce(excluded.clean_at, runs.clean_at),
    full_at = coalesce(excluded.full_at, runs.full_at);

-- name: runs
SELECT
    runs.name,
    runs.ended_at,
    runs.took,
    runs.found,
    runs.clean_at,
    runs.full_at
FROM ledger_runs AS runs
ORDER BY runs.name;
