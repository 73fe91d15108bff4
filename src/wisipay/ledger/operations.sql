-- The records of named operations and free transfers.
-- noqa: disable=AM09,RF04

-- name: known_operations
-- Records that bear one of the ids $1, keys $2, or orders of a merchant ($3, $4).
SELECT
    operations.*,
    operations.metadata::text AS metadata_text
FROM (
    SELECT given.id FROM unnest($1::text[]) AS given (id)
    UNION
    SELECT (
        SELECT taken.id FROM ledger_operations AS taken
        WHERE taken.idempotency_key = given.key
    )
    FROM unnest($2::text[]) AS given (key)
    UNION
    SELECT (
        SELECT taken.id FROM ledger_operations AS taken
        WHERE taken.merchant_id = given.merchant_id AND taken.order_id = given.order_id
    )
    FROM unnest($3::text[], $4::text[]) AS given (merchant_id, order_id)
) AS wanted
CROSS JOIN LATERAL (
    SELECT found.* FROM ledger_operations AS found
    WHERE found.id = wanted.id OFFSET 0
) AS operations;

-- name: write_operation!
INSERT INTO ledger_operations (
    id, entry_id, recorded_at, name, amount, currency, actor, reason, debit_account_id, credit_account_id, merchant_id,
    channel_id, legal_entity_id, account_type, bank_account_id, pending, timeout_at, narration, payment_mode, utr,
    order_id, value_date, back_dated, idempotency_key, correlation_id, external_reference, metadata
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
    $26, $27::text::jsonb
);

-- name: operation_of_entry
SELECT
    operations.*,
    operations.metadata::text AS metadata_text
FROM ledger_operations AS operations
WHERE operations.entry_id = $1;

-- name: operation
SELECT
    operations.*,
    operations.metadata::text AS metadata_text
FROM ledger_operations AS operations
WHERE operations.id = $1;

-- name: operations_before
-- A page of $2 records, newest first, written before the one numbered $1.
SELECT
    operations.*,
    operations.metadata::text AS metadata_text
FROM ledger_operations AS operations
WHERE operations.sequence < $1
ORDER BY operations.sequence DESC
LIMIT $2;

-- name: merchant_operations_before
-- The same, of the merchant $3 alone.
SELECT
    operations.*,
    operations.metadata::text AS metadata_text
FROM ledger_operations AS operations
WHERE operations.merchant_id = $3 AND operations.sequence < $1
ORDER BY operations.sequence DESC
LIMIT $2;
