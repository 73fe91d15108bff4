-- What validators said of beneficiaries and what providers said of our money: both are gone by for a while.

-- A beneficiary is known here by a keyed hash of account, IFSC (or VPA) and name: no number and no name is kept.
CREATE TABLE payments_validations (
    beneficiary bytea PRIMARY KEY CHECK (length(beneficiary) = 32),
    channel_id text NOT NULL,
    is_there boolean NOT NULL,
    name_score smallint CHECK (name_score BETWEEN 0 AND 100),
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX payments_validations_by_expiry ON payments_validations (expires_at);

-- The balance that a provider told for a channel's payouts; used_paise is what the channel's payouts had added up to
-- before it was asked, so that what has gone out since can be told.
CREATE TABLE payments_floats (
    channel_id text PRIMARY KEY,
    balance_paise bigint NOT NULL,
    used_paise bigint NOT NULL,
    told_at timestamptz NOT NULL
);
