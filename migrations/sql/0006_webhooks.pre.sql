-- The inbox of providers' webhooks, as they came. The rows are the queue: stored before they are answered, claimed by a
-- worker, handed to payments, and kept as the record of what the provider said.

CREATE TABLE webhooks_inbox (
    webhook_id uuid PRIMARY KEY, -- time-ordered, ours
    route text NOT NULL CHECK (route IN ('payin', 'payout', 'common')),
    provider_id text NOT NULL,
    legal_entity_id text, -- NULL: the provider calls one address for all its legal entities
    headers jsonb NOT NULL,
    body bytea NOT NULL CHECK (octet_length(body) <= 65536),
    peer_address text,
    received_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'DONE', 'DEAD')),
    -- Not before this moment. A claim moves it to the end of the lease, so a leased row is simply not due, and the
    -- row of a killed worker falls due again without anybody's help.
    due_at timestamptz NOT NULL,
    lease_token uuid,
    attempts integer NOT NULL DEFAULT 0, -- since it was received or last replayed
    result text, -- what became of its words, in their order, comma-separated
    last_error text,
    finished_at timestamptz
) WITH (
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX webhooks_inbox_waiting ON webhooks_inbox (due_at) WHERE state = 'WAITING';
CREATE INDEX webhooks_inbox_dead ON webhooks_inbox (webhook_id) WHERE state = 'DEAD';
CREATE INDEX webhooks_inbox_provider ON webhooks_inbox (provider_id, webhook_id);
