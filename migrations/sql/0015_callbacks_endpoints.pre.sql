-- Endpoints beyond the callback URLs of a merchant's services. A delivery is one event on its way to one of them: its
-- row is written with the event, is its own queue as the outbox is, and orders the events of one transaction per
-- endpoint. A merchant without endpoints has no rows here. Old processes write events without deliveries: endpoints are
-- to be added once they are gone, and what was missed is replayed.

CREATE TABLE callbacks_endpoints (
    id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    url text NOT NULL,
    description text NOT NULL DEFAULT '',
    wanted text[] NOT NULL DEFAULT '{}', -- 'PAYIN.SUCCESS', 'PAYOUT.*'; empty for every event
    status text NOT NULL CHECK (status IN ('ENABLED', 'DISABLED', 'REMOVED')), -- removed ones stay, for their proofs
    disabled_reason text,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE INDEX callbacks_endpoints_merchant ON callbacks_endpoints (merchant_id) WHERE status <> 'REMOVED';

CREATE TABLE callbacks_endpoint_secrets (
    id text COLLATE "C" PRIMARY KEY,
    endpoint_id text COLLATE "C" NOT NULL REFERENCES callbacks_endpoints (id),
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retires_at timestamptz -- signs beside the newer one until then
);

CREATE INDEX callbacks_endpoint_secrets_endpoint ON callbacks_endpoint_secrets (endpoint_id);

CREATE TABLE callbacks_deliveries (
    event_id uuid NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    transaction_id text NOT NULL,
    position bigint NOT NULL, -- that of the event in the outbox
    -- PAUSED was on its way when its endpoint was switched off, and goes on with it; SWITCHED_OFF came while it was off.
    state text NOT NULL CHECK (state IN ('WAITING', 'PAUSED', 'DELIVERED', 'DEAD', 'SWITCHED_OFF', 'CANCELLED')),
    due_at timestamptz NOT NULL, -- as in the outbox: a claim moves it to the end of its lease
    lease_token uuid,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (event_id, endpoint_id)
) WITH (
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
);

-- Serves the two halves of a fair claim: hopping from endpoint to endpoint, and the oldest due rows of each.
CREATE INDEX callbacks_deliveries_waiting ON callbacks_deliveries (endpoint_id, due_at) WHERE state = 'WAITING';
-- Serves the order inside a transaction.
CREATE INDEX callbacks_deliveries_transaction ON callbacks_deliveries (transaction_id, endpoint_id, position);
-- Serves what goes on when its endpoint is switched on.
CREATE INDEX callbacks_deliveries_paused ON callbacks_deliveries (endpoint_id, position) WHERE state = 'PAUSED';
-- Serves an endpoint's list, and replay of a range.
CREATE INDEX callbacks_deliveries_endpoint ON callbacks_deliveries (endpoint_id, position);

-- Every attempt at a delivery, as callbacks_attempts keeps those at the callback URL.
CREATE TABLE callbacks_delivery_attempts (
    event_id uuid NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL,
    lease_token uuid NOT NULL,
    url text,
    outcome text NOT NULL CHECK (outcome IN ('DELIVERED', 'RETRY', 'DEAD', 'SWITCHED_OFF')),
    http_status integer,
    latency_ms integer NOT NULL CHECK (latency_ms >= 0),
    answer bytea NOT NULL DEFAULT ''::bytea CHECK (octet_length(answer) <= 1024),
    error text,
    body_sha256 bytea CHECK (octet_length(body_sha256) = 32),
    signed_by text,
    PRIMARY KEY (event_id, endpoint_id, started_at, lease_token)
);

-- What an attempt proves: the digest of the body it sent, and the ids of the secrets that signed, newest first. NULL
-- where nothing was sent, and for attempts of the release before.
ALTER TABLE callbacks_attempts
ADD COLUMN body_sha256 bytea,
ADD COLUMN signed_by text;

-- Addresses of which every attempt fails at present, and since when: the endpoint's id, or PAYIN or PAYOUT for the
-- callback URL of that service. A row goes with the first success.
CREATE TABLE callbacks_failing (
    merchant_id text NOT NULL,
    endpoint_id text NOT NULL,
    url text NOT NULL,
    failing_since timestamptz NOT NULL,
    failures bigint NOT NULL,
    PRIMARY KEY (merchant_id, endpoint_id, url)
);

-- What happened to an endpoint or callback URL, for its merchant to read.
CREATE TABLE callbacks_endpoint_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text NOT NULL,
    endpoint_id text NOT NULL,
    url text NOT NULL,
    what text NOT NULL,
    reason text,
    happened_at timestamptz NOT NULL
);

CREATE INDEX callbacks_endpoint_events_endpoint ON callbacks_endpoint_events (merchant_id, endpoint_id, id);
