-- What the catalogue and the tables tell about months. The parents' names are given as parameters, so that one statement
-- serves all three.
-- noqa: disable=RF02,RF04

-- name: partitions
-- The partitions of $1, as their period calls them, with their size in bytes.
SELECT
    substring(children.relname FROM length($1) + 2) AS name,
    pg_total_relation_size(children.oid) AS bytes
FROM pg_inherits AS links
INNER JOIN pg_class AS children ON links.inhrelid = children.oid
WHERE links.inhparent = $1::text::regclass AND children.relname <> $1 || '_default'
ORDER BY children.relname;

-- name: indexes
SELECT places.indexrelid::regclass::text AS name
FROM pg_index AS places
WHERE places.indrelid = $1::text::regclass;

-- name: period_entries
-- What an archive holds of entries: all posted from $1 up to $2, in the order of writing. An id that is a little ahead of
-- its posting lies below $3.
SELECT
    entries.id,
    entries.sequence,
    entries.posted_at,
    entries.timeout_at,
    entries.target_id,
    entries.kind::text AS kind,
    entries.value_date,
    entries.currency,
    entries.narration,
    entries.external_reference,
    entries.correlation_id,
    entries.idempotency_key,
    entries.metadata::text AS metadata,
    entries.balance_numbers,
    entries.amounts
FROM ledger_entries AS entries
WHERE entries.posted_at >= coalesce($1::timestamptz, '-infinity') AND entries.posted_at < $2 AND entries.id < $3
ORDER BY entries.sequence;

-- name: period_lines
SELECT
    lines.balance_number,
    lines.posted_at,
    lines.account_line,
    lines.amount,
    lines.balance_after,
    lines.entry_id,
    lines.number,
    lines.pending
FROM ledger_lines AS lines
WHERE lines.posted_at >= coalesce($1::timestamptz, '-infinity') AND lines.posted_at < $2 AND $3::uuid IS NOT NULL
ORDER BY lines.balance_number, lines.posted_at, lines.account_line;

-- name: period_resolutions
SELECT
    endings.target_id,
    endings.entry_id,
    endings.kind::text AS kind
FROM ledger_entries AS entries
INNER JOIN ledger_resolutions AS endings ON entries.id = endings.target_id
WHERE entries.posted_at >= coalesce($1::timestamptz, '-infinity') AND entries.posted_at < $2 AND entries.id < $3
ORDER BY endings.target_id;

-- name: period_operations
SELECT
    operations.entry_id,
    (to_jsonb(operations))::text AS record
FROM ledger_entries AS entries
INNER JOIN ledger_operations AS operations ON entries.id = operations.entry_id
WHERE entries.posted_at >= coalesce($1::timestamptz, '-infinity') AND entries.posted_at < $2 AND entries.id < $3
ORDER BY operations.entry_id;

-- name: open_hold
-- A hold of this period that nobody has ended.
SELECT entries.id FROM ledger_entries AS entries
WHERE
    entries.posted_at >= coalesce($1::timestamptz, '-infinity') AND entries.posted_at < $2 AND entries.id < $3
    AND entries.kind = 'PENDING'
    AND NOT EXISTS (
        SELECT FROM ledger_resolutions AS endings
        WHERE endings.target_id = entries.id
    )
LIMIT 1;

-- name: unsealed_entry
-- An entry of this period that has no seal, where anything is sealed at all.
SELECT entries.id FROM ledger_entries AS entries
WHERE
    entries.posted_at >= coalesce($1::timestamptz, '-infinity') AND entries.posted_at < $2 AND entries.id < $3
    AND entries.sequence > (SELECT max(blocks.through_sequence) FROM ledger_seal_blocks AS blocks)
LIMIT 1;

-- name: close_period!
-- A snapshot of every counter row at its last line before $2, so that later moments need no line of the period from $1.
INSERT INTO ledger_snapshots (balance_number, posted_at, account_line, debits_posted, credits_posted)
SELECT
    balances.number,
    ends.posted_at,
    ends.account_line,
    coalesce(taken.debits_posted, 0) + coalesce(rest.debits, 0),
    coalesce(taken.credits_posted, 0) + coalesce(rest.credits, 0)
FROM ledger_balances AS balances
CROSS JOIN LATERAL (
    SELECT
        lines.posted_at,
        lines.account_line
    FROM ledger_lines AS lines
    WHERE
        lines.balance_number = balances.number
        AND lines.posted_at >= coalesce($1::timestamptz, '-infinity') AND lines.posted_at < $2::timestamptz
    ORDER BY lines.posted_at DESC, lines.account_line DESC
    LIMIT 1
) AS ends
LEFT JOIN LATERAL (
    SELECT snapshots.* FROM ledger_snapshots AS snapshots
    WHERE snapshots.balance_number = balances.number AND snapshots.posted_at < $2
    ORDER BY snapshots.posted_at DESC, snapshots.account_line DESC
    LIMIT 1
) AS taken ON TRUE
CROSS JOIN LATERAL (
    SELECT
        sum(lines.amount) FILTER (WHERE lines.amount > 0) AS debits,
        -sum(lines.amount) FILTER (WHERE lines.amount < 0) AS credits
    FROM ledger_lines AS lines
    WHERE
        lines.balance_number = balances.number
        AND lines.posted_at >= coalesce(taken.posted_at, '-infinity') AND lines.posted_at < $2
        AND lines.account_line > coalesce(taken.account_line, 0)
        AND NOT lines.pending
) AS rest
ON CONFLICT DO NOTHING;

-- name: counter_rows
SELECT
    balances.number,
    accounts.id,
    balances.stripe
FROM ledger_balances AS balances
INNER JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number;

-- name: archives
SELECT
    archives.name,
    archives.manifest_sha256,
    archives.archived_at,
    to_regclass('ledger_lines_' || archives.name || '_detached') IS NOT NULL AS detached_kept
FROM ledger_archives AS archives
ORDER BY archives.ends_at;

-- name: note_archive!
INSERT INTO ledger_archives (name, starts_at, ends_at, manifest_sha256) VALUES ($1, $2, $3, $4);

-- name: forget_archive!
DELETE FROM ledger_archives
WHERE name = $1;

-- name: columns
SELECT columns.attname AS name
FROM pg_attribute AS columns
WHERE columns.attrelid = $1::text::regclass AND columns.attnum > 0 AND NOT columns.attisdropped
ORDER BY columns.attnum;

-- name: is_guarded
SELECT exists(
    SELECT FROM pg_trigger AS triggers
    WHERE triggers.tgrelid = $1::text::regclass AND triggers.tgname LIKE '%_immutable'
);

-- name: block_before
-- The last block before the one that seals the record numbered $1.
SELECT coalesce(min(blocks.number), 1) - 1 AS number FROM ledger_seal_blocks AS blocks
WHERE blocks.through_sequence >= $1;

-- name: takers_of_keys
-- Which entries have taken the keys $1.
SELECT keys.key, keys.entry_id FROM ledger_keys AS keys
WHERE keys.key = any($1::text[]);

-- name: value_dates_of
-- What is noted of lines of the entries $1 that count on another day than they were written on.
SELECT
    dated.entry_id,
    dated.number,
    dated.value_day,
    dated.posted_day,
    dated.amount,
    accounts.id AS account_id
FROM ledger_value_dated_lines AS dated
LEFT JOIN ledger_accounts AS accounts ON dated.account_number = accounts.number
WHERE dated.entry_id = any($1::uuid[]);

-- name: let_pass
-- Which of the entries $1 were let pass below a floor.
SELECT allowed.entry_id FROM ledger_below_floor AS allowed
WHERE allowed.entry_id = any($1::uuid[]);

-- name: floors_and_changes
-- The floor of every counter row that has or had one, what it was before each change, whose floor it is, the sign of its
-- normal side, and when it changed in the order of writing.
SELECT
    balances.number,
    balances.min_balance,
    changes.before,
    accounts.id,
    CASE WHEN accounts.debit_normal THEN 1 ELSE -1 END AS sign,
    changes.sequences
FROM ledger_balances AS balances
INNER JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
CROSS JOIN LATERAL (
    SELECT
        coalesce(array_agg(events.sequence ORDER BY events.sequence), '{}') AS sequences,
        coalesce(array_agg(events.min_balance_before ORDER BY events.sequence), '{}') AS before
    FROM ledger_account_events AS events
    WHERE events.account_number = balances.account_number AND events.kind = 'FLOOR_CHANGED'
) AS changes
WHERE balances.min_balance IS NOT NULL OR cardinality(changes.sequences) > 0;

-- name: rows_of_archived
-- How many rows there are of entries that are in files alone.
SELECT
    rows_of.what,
    count(rows_of.entry_id) FILTER (
        WHERE NOT EXISTS (SELECT FROM ledger_entries AS entries WHERE entries.id = rows_of.entry_id)
    ) AS count
FROM (
    SELECT 'keys' AS what, keys.entry_id FROM ledger_keys AS keys
    WHERE keys.entry_id < (SELECT ledger_archived_below())
    UNION ALL
    SELECT 'operations' AS what, operations.entry_id FROM ledger_operations AS operations
    WHERE operations.entry_id < (SELECT ledger_archived_below())
    UNION ALL
    SELECT 'value dates' AS what, dated.entry_id FROM ledger_value_dated_lines AS dated
    WHERE dated.entry_id < (SELECT ledger_archived_below())
    UNION ALL
    SELECT 'leave to pass floors' AS what, allowed.entry_id FROM ledger_below_floor AS allowed
    WHERE allowed.entry_id < (SELECT ledger_archived_below())
    UNION ALL
    SELECT names.what, NULL AS entry_id
    FROM (VALUES ('keys'), ('operations'), ('value dates'), ('leave to pass floors')) AS names (what)
) AS rows_of
GROUP BY rows_of.what;

-- name: closing_figures
-- From where each counter row starts in the months that are left: lines, debits and credits of all before, less those of
-- lines that are in the database although they were posted before.
SELECT
    balances.number AS balance_number,
    accounts.id AS account_id,
    balances.stripe,
    coalesce(starts.account_line, 0) - rest.lines AS lines,
    coalesce(starts.debits_posted, 0) - rest.debits AS debits,
    coalesce(starts.credits_posted, 0) - rest.credits AS credits
FROM ledger_balances AS balances
INNER JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
LEFT JOIN LATERAL ledger_check_start(balances.number, FALSE) AS starts ON TRUE
CROSS JOIN LATERAL (
    SELECT
        count(*) AS lines,
        coalesce(sum(lines.amount) FILTER (WHERE lines.amount > 0 AND NOT lines.pending), 0)::bigint AS debits,
        coalesce(-sum(lines.amount) FILTER (WHERE lines.amount < 0 AND NOT lines.pending), 0)::bigint AS credits
    FROM ledger_lines AS lines
    WHERE lines.balance_number = balances.number AND lines.posted_at < (SELECT ledger_archived_until())
) AS rest;

-- name: endings_across
-- Entries after the archived months that ended an entry which is in files alone, or kept as a copy of one there.
SELECT
    entries.id,
    entries.target_id,
    entries.kind::text AS kind
FROM ledger_entries AS entries
WHERE
    entries.posted_at >= (SELECT ledger_archived_until())
    AND entries.target_id < (SELECT ledger_archived_below())
    AND NOT EXISTS (
        SELECT FROM ledger_entries AS targets
        WHERE targets.id = entries.target_id AND targets.posted_at >= (SELECT ledger_archived_until())
    );
