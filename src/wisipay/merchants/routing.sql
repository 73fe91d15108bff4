-- Rules, hours, maintenance windows and floats: what routing goes by and an operator sets.

-- name: routing_rules
-- In the order in which they are looked at: a merchant's own before those for all.
SELECT
    r.id,
    r.merchant_id,
    r.service,
    r.priority,
    r.action,
    r.channels,
    r.weights,
    r.is_exclusive,
    r.modes,
    r.banks,
    r.from_paise,
    r.to_paise,
    r.from_minute,
    r.to_minute,
    r.note
FROM merchants_routing_rules AS r
ORDER BY (r.merchant_id IS NULL), r.priority, r.id;

-- name: insert_rule
INSERT INTO merchants_routing_rules (
    merchant_id, service, priority, action, channels, weights, is_exclusive, modes, banks, from_paise, to_paise,
    from_minute, to_minute, note, created_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
RETURNING id;

-- name: delete_rule
DELETE FROM merchants_routing_rules
WHERE id = $1
RETURNING *;

-- name: hours
SELECT
    h.channel_id,
    h.service,
    h.mode,
    h.from_minute,
    h.to_minute
FROM merchants_channel_hours AS h
ORDER BY h.channel_id, h.service, h.mode;

-- name: delete_hours
DELETE FROM merchants_channel_hours
WHERE channel_id = $1 AND service = $2 AND mode = $3
RETURNING from_minute, to_minute;

-- name: insert_hours
INSERT INTO merchants_channel_hours (channel_id, service, mode, from_minute, to_minute) VALUES ($1, $2, $3, $4, $5);

-- name: maintenance
SELECT
    m.id,
    m.channel_id,
    m.starts_at,
    m.ends_at,
    m.reason
FROM merchants_maintenance AS m
WHERE m.ends_at > now()
ORDER BY m.starts_at, m.id
LIMIT 10000;

-- name: insert_maintenance
INSERT INTO merchants_maintenance (channel_id, starts_at, ends_at, reason) VALUES ($1, $2, $3, $4)
RETURNING id;

-- name: delete_maintenance
DELETE FROM merchants_maintenance
WHERE id = $1
RETURNING channel_id, starts_at, ends_at;

-- name: floats
SELECT
    f.channel_id,
    f.balance_paise,
    f.reserve_paise,
    f.used_paise,
    f.stated_at
FROM merchants_floats AS f;

-- name: delete_float
DELETE FROM merchants_floats
WHERE channel_id = $1
RETURNING balance_paise, reserve_paise;

-- name: insert_float
INSERT INTO merchants_floats (channel_id, balance_paise, reserve_paise, used_paise, stated_at)
VALUES ($1, $2, $3, $4, $5);
