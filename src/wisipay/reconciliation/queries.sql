-- name: newest_mapping
SELECT m.version, m.mapping, m.author, m.created_at
FROM reconciliation_mappings AS m
WHERE m.provider_id = $1 AND m.kind = $2 AND ($3::integer IS NULL OR m.version = $3)
ORDER BY m.version DESC
LIMIT 1;

-- name: insert_mapping
INSERT INTO reconciliation_mappings (provider_id, kind, version, mapping, author, created_at)
SELECT $1, $2, coalesce(max(m.version), 0) + 1, $3, $4, $5
FROM reconciliation_mappings AS m
WHERE m.provider_id = $1 AND m.kind = $2
RETURNING version;

-- name: run_of_file
SELECT r.* FROM reconciliation_runs AS r
WHERE r.channel_id = $1 AND r.kind = $2 AND r.file_sha256 = $3 AND r.state <> 'WITHDRAWN';

-- name: run_by_id
SELECT r.* FROM reconciliation_runs AS r WHERE r.id = $1;

-- name: lock_run
SELECT r.* FROM reconciliation_runs AS r WHERE r.id = $1 FOR UPDATE;

-- name: runs
SELECT r.* FROM reconciliation_runs AS r
WHERE ($1::text IS NULL OR r.channel_id = $1) AND ($2::bigint IS NULL OR r.id < $2)
ORDER BY r.id DESC
LIMIT $3;

-- name: insert_run
INSERT INTO reconciliation_runs (
    channel_id, provider_id, kind, first_day, last_day, file_name, file_sha256, mapping_version, state, author, created_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'LOADING', $9, $10)
RETURNING *;

-- name: begin_anew
UPDATE reconciliation_runs AS r
SET state = 'LOADING', mapping_version = $2, loaded_to_line = 0, row_count = 0, skipped_count = 0, broken_count = 0,
    file_paise = 0
WHERE r.id = $1
RETURNING r.*;

-- name: forget_rows
DELETE FROM reconciliation_rows AS r WHERE r.run_id = $1;

-- name: forget_broken
DELETE FROM reconciliation_broken AS b WHERE b.run_id = $1;

-- name: add_loaded
UPDATE reconciliation_runs AS r
SET
    loaded_to_line = $2, row_count = r.row_count + $3, skipped_count = r.skipped_count + $4,
    broken_count = r.broken_count + $5, file_paise = r.file_paise + $6
WHERE r.id = $1
RETURNING r.*;

-- name: set_state
UPDATE reconciliation_runs AS r SET state = $2 WHERE r.id = $1 RETURNING r.*;

-- name: match_by_reference
-- A reference is a payment's id, or that with A2, A3 ... behind it for a further call.
INSERT INTO reconciliation_matches (run_id, line, transaction_id, attempt, matched_by)
SELECT r.run_id, r.line, c.transaction_id, c.attempt, 'REFERENCE'
FROM reconciliation_rows AS r
INNER JOIN payments_calls AS c
    ON r.reference = c.transaction_id AND c.attempt = 1
WHERE r.run_id = $1 AND c.channel_id = $2 AND c.kind = $3;

-- name: match_by_further_reference
INSERT INTO reconciliation_matches (run_id, line, transaction_id, attempt, matched_by)
SELECT r.run_id, r.line, c.transaction_id, c.attempt, 'REFERENCE'
FROM reconciliation_rows AS r
INNER JOIN payments_calls AS c
    ON c.transaction_id = substring(r.reference FROM '^(.*)A[0-9]+$') AND r.reference = c.reference
WHERE
    r.run_id = $1 AND c.channel_id = $2 AND c.kind = $3 AND c.attempt > 1 AND r.reference ~ 'A[0-9]+$'
ON CONFLICT (run_id, line) DO NOTHING;

-- name: match_by_provider_reference
INSERT INTO reconciliation_matches (run_id, line, transaction_id, attempt, matched_by)
SELECT r.run_id, r.line, c.transaction_id, c.attempt, 'PROVIDER_REFERENCE'
FROM reconciliation_rows AS r
INNER JOIN payments_calls AS c
    ON c.present_provider_id = $4 AND r.provider_reference = c.present_provider_reference
WHERE
    r.run_id = $1 AND c.channel_id = $2 AND c.kind = $3 AND c.is_present
    AND NOT EXISTS (SELECT FROM reconciliation_matches AS m WHERE m.run_id = r.run_id AND m.line = r.line)
ON CONFLICT (run_id, line) DO NOTHING;

-- name: match_by_utr
-- One transfer may settle many payments, so a UTR alone says little: with the amount it must name exactly one.
INSERT INTO reconciliation_matches (run_id, line, transaction_id, attempt, matched_by)
SELECT r.run_id, r.line, c.transaction_id, c.attempt, 'UTR'
FROM reconciliation_rows AS r
INNER JOIN (
    SELECT
        p.present_utr, p.amount_paise, min(p.transaction_id) AS transaction_id, min(p.attempt) AS attempt
    FROM payments_calls AS p
    WHERE
        p.channel_id = $2 AND p.kind = $3 AND p.is_present AND p.present_utr IS NOT NULL
        AND p.created_at >= $4 AND p.created_at < $5
    GROUP BY p.present_utr, p.amount_paise
    HAVING count(*) = 1
) AS c ON r.utr = c.present_utr AND r.amount_paise = c.amount_paise
WHERE
    r.run_id = $1
    AND NOT EXISTS (SELECT FROM reconciliation_matches AS m WHERE m.run_id = r.run_id AND m.line = r.line)
ON CONFLICT (run_id, line) DO NOTHING;

-- name: find_differences_of_matches
-- A payment may stand in a file once for each status, such as paid and returned: the last one is compared with ours.
INSERT INTO reconciliation_differences (run_id, kind, line, transaction_id, attempt, ours, theirs)
SELECT $1, d.kind, c.line, c.transaction_id, c.attempt, d.ours, d.theirs
FROM (
    SELECT
        m.line, m.transaction_id, m.attempt, r.amount_paise, r.status,
        p.amount_paise AS our_amount, p.status AS our_status,
        CASE WHEN r.fee_paise IS NOT NULL OR r.tax_paise IS NOT NULL
            THEN coalesce(r.fee_paise, 0) + coalesce(r.tax_paise, 0)
        END AS fee,
        p.provider_fee_paise + CASE WHEN $2 THEN p.provider_tax_paise ELSE 0 END AS our_fee,
        row_number() OVER same_word AS nth,
        first_value(m.line) OVER same_word AS first_line,
        lead(m.line) OVER (PARTITION BY m.transaction_id, m.attempt ORDER BY m.line) IS NULL AS is_last
    FROM reconciliation_matches AS m
    INNER JOIN reconciliation_rows AS r ON m.run_id = r.run_id AND m.line = r.line
    INNER JOIN payments_calls AS p ON m.transaction_id = p.transaction_id AND m.attempt = p.attempt
    WHERE m.run_id = $1
    WINDOW same_word AS (PARTITION BY m.transaction_id, m.attempt, r.status ORDER BY m.line)
) AS c
CROSS JOIN LATERAL (
    VALUES
    ('DUPLICATE', 'line ' || c.first_line, c.status, c.nth > 1),
    ('AMOUNT', c.our_amount::text, c.amount_paise::text, c.nth = 1 AND c.our_amount <> c.amount_paise),
    ('FEE', c.our_fee::text, c.fee::text, c.nth = 1 AND c.status = 'SUCCESS' AND c.our_fee <> c.fee),
    (
        'STATUS', c.our_status, c.status, c.is_last
        AND replace(replace(c.our_status, 'EXPIRED', 'FAILED'), 'PROCESSING', 'PENDING')
        <> replace(replace(c.status, 'EXPIRED', 'FAILED'), 'PROCESSING', 'PENDING')
    )
) AS d (kind, ours, theirs, applies)
WHERE d.applies
ORDER BY c.line, d.kind;

-- name: find_rows_of_earlier_files
INSERT INTO reconciliation_differences (run_id, kind, line, transaction_id, attempt, ours, theirs)
SELECT
    m.run_id, 'DUPLICATE', m.line, m.transaction_id, m.attempt,
    'run ' || min(e.run_id) || ', line ' || (array_agg(e.line ORDER BY e.run_id, e.line))[1], min(r.status)
FROM reconciliation_matches AS m
INNER JOIN reconciliation_rows AS r ON m.run_id = r.run_id AND m.line = r.line
INNER JOIN reconciliation_matches AS e
    ON m.transaction_id = e.transaction_id AND m.attempt = e.attempt AND m.run_id <> e.run_id
INNER JOIN reconciliation_rows AS s ON e.run_id = s.run_id AND e.line = s.line AND r.status = s.status
INNER JOIN reconciliation_runs AS x ON e.run_id = x.id AND x.state = 'MATCHED'
WHERE m.run_id = $1
GROUP BY m.run_id, m.line, m.transaction_id, m.attempt
ORDER BY m.line;

-- name: find_extra
INSERT INTO reconciliation_differences (run_id, kind, line, theirs)
SELECT r.run_id, 'EXTRA', r.line, r.status
FROM reconciliation_rows AS r
LEFT JOIN reconciliation_matches AS m ON r.run_id = m.run_id AND r.line = m.line
WHERE r.run_id = $1 AND m.line IS NULL
ORDER BY r.line;

-- name: find_missing
INSERT INTO reconciliation_differences (run_id, kind, transaction_id, attempt, ours)
SELECT $1, 'MISSING', c.transaction_id, c.attempt, c.status
FROM payments_calls AS c
WHERE
    c.channel_id = $2 AND c.kind = $3 AND c.is_present AND c.status = 'SUCCESS'
    AND c.created_at >= $4 AND c.created_at < $5
    AND NOT EXISTS (
        SELECT FROM reconciliation_matches AS m
        INNER JOIN reconciliation_runs AS x ON m.run_id = x.id
        WHERE
            m.transaction_id = c.transaction_id AND m.attempt = c.attempt
            AND (x.state = 'MATCHED' OR x.id = $1)
    )
ORDER BY c.transaction_id;

-- name: note_found
UPDATE reconciliation_differences AS d
SET found_in_run_id = $1
FROM reconciliation_matches AS m
WHERE
    m.run_id = $1 AND d.kind = 'MISSING' AND d.state <> 'RESOLVED' AND d.found_in_run_id IS NULL
    AND d.transaction_id = m.transaction_id AND d.attempt = m.attempt;

-- name: finish_matching
UPDATE reconciliation_runs AS r
SET
    state = 'MATCHED', matched_at = $2, matched_count = t.matched_count, matched_paise = t.matched_paise
FROM (
    SELECT count(*) AS matched_count, coalesce(sum(w.amount_paise), 0)::bigint AS matched_paise
    FROM reconciliation_matches AS m
    INNER JOIN reconciliation_rows AS w ON m.run_id = w.run_id AND m.line = w.line
    WHERE m.run_id = $1
) AS t
WHERE r.id = $1
RETURNING r.*;

-- name: counts_of_differences
SELECT d.kind, count(*) AS total, count(*) FILTER (WHERE d.state <> 'RESOLVED') AS still_open
FROM reconciliation_differences AS d
WHERE d.run_id = $1
GROUP BY d.kind
ORDER BY d.kind;

-- name: broken_lines
SELECT b.line, b.problem FROM reconciliation_broken AS b WHERE b.run_id = $1 ORDER BY b.line LIMIT $2;

-- name: differences
SELECT
    d.id, d.run_id, d.kind, d.line, d.transaction_id, d.attempt, d.ours, d.theirs,
    coalesce(r.reference, c.reference) AS reference,
    coalesce(r.provider_reference, c.present_provider_reference) AS provider_reference,
    coalesce(r.utr, c.present_utr) AS utr,
    coalesce(r.amount_paise, c.amount_paise) AS amount,
    d.state, d.action, d.note, d.decided_by, d.decided_at, d.found_in_run_id
FROM reconciliation_differences AS d
LEFT JOIN reconciliation_rows AS r ON d.run_id = r.run_id AND d.line = r.line
LEFT JOIN payments_calls AS c
    ON d.line IS NULL AND d.transaction_id = c.transaction_id AND d.attempt = c.attempt
WHERE
    ($1::bigint IS NULL OR d.run_id = $1) AND ($2::text IS NULL OR d.kind = $2)
    AND ($3::boolean OR d.state <> 'RESOLVED') AND d.id > $4 AND ($5::bigint[] IS NULL OR d.id = any($5))
ORDER BY d.id
LIMIT $6;

-- name: lock_differences
SELECT d.id, d.run_id, d.kind, d.state, d.action, d.note
FROM reconciliation_differences AS d
WHERE d.id = any($1::bigint[])
ORDER BY d.id
FOR UPDATE;

-- name: decide
UPDATE reconciliation_differences AS d
SET state = $2, action = $3, note = $4, decided_by = $5, decided_at = $6
WHERE d.id = any($1::bigint[]);

-- name: present_call
SELECT c.is_present FROM payments_calls AS c WHERE c.transaction_id = $1 AND c.attempt = $2;
