-- Payments: the transaction rows are also the queue of open intents (due_at, lease).

CREATE TABLE payments_transactions (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 23 AND 30),
    merchant_id text NOT NULL,
    order_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('PAYIN', 'PAYOUT')),
    status text NOT NULL CHECK (status IN ('PENDING', 'PROCESSING', 'SUCCESS', 'FAILED', 'EXPIRED', 'REVERSED')),
    amount_paise bigint NOT NULL CHECK (amount_paise > 0),
    fee_paise bigint NOT NULL CHECK (fee_paise >= 0),
    tax_paise bigint NOT NULL CHECK (tax_paise >= 0),
    net_paise bigint NOT NULL CHECK (net_paise >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    mode text NOT NULL,
    party jsonb NOT NULL,
    remarks text,
    redirect_url text,
    channel_id text NOT NULL,
    provider_id text NOT NULL,
    legal_entity_id text NOT NULL,
    provider_fee_paise bigint NOT NULL CHECK (provider_fee_paise >= 0),
    provider_tax_paise bigint NOT NULL CHECK (provider_tax_paise >= 0),
    usage_day date NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    attempt_started_at timestamptz NOT NULL,
    expires_at timestamptz,
    due_at timestamptz,
    attempt smallint NOT NULL CHECK (attempt >= 0),
    provider_reference text,
    payment_url text,
    utr text,
    flags text[] NOT NULL DEFAULT '{}',
    error_code text,
    error_message text,
    polls integer NOT NULL DEFAULT 0,
    not_found integer NOT NULL DEFAULT 0,
    event_count integer NOT NULL DEFAULT 0,
    callback_count integer NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz,
    CONSTRAINT payments_one_order_per_merchant UNIQUE (merchant_id, order_id),
    CHECK (
        net_paise = CASE kind
            WHEN 'PAYIN' THEN amount_paise - fee_paise - tax_paise
            ELSE amount_paise + fee_paise + tax_paise
        END
    )
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX payments_one_provider_reference
ON payments_transactions (provider_id, provider_reference) WHERE provider_reference IS NOT NULL;

CREATE INDEX payments_due ON payments_transactions (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX payments_flagged ON payments_transactions (id) WHERE flags <> '{}';

CREATE TABLE payments_attempts (
    transaction_id text NOT NULL,
    number smallint NOT NULL CHECK (number >= 1),
    channel_id text NOT NULL,
    provider_id text NOT NULL,
    legal_entity_id text NOT NULL,
    reference text NOT NULL,
    provider_fee_paise bigint NOT NULL,
    provider_tax_paise bigint NOT NULL,
    reason text NOT NULL,
    started_at timestamptz NOT NULL,
    PRIMARY KEY (transaction_id, number)
);

CREATE TABLE payments_events (
    transaction_id text NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    source text NOT NULL,
    before text,
    after text NOT NULL,
    attempt smallint NOT NULL,
    message text NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (transaction_id, number)
);

CREATE TABLE payments_usage (
    subject text NOT NULL,
    period text NOT NULL,
    amount_paise bigint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (subject, period)
) WITH (fillfactor = 50);

CREATE TABLE payments_idempotency (
    merchant_id text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    started_at timestamptz NOT NULL,
    status smallint,
    body bytea,
    PRIMARY KEY (merchant_id, key)
);

CREATE INDEX payments_idempotency_age ON payments_idempotency (started_at);

CREATE FUNCTION payments_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a history: rows are added, never changed or removed', tg_table_name
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER payments_events_are_history BEFORE UPDATE OR DELETE ON payments_events
FOR EACH ROW EXECUTE FUNCTION payments_refuse_change();
CREATE TRIGGER payments_attempts_are_history BEFORE UPDATE OR DELETE ON payments_attempts
FOR EACH ROW EXECUTE FUNCTION payments_refuse_change();
CREATE TRIGGER payments_events_stay BEFORE TRUNCATE ON payments_events
FOR EACH STATEMENT EXECUTE FUNCTION payments_refuse_change();
CREATE TRIGGER payments_attempts_stay BEFORE TRUNCATE ON payments_attempts
FOR EACH STATEMENT EXECUTE FUNCTION payments_refuse_change();

-- The database enforces the table of transitions too: no code path can move a payment backwards.
CREATE FUNCTION payments_check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (old.kind, old.status, new.status) NOT IN (
        ('PAYIN', 'PENDING', 'PROCESSING'), ('PAYIN', 'PENDING', 'SUCCESS'), ('PAYIN', 'PENDING', 'FAILED'),
        ('PAYIN', 'PENDING', 'EXPIRED'), ('PAYIN', 'PROCESSING', 'SUCCESS'), ('PAYIN', 'PROCESSING', 'FAILED'),
        ('PAYIN', 'PROCESSING', 'EXPIRED'), ('PAYIN', 'EXPIRED', 'SUCCESS'), ('PAYIN', 'FAILED', 'SUCCESS'),
        ('PAYIN', 'SUCCESS', 'REVERSED'),
        ('PAYOUT', 'PENDING', 'PROCESSING'), ('PAYOUT', 'PENDING', 'SUCCESS'), ('PAYOUT', 'PENDING', 'FAILED'),
        ('PAYOUT', 'PROCESSING', 'SUCCESS'), ('PAYOUT', 'PROCESSING', 'FAILED'), ('PAYOUT', 'SUCCESS', 'REVERSED'),
        ('PAYOUT', 'FAILED', 'SUCCESS')
    ) THEN
        RAISE EXCEPTION 'payment % may not move from % to %', old.id, old.status, new.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN new;
END
$$;

CREATE TRIGGER payments_moves_along_the_table BEFORE UPDATE OF status ON payments_transactions
FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION payments_check_transition();
