-- name: kept
SELECT
    v.channel_id,
    v.is_there,
    v.name_score,
    v.asked_at
FROM payments_validations AS v
WHERE v.beneficiary = $1 AND v.expires_at > $2;

-- name: keep
INSERT INTO payments_validations (beneficiary, channel_id, is_there, name_score, asked_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (beneficiary) DO UPDATE SET
    channel_id = excluded.channel_id,
    is_there = excluded.is_there,
    name_score = excluded.name_score,
    asked_at = excluded.asked_at,
    expires_at = excluded.expires_at;

-- name: forget_old
DELETE FROM payments_validations AS v
WHERE v.beneficiary IN (
    SELECT o.beneficiary FROM payments_validations AS o
    WHERE o.expires_at <= $1
    ORDER BY o.expires_at
    LIMIT $2
);
