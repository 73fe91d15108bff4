-- Reconciliation: how a provider's settlement file is read, what it said line by line, what matched, and what differs.
-- All money is paise. Rows of files are kept without names, accounts or anything else of a person.
-- Names such as "kind" and "format" are those of the domain.
-- noqa: disable=RF04

-- What payments publish for others to compare with: one row for each provider call that was begun.
-- A call that is not the payment's present one was given up for certain, therefore FAILED.
CREATE VIEW payments_calls AS
SELECT
    t.id AS transaction_id,
    a.number AS attempt,
    a.reference,
    a.channel_id,
    t.kind,
    CASE WHEN a.number = t.attempt THEN t.status ELSE 'FAILED' END AS status,
    t.amount_paise,
    a.provider_fee_paise,
    a.provider_tax_paise,
    a.number = t.attempt AS is_present,
    t.provider_id AS present_provider_id,
    t.provider_reference AS present_provider_reference,
    t.utr AS present_utr,
    t.created_at
FROM payments_transactions AS t
INNER JOIN payments_attempts AS a ON t.id = a.transaction_id;

-- Payments are stored in order of their creation, so that this index of a few pages finds those of a day. Building it
-- reads the whole table while nobody can write to it; a large installation builds it before, without that (IF NOT
-- EXISTS; docs/operations/reconciliation.md).
CREATE INDEX IF NOT EXISTS payments_by_creation ON payments_transactions USING brin (created_at);

-- A mapping is never changed: a correction is a further version.
CREATE TABLE reconciliation_mappings (
    provider_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('PAYIN', 'PAYOUT')),
    version integer NOT NULL CHECK (version >= 1),
    mapping jsonb NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (provider_id, kind, version)
);

CREATE TABLE reconciliation_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id text NOT NULL,
    provider_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('PAYIN', 'PAYOUT')),
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    file_name text NOT NULL,
    file_sha256 bytea NOT NULL CHECK (length(file_sha256) = 32),
    mapping_version integer NOT NULL,
    state text NOT NULL CHECK (state IN ('LOADING', 'LOADED', 'MATCHED', 'BROKEN', 'WITHDRAWN')),
    loaded_to_line bigint NOT NULL DEFAULT 0,
    row_count bigint NOT NULL DEFAULT 0,
    skipped_count bigint NOT NULL DEFAULT 0,
    broken_count bigint NOT NULL DEFAULT 0,
    matched_count bigint NOT NULL DEFAULT 0,
    file_paise bigint NOT NULL DEFAULT 0,
    matched_paise bigint NOT NULL DEFAULT 0,
    author text NOT NULL,
    created_at timestamptz NOT NULL,
    matched_at timestamptz,
    FOREIGN KEY (provider_id, kind, mapping_version) REFERENCES reconciliation_mappings (provider_id, kind, version)
);
-- The same file is the same run, unless an operator withdrew it.
CREATE UNIQUE INDEX reconciliation_one_run_per_file
ON reconciliation_runs (channel_id, kind, file_sha256) WHERE state <> 'WITHDRAWN';

CREATE TABLE reconciliation_rows (
    run_id bigint NOT NULL,
    line bigint NOT NULL,
    reference text,
    provider_reference text,
    utr text,
    amount_paise bigint NOT NULL CHECK (amount_paise > 0),
    fee_paise bigint,
    tax_paise bigint,
    status text NOT NULL,
    PRIMARY KEY (run_id, line)
);

CREATE TABLE reconciliation_broken (
    run_id bigint NOT NULL,
    line bigint NOT NULL,
    problem text NOT NULL,
    PRIMARY KEY (run_id, line)
);

-- Which provider call a row speaks of, and by what it was found.
CREATE TABLE reconciliation_matches (
    run_id bigint NOT NULL,
    line bigint NOT NULL,
    transaction_id text NOT NULL,
    attempt smallint NOT NULL,
    matched_by text NOT NULL CHECK (matched_by IN ('REFERENCE', 'PROVIDER_REFERENCE', 'UTR')),
    PRIMARY KEY (run_id, line)
);
CREATE INDEX reconciliation_matches_by_payment ON reconciliation_matches (transaction_id, attempt);

CREATE TABLE reconciliation_differences (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES reconciliation_runs (id),
    kind text NOT NULL CHECK (kind IN ('MISSING', 'EXTRA', 'AMOUNT', 'FEE', 'STATUS', 'DUPLICATE')),
    line bigint,
    transaction_id text,
    attempt smallint,
    ours text,
    theirs text,
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'CLAIMED', 'RESOLVED')),
    action text,
    note text,
    decided_by text,
    decided_at timestamptz,
    found_in_run_id bigint,
    CHECK ((kind = 'MISSING') = (line IS NULL)),
    CHECK ((kind = 'EXTRA') <= (transaction_id IS NULL)),
    CHECK (num_nonnulls(action, note, decided_by, decided_at) IN (0, 4)),
    CHECK ((state = 'OPEN') = (action IS NULL))
);
CREATE INDEX reconciliation_differences_by_run ON reconciliation_differences (run_id, id);
CREATE INDEX reconciliation_missing_by_payment
ON reconciliation_differences (transaction_id) WHERE kind = 'MISSING' AND state <> 'RESOLVED';
