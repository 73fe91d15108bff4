-- The record of every named operation and free transfer: who moved what, when, why, and by which entry. History: rows are
-- only ever added; what became of an operation is told by its entry.
-- noqa: disable=RF04

CREATE TABLE ledger_operations (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    entry_id uuid NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL,
    name text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    actor text NOT NULL CHECK (actor <> ''),
    reason text NOT NULL,
    debit_account_id text NOT NULL,
    credit_account_id text NOT NULL,
    merchant_id text,
    channel_id text,
    legal_entity_id text,
    account_type text,
    bank_account_id text,
    pending boolean NOT NULL,
    timeout_at timestamptz,
    narration text NOT NULL,
    payment_mode text,
    utr text,
    order_id text,
    value_date date,
    back_dated boolean NOT NULL,
    idempotency_key text UNIQUE,
    correlation_id text,
    external_reference text,
    metadata jsonb NOT NULL,
    CHECK (NOT back_dated OR value_date IS NOT NULL)
);

CREATE UNIQUE INDEX ledger_operations_order ON ledger_operations (merchant_id, order_id)
WHERE merchant_id IS NOT NULL AND order_id IS NOT NULL;

CREATE INDEX ledger_operations_of_merchant ON ledger_operations (merchant_id, sequence) WHERE merchant_id IS NOT NULL;

CREATE TRIGGER ledger_operations_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_operations
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
