-- name: tell
-- Keep what was told, and return what had been told before; null when nothing had. An older word changes nothing.
WITH before AS (
    SELECT f.balance_paise FROM payments_floats AS f
    WHERE f.channel_id = $1
),

told AS (
    INSERT INTO payments_floats AS f (channel_id, balance_paise, used_paise, told_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (channel_id) DO UPDATE SET
        balance_paise = excluded.balance_paise,
        used_paise = excluded.used_paise,
        told_at = excluded.told_at
    WHERE f.told_at < excluded.told_at
)

SELECT b.balance_paise FROM before AS b;

-- name: told
SELECT
    f.channel_id,
    f.balance_paise,
    f.used_paise,
    f.told_at
FROM payments_floats AS f
WHERE f.told_at >= $1;
