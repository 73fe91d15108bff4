-- Sealing and verifying. Records are read by ranges of their number in the order of writing.
-- noqa: disable=AM09,RF04

-- name: last_sequence
-- The last number given out; read before `writers`, never together with it.
SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS last_value FROM ledger_entries_sequence_seq;

-- name: writers
-- The transactions that may have drawn a number and not ended yet: a writer holds this lock from before it draws until its
-- rows can be seen, or never will.
SELECT
    locks.virtualtransaction AS writer,
    locks.pid
FROM pg_catalog.pg_locks AS locks
WHERE
    locks.locktype = 'relation'
    AND locks.mode = 'RowExclusiveLock'
    AND locks.granted
    AND locks.database = (
        SELECT databases.oid FROM pg_catalog.pg_database AS databases
        WHERE databases.datname = current_database()
    )
    AND locks.relation IN ('ledger_entries'::regclass, 'ledger_account_events'::regclass);

-- name: try_seal_lock$
SELECT pg_try_advisory_lock(hashtext('wisipay ledger sealer'), 'ledger_seal_blocks'::regclass::oid::integer);

-- name: seal_unlock!
SELECT pg_advisory_unlock(hashtext('wisipay ledger sealer'), 'ledger_seal_blocks'::regclass::oid::integer);

-- name: last_block
SELECT blocks.* FROM ledger_seal_blocks AS blocks
ORDER BY blocks.number DESC
LIMIT 1;

-- name: blocks_after
SELECT blocks.* FROM ledger_seal_blocks AS blocks
WHERE blocks.number > $1
ORDER BY blocks.number
LIMIT $2;

-- name: write_block!
INSERT INTO ledger_seal_blocks (
    number, first_position, records, through_sequence, sealed_at, previous_hash, start_hash, hash, identities, digests
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: next_sequence
-- The first number after $1 that a record bears, up to $2.
SELECT min(found.sequence) AS sequence
FROM (
    SELECT min(entries.sequence) AS sequence FROM ledger_entries AS entries
    WHERE entries.sequence > $1 AND entries.sequence <= $2
    UNION ALL
    SELECT min(events.sequence) FROM ledger_account_events AS events
    WHERE events.sequence > $1 AND events.sequence <= $2
) AS found;

-- name: summarize_order
-- Brings the index over the order of writing up to date; for its owner only, others read a little more.
SELECT brin_summarize_new_values(parts.indexrelid)
FROM (
    SELECT indexes.indexrelid
    FROM pg_catalog.pg_partition_tree('ledger_entries'::regclass) AS tree
    INNER JOIN pg_catalog.pg_index AS indexes ON tree.relid = indexes.indrelid
    INNER JOIN pg_catalog.pg_class AS classes ON indexes.indexrelid = classes.oid
    INNER JOIN pg_catalog.pg_am AS methods ON classes.relam = methods.oid
    WHERE tree.isleaf AND methods.amname = 'brin' AND pg_has_role(classes.relowner, 'USAGE')
) AS parts;

-- name: entries_between
-- The columns of `EntryRecord` in order, then the counter rows and amounts of the lines.
SELECT
    entries.sequence,
    entries.id,
    entries.kind::text,
    entries.posted_at,
    entries.currency,
    entries.target_id,
    entries.timeout_at,
    entries.value_date,
    entries.narration,
    entries.external_reference,
    entries.correlation_id,
    entries.idempotency_key,
    entries.metadata::text,
    entries.balance_numbers,
    entries.amounts
FROM ledger_entries AS entries
WHERE entries.sequence > $1 AND entries.sequence <= $2
ORDER BY entries.sequence, entries.id;

-- name: account_events_between
-- The columns of `AccountEventRecord` in order.
SELECT
    events.sequence,
    events.account_number,
    events.kind,
    events.happened_at,
    events.account_id,
    events.currency,
    events.stripes,
    events.parent_id,
    events.balance_numbers,
    events.status_before,
    events.status,
    events.min_balance_before,
    events.min_balance
FROM ledger_account_events AS events
WHERE events.sequence > $1 AND events.sequence <= $2
ORDER BY events.sequence;

-- name: lines_in_runs
-- The lines of counter rows $1 posted from $2 to $3, fields of fixed width in the order of reader.py. LIMIT-free and OFFSET 0:
-- one walk along the key per run.
SELECT
    lines.entry_id,
    lines.number,
    lines.balance_number,
    lines.amount,
    lines.balance_after,
    lines.account_line,
    lines.pending
FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[]) AS runs (balance_number, first_at, last_at)
CROSS JOIN LATERAL (
    SELECT found.* FROM ledger_lines AS found
    WHERE
        found.balance_number = runs.balance_number
        AND found.posted_at >= runs.first_at
        AND found.posted_at <= runs.last_at
    OFFSET 0
) AS lines;

-- name: lines_at
-- The lines that have the numbers $4 in the entries $3, posted at $2, on the counter rows $1: their place there, the balance
-- they leave, and by how much they moved it.
SELECT
    wanted.balance_number,
    lines.account_line,
    lines.balance_after,
    CASE WHEN lines.pending THEN 0 ELSE lines.amount END AS moved
FROM
    unnest($1::integer[], $2::timestamptz[], $3::uuid[], $4::smallint[])
        AS wanted (balance_number, posted_at, entry_id, number)
CROSS JOIN LATERAL (
    SELECT found.* FROM ledger_lines AS found
    WHERE
        found.balance_number = wanted.balance_number
        AND found.posted_at = wanted.posted_at
        AND found.entry_id = wanted.entry_id
        AND found.number = wanted.number
    ORDER BY found.account_line
    LIMIT 1
) AS lines;

-- name: lines_there
-- How many of these lines are there: on the counter rows $1, posted at $2, in the places $3, leaving the balances $4.
SELECT count(lines.balance_after)
FROM
    unnest($1::integer[], $2::timestamptz[], $3::bigint[], $4::bigint[])
        AS told (balance_number, posted_at, account_line, balance_after)
CROSS JOIN LATERAL (
    SELECT found.balance_after FROM ledger_lines AS found
    WHERE
        found.balance_number = told.balance_number
        AND found.posted_at = told.posted_at
        AND found.account_line = told.account_line
        AND found.balance_after = told.balance_after
    OFFSET 0
) AS lines;

-- name: counter_rows
-- Whose counter rows these are.
SELECT
    balances.number,
    accounts.id AS account_id,
    balances.stripe
FROM ledger_balances AS balances
INNER JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
WHERE balances.number = any($1::integer[]);

-- name: operations_of_entries
-- The columns of `OperationContent` in order.
SELECT
    operations.id,
    operations.sequence,
    operations.entry_id,
    operations.recorded_at,
    operations.name,
    operations.amount,
    operations.currency,
    operations.actor,
    operations.reason,
    operations.debit_account_id,
    operations.credit_account_id,
    operations.merchant_id,
    operations.channel_id,
    operations.legal_entity_id,
    operations.account_type,
    operations.bank_account_id,
    operations.pending,
    operations.timeout_at,
    operations.narration,
    operations.payment_mode,
    operations.utr,
    operations.order_id,
    operations.value_date,
    operations.back_dated,
    operations.idempotency_key,
    operations.correlation_id,
    operations.external_reference,
    operations.metadata::text
FROM ledger_operations AS operations
WHERE operations.entry_id = any($1::uuid[]);
