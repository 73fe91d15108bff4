-- The outbox of callbacks to merchants. The rows are the queue: a row is written in the commit that changes the
-- transaction, claimed by a worker, delivered, and kept as the record of what the merchant was told.

CREATE TABLE callbacks_outbox (
    event_id uuid PRIMARY KEY, -- the webhook-id of every attempt
    position bigint GENERATED ALWAYS AS IDENTITY, -- order of the events of one transaction
    merchant_id text COLLATE "C" NOT NULL, -- the order in which workers go round the merchants, in Python too
    transaction_id text NOT NULL,
    order_id text NOT NULL,
    type text NOT NULL CHECK (type IN ('PAYIN', 'PAYOUT')),
    status text NOT NULL,
    amount_paise bigint NOT NULL CHECK (amount_paise >= 0),
    currency text NOT NULL,
    utr text,
    url text,
    occurred_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('WAITING', 'DELIVERED', 'DEAD', 'NO_URL', 'SWITCHED_OFF')),
    -- Not before this moment. A claim moves it to the end of the lease, so a leased row is simply not due, and the
    -- row of a killed worker falls due again without anybody's help.
    due_at timestamptz NOT NULL,
    lease_token uuid,
    attempts integer NOT NULL DEFAULT 0, -- since it was enqueued or last replayed
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
) WITH (
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
);

-- Serves the two halves of a fair claim: hopping from merchant to merchant, and the oldest due rows of each.
CREATE INDEX callbacks_outbox_waiting ON callbacks_outbox (merchant_id, due_at) WHERE state = 'WAITING';
-- Serves the order inside a transaction, and the transaction's page.
CREATE INDEX callbacks_outbox_transaction ON callbacks_outbox (transaction_id, position);
-- Serves a merchant's list and replay of a range.
CREATE INDEX callbacks_outbox_merchant ON callbacks_outbox (merchant_id, position);
-- Serves the list of what needs a person.
CREATE INDEX callbacks_outbox_dead ON callbacks_outbox (position) WHERE state IN ('DEAD', 'SWITCHED_OFF');

-- Every attempt ever made, also those whose worker lost its lease meanwhile. Without a foreign key: a row here must
-- never be lost to, nor wait for, the row of its event. The key makes recording an attempt twice harmless.
CREATE TABLE callbacks_attempts (
    event_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    lease_token uuid NOT NULL,
    url text,
    outcome text NOT NULL CHECK (outcome IN ('DELIVERED', 'RETRY', 'DEAD', 'SWITCHED_OFF')),
    http_status integer,
    latency_ms integer NOT NULL CHECK (latency_ms >= 0),
    answer bytea NOT NULL DEFAULT ''::bytea CHECK (octet_length(answer) <= 1024),
    error text,
    PRIMARY KEY (event_id, started_at, lease_token)
);

-- Endpoints that answered 410 Gone. A merchant that sets another URL is served at once: the URL is part of the key.
CREATE TABLE callbacks_switched_off (
    merchant_id text NOT NULL,
    type text NOT NULL CHECK (type IN ('PAYIN', 'PAYOUT')),
    url text NOT NULL,
    reason text NOT NULL,
    switched_off_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, type, url)
);
