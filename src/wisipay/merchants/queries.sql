-- Names such as "name", "type" and "id" are those of the domain.
-- noqa: disable=RF04

-- name: merchants
SELECT
    m.id,
    m.name,
    m.display_name,
    m.email,
    m.status,
    m.is_onboarded,
    m.secret_enabled,
    m.v2_only,
    m.legacy_hash_enabled,
    m.panel_ip_allowlist,
    m.panel_ip_allowlist_enabled
FROM merchants_merchants AS m
WHERE m.id = any($1::text[])
ORDER BY m.id;

-- name: merchant_ids
SELECT m.id
FROM merchants_merchants AS m
WHERE $1::text IS NULL OR m.id > $1
ORDER BY m.id
LIMIT $2;

-- name: secrets
SELECT
    s.id,
    s.merchant_id,
    s.sealed,
    s.created_at,
    s.retires_at
FROM merchants_secrets AS s
WHERE s.merchant_id = any($1::text[]) AND (s.retires_at IS NULL OR s.retires_at > $2)
ORDER BY s.created_at DESC, s.id DESC;

-- name: services
-- The document has the field names of model.ServiceConfig, which reads it.
SELECT
    s.service,
    coalesce(s.merchant_id, s.channel_id) AS owner_id,
    jsonb_build_object(
        'is_active', s.is_active,
        'limits', jsonb_build_object(
            'tps', s.tps,
            'min_paise', s.min_paise,
            'max_paise', s.max_paise,
            'daily_paise', s.daily_paise,
            'monthly_paise', s.monthly_paise
        ),
        'ip_allowlist', to_jsonb(s.ip_allowlist),
        'ip_allowlist_enabled', s.ip_allowlist_enabled,
        'callback_url', s.callback_url,
        'poll_immediately', s.poll_immediately,
        'routing', coalesce((
            SELECT jsonb_agg(r.channel_id ORDER BY r.position)
            FROM merchants_routes AS r
            WHERE r.service_id = s.id
        ), '[]'::jsonb),
        'tiers', coalesce((
            SELECT
                jsonb_agg(jsonb_build_object(
                    'from_paise', t.from_paise,
                    'to_paise', t.to_paise,
                    'charge', jsonb_build_object(
                        'flat_paise', t.flat_paise,
                        'percentage_ppm', t.percentage_ppm,
                        'tax_ppm', t.tax_ppm,
                        'strategy', t.strategy
                    )
                ) ORDER BY t.from_paise)
            FROM merchants_fee_tiers AS t
            WHERE t.service_id = s.id
        ), '[]'::jsonb)
    )::text AS document
FROM merchants_services AS s
WHERE s.merchant_id = any($1::text[]) OR s.channel_id = any($2::text[]);

-- name: channels
SELECT
    c.id,
    c.provider_id,
    c.legal_entity_id,
    p.name AS provider_name,
    p.type AS provider_type,
    p.adapter,
    c.is_paused,
    c.pause_reason,
    p.does_payin,
    p.does_payout,
    (c.is_active AND p.is_active AND e.is_active) AS is_active
FROM merchants_channels AS c
INNER JOIN merchants_providers AS p ON c.provider_id = p.id
INNER JOIN merchants_legal_entities AS e ON c.legal_entity_id = e.id
ORDER BY c.id;

-- name: credentials
SELECT
    p.adapter,
    k.sealed
FROM merchants_channels AS c
INNER JOIN merchants_providers AS p ON c.provider_id = p.id
LEFT JOIN merchants_channel_credentials AS k ON c.id = k.channel_id
WHERE c.id = $1;

-- name: next_merchant_number
SELECT nextval('merchants_number') AS number;

-- name: skip_merchant_numbers
SELECT setval('merchants_number', greatest($1::bigint, (SELECT n.last_value FROM merchants_number AS n))) AS number;

-- name: insert_merchant
INSERT INTO merchants_merchants (id, name, display_name, email, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: taken_by
SELECT
    (m.id = $1) AS by_id,
    (m.email = $2) AS by_email
FROM merchants_merchants AS m
WHERE m.id = $1 OR m.email = $2
ORDER BY by_id DESC
LIMIT 1;

-- name: lock_merchant
SELECT
    m.display_name,
    m.status,
    m.is_onboarded,
    m.secret_enabled,
    m.v2_only,
    m.legacy_hash_enabled,
    m.panel_ip_allowlist,
    m.panel_ip_allowlist_enabled
FROM merchants_merchants AS m
WHERE m.id = $1
FOR UPDATE;

-- name: set_merchant
UPDATE merchants_merchants
SET
    display_name = coalesce($2, display_name),
    status = coalesce($3, status),
    is_onboarded = coalesce($4, is_onboarded),
    secret_enabled = coalesce($5, secret_enabled),
    v2_only = coalesce($6, v2_only),
    legacy_hash_enabled = coalesce($7, legacy_hash_enabled),
    panel_ip_allowlist = coalesce($8, panel_ip_allowlist),
    panel_ip_allowlist_enabled = coalesce($9, panel_ip_allowlist_enabled),
    updated_at = $10
WHERE id = $1
RETURNING
    display_name,
    status,
    is_onboarded,
    secret_enabled,
    v2_only,
    legacy_hash_enabled,
    panel_ip_allowlist,
    panel_ip_allowlist_enabled;

-- name: retire_secrets
UPDATE merchants_secrets
SET retires_at = least(coalesce(retires_at, $2), $2)
WHERE merchant_id = $1 AND (retires_at IS NULL OR retires_at > $2);

-- name: insert_secret
INSERT INTO merchants_secrets (id, merchant_id, sealed, created_at) VALUES ($1, $2, $3, $4);

-- name: insert_service
INSERT INTO merchants_services (merchant_id, channel_id, service, is_active, tps, daily_paise, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: lock_service
SELECT
    s.id,
    s.is_active,
    s.tps,
    s.min_paise,
    s.max_paise,
    s.daily_paise,
    s.monthly_paise,
    s.ip_allowlist,
    s.ip_allowlist_enabled,
    s.callback_url,
    s.poll_immediately
FROM merchants_services AS s
WHERE s.merchant_id IS NOT DISTINCT FROM $1 AND s.channel_id IS NOT DISTINCT FROM $2 AND s.service = $3
FOR UPDATE;

-- name: update_service
UPDATE merchants_services
SET
    is_active = $2,
    tps = $3,
    min_paise = $4,
    max_paise = $5,
    daily_paise = $6,
    monthly_paise = $7,
    ip_allowlist = $8,
    ip_allowlist_enabled = $9,
    callback_url = $10,
    poll_immediately = $11,
    updated_at = $12
WHERE id = $1;

-- name: insert_tier
INSERT INTO merchants_fee_tiers (service_id, from_paise, to_paise, flat_paise, percentage_ppm, tax_ppm, strategy)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: delete_tier
DELETE FROM merchants_fee_tiers
WHERE service_id = $1 AND from_paise = $2;

-- name: tiers
SELECT
    t.from_paise,
    t.to_paise,
    t.flat_paise,
    t.percentage_ppm,
    t.tax_ppm,
    t.strategy
FROM merchants_fee_tiers AS t
WHERE t.service_id = $1
ORDER BY t.from_paise;

-- name: route
SELECT r.channel_id
FROM merchants_routes AS r
WHERE r.service_id = $1
ORDER BY r.position;

-- name: delete_route
DELETE FROM merchants_routes
WHERE service_id = $1;

-- name: insert_route
INSERT INTO merchants_routes (service_id, position, channel_id)
SELECT
    $1 AS service_id,
    u.number - 1 AS position,
    u.channel_id
FROM unnest($2::text[]) WITH ORDINALITY AS u (channel_id, number);

-- name: insert_provider
INSERT INTO merchants_providers (id, name, type, adapter, is_active, does_payin, does_payout, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: providers
SELECT
    p.id,
    p.name,
    p.type,
    p.adapter,
    p.is_active,
    p.does_payin,
    p.does_payout
FROM merchants_providers AS p
WHERE $1::text IS NULL OR p.id = $1
ORDER BY p.id
LIMIT 1000;

-- name: insert_legal_entity
INSERT INTO merchants_legal_entities (
    id, name, identifier, gstin, bank_account_number, bank_ifsc, bank_name, bank_beneficiary_name, is_active,
    created_at, updated_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: legal_entities
SELECT
    e.id,
    e.name,
    e.identifier,
    e.gstin,
    e.bank_account_number,
    e.bank_ifsc,
    e.bank_name,
    e.bank_beneficiary_name,
    e.is_active
FROM merchants_legal_entities AS e
WHERE $1::text IS NULL OR e.id = $1
ORDER BY e.id
LIMIT 1000;

-- name: insert_channel
INSERT INTO merchants_channels (id, provider_id, legal_entity_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $4)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: lock_channel
SELECT
    c.is_active,
    c.is_paused,
    c.pause_reason
FROM merchants_channels AS c
WHERE c.id = $1
FOR UPDATE;

-- name: set_channel
UPDATE merchants_channels
SET
    is_active = coalesce($2, is_active),
    is_paused = coalesce($3, is_paused),
    pause_reason = CASE WHEN $3 THEN $5 WHEN $3 IS NULL THEN pause_reason END,
    updated_at = $4
WHERE id = $1;

-- name: set_credentials
INSERT INTO merchants_channel_credentials (channel_id, sealed, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (channel_id) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at;
