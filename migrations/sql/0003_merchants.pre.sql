-- Merchants, their services and fees; legal entities, providers and the channels (PLE) between them; the audit log.
-- Money is paise (bigint), shares are parts per million, times are timestamptz.
-- Names such as "name" and "type" are those of the domain.
-- noqa: disable=RF04

CREATE TABLE audit_log (
    id uuid PRIMARY KEY,
    happened_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL CHECK (actor <> ''),
    action text NOT NULL CHECK (action <> ''),
    entity_type text NOT NULL,
    entity_id text NOT NULL,
    state_before jsonb,
    state_after jsonb,
    reason text,
    request_id text,
    trace_id text
);
CREATE INDEX audit_log_by_entity ON audit_log (entity_type, entity_id, happened_at DESC);
CREATE INDEX audit_log_by_actor ON audit_log (actor, happened_at DESC);
CREATE INDEX audit_log_by_time ON audit_log (happened_at DESC);

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only: % refused', tg_op USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_log_keeps_history BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

CREATE SEQUENCE merchants_number AS bigint;

CREATE TABLE merchants_merchants (
    id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 2 AND 120),
    display_name text NOT NULL CHECK (length(display_name) BETWEEN 2 AND 120),
    email text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE')),
    is_onboarded boolean NOT NULL DEFAULT FALSE,
    secret_enabled boolean NOT NULL DEFAULT TRUE,
    v2_only boolean NOT NULL DEFAULT FALSE,
    legacy_hash_enabled boolean NOT NULL DEFAULT FALSE,
    panel_ip_allowlist text[] NOT NULL DEFAULT '{}' CHECK (cardinality(panel_ip_allowlist) <= 50),
    panel_ip_allowlist_enabled boolean NOT NULL DEFAULT FALSE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT merchants_email_is_unique UNIQUE (email)
);

-- A retired secret stays valid until retires_at, so that a merchant can change keys without losing a request.
CREATE TABLE merchants_secrets (
    id text PRIMARY KEY,
    merchant_id text NOT NULL REFERENCES merchants_merchants (id),
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retires_at timestamptz,
    CHECK (retires_at IS NULL OR retires_at >= created_at)
);
CREATE INDEX merchants_secrets_by_merchant ON merchants_secrets (merchant_id, created_at DESC);
CREATE UNIQUE INDEX merchants_one_current_secret ON merchants_secrets (merchant_id) WHERE retires_at IS NULL;

CREATE TABLE merchants_legal_entities (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(id) <= 40),
    name text NOT NULL CHECK (length(name) BETWEEN 2 AND 120),
    identifier text NOT NULL CHECK (identifier <> ''),
    gstin text,
    bank_account_number text,
    bank_ifsc text,
    bank_name text,
    bank_beneficiary_name text,
    is_active boolean NOT NULL DEFAULT TRUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(bank_account_number, bank_ifsc, bank_name, bank_beneficiary_name) IN (0, 4))
);

CREATE TABLE merchants_providers (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(id) <= 40),
    name text NOT NULL CHECK (length(name) BETWEEN 2 AND 120),
    type text NOT NULL CHECK (type IN ('BANK', 'GATEWAY')),
    adapter text NOT NULL CHECK (adapter <> ''),
    is_active boolean NOT NULL DEFAULT TRUE,
    does_payin boolean NOT NULL DEFAULT TRUE,
    does_payout boolean NOT NULL DEFAULT TRUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE merchants_channels (
    id text PRIMARY KEY,
    provider_id text NOT NULL REFERENCES merchants_providers (id),
    legal_entity_id text NOT NULL REFERENCES merchants_legal_entities (id),
    is_active boolean NOT NULL DEFAULT TRUE,
    is_paused boolean NOT NULL DEFAULT FALSE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT merchants_channel_is_unique UNIQUE (provider_id, legal_entity_id),
    CHECK (id = provider_id || '_' || legal_entity_id)
);

CREATE TABLE merchants_channel_credentials (
    channel_id text PRIMARY KEY REFERENCES merchants_channels (id),
    sealed bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- One row per service of a merchant or of a channel; every limit is optional, null means none.
CREATE TABLE merchants_services (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text REFERENCES merchants_merchants (id),
    channel_id text REFERENCES merchants_channels (id),
    service text NOT NULL CHECK (service IN ('payin', 'payout')),
    is_active boolean NOT NULL DEFAULT FALSE,
    tps integer CHECK (tps BETWEEN 1 AND 1000000),
    min_paise bigint CHECK (min_paise >= 0),
    max_paise bigint CHECK (max_paise >= 1),
    daily_paise bigint CHECK (daily_paise >= 0),
    monthly_paise bigint CHECK (monthly_paise >= 0),
    ip_allowlist text[] NOT NULL DEFAULT '{}' CHECK (cardinality(ip_allowlist) <= 50),
    ip_allowlist_enabled boolean NOT NULL DEFAULT FALSE,
    callback_url text CHECK (length(callback_url) <= 2000),
    poll_immediately boolean NOT NULL DEFAULT FALSE,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(merchant_id, channel_id) = 1),
    CHECK (min_paise IS NULL OR max_paise IS NULL OR min_paise <= max_paise),
    CONSTRAINT merchants_one_service_each UNIQUE NULLS NOT DISTINCT (merchant_id, channel_id, service)
);
CREATE INDEX merchants_services_by_channel ON merchants_services (channel_id) WHERE channel_id IS NOT NULL;

CREATE TABLE merchants_routes (
    service_id bigint NOT NULL REFERENCES merchants_services (id),
    position integer NOT NULL CHECK (position BETWEEN 0 AND 19),
    channel_id text NOT NULL REFERENCES merchants_channels (id),
    PRIMARY KEY (service_id, position),
    CONSTRAINT merchants_channel_once_per_route UNIQUE (service_id, channel_id)
);

-- The exclusion keeps tiers of one service apart; the service id as a one-value range needs no extension.
CREATE TABLE merchants_fee_tiers (
    service_id bigint NOT NULL REFERENCES merchants_services (id),
    from_paise bigint NOT NULL CHECK (from_paise >= 0),
    to_paise bigint CHECK (to_paise >= from_paise AND to_paise < 1000000000000000000),
    flat_paise bigint NOT NULL CHECK (flat_paise >= 0),
    percentage_ppm integer NOT NULL CHECK (percentage_ppm BETWEEN 0 AND 1000000),
    tax_ppm integer NOT NULL CHECK (tax_ppm BETWEEN 0 AND 1000000),
    strategy text NOT NULL CHECK (strategy IN ('SUM', 'MAX', 'MIN')),
    PRIMARY KEY (service_id, from_paise),
    CONSTRAINT merchants_fee_tiers_do_not_overlap EXCLUDE USING gist (
        int8range(service_id, service_id, '[]') WITH &&,
        int8range(from_paise, to_paise, '[]') WITH &&
    )
);

-- Every process keeps a short-lived copy of these tables; a change makes it read them again at once.
CREATE FUNCTION merchants_notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('merchants_changed', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER merchants_merchants_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_merchants
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_secrets_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_secrets
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_legal_entities_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_legal_entities
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_providers_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_providers
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_channels_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_channels
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_channel_credentials_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_channel_credentials
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_services_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_services
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_routes_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_routes
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_fee_tiers_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_fee_tiers
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
