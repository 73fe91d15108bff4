-- What routing goes by: rules, hours of a mode, maintenance windows, stated floats, and why a channel is paused.
-- Money is paise, minutes are those of the Indian day. Every change is told like any other of merchants.

ALTER TABLE merchants_channels ADD COLUMN pause_reason text CHECK (length(pause_reason) <= 500);

-- A rule without a merchant holds for all. Empty lists and nulls mean any. Numbered channels (channels, weights) are
-- those that a rule leads to or, where it avoids, keeps away from; none means the merchant's own route.
CREATE TABLE merchants_routing_rules (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text REFERENCES merchants_merchants (id),
    service text NOT NULL CHECK (service IN ('payin', 'payout')),
    priority integer NOT NULL CHECK (priority BETWEEN 1 AND 10000),
    action text NOT NULL CHECK (action IN ('order', 'weight', 'success', 'cost', 'avoid')),
    channels text[] NOT NULL CHECK (cardinality(channels) <= 50),
    weights integer[] NOT NULL CHECK (cardinality(weights) IN (0, cardinality(channels))),
    is_exclusive boolean NOT NULL,
    modes text[] NOT NULL CHECK (cardinality(modes) <= 10),
    banks text[] NOT NULL CHECK (cardinality(banks) <= 100),
    from_paise bigint CHECK (from_paise >= 0),
    to_paise bigint CHECK (to_paise >= 0),
    from_minute smallint CHECK (from_minute BETWEEN 0 AND 1439),
    to_minute smallint CHECK (to_minute BETWEEN 1 AND 1440),
    note text CHECK (length(note) <= 500),
    created_at timestamptz NOT NULL,
    CHECK (from_paise IS NULL OR to_paise IS NULL OR from_paise <= to_paise),
    CHECK (num_nonnulls(from_minute, to_minute) IN (0, 2)),
    CHECK (action <> 'avoid' OR cardinality(channels) > 0)
);

-- When a channel takes a mode of a service: cut-off times. A mode without a row is always taken.
CREATE TABLE merchants_channel_hours (
    channel_id text NOT NULL REFERENCES merchants_channels (id),
    service text NOT NULL CHECK (service IN ('payin', 'payout')),
    mode text NOT NULL CHECK (length(mode) BETWEEN 2 AND 20),
    from_minute smallint NOT NULL CHECK (from_minute BETWEEN 0 AND 1439),
    to_minute smallint NOT NULL CHECK (to_minute BETWEEN 1 AND 1440),
    PRIMARY KEY (channel_id, service, mode)
);

CREATE TABLE merchants_maintenance (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id text NOT NULL REFERENCES merchants_channels (id),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500)
);
CREATE INDEX merchants_maintenance_by_end ON merchants_maintenance (ends_at);

-- What a provider holds of ours for payouts, as somebody stated it; used_paise is what the channel's payouts had added up
-- to then, so that what has gone out since can be told.
CREATE TABLE merchants_floats (
    channel_id text PRIMARY KEY REFERENCES merchants_channels (id),
    balance_paise bigint NOT NULL CHECK (balance_paise >= 0),
    reserve_paise bigint NOT NULL CHECK (reserve_paise >= 0),
    used_paise bigint NOT NULL,
    stated_at timestamptz NOT NULL
);

CREATE TRIGGER merchants_routing_rules_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_routing_rules
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_channel_hours_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_channel_hours
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_maintenance_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_maintenance
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
CREATE TRIGGER merchants_floats_changed AFTER INSERT OR UPDATE OR DELETE ON merchants_floats
FOR EACH STATEMENT EXECUTE FUNCTION merchants_notify_change();
