-- name: used
-- What payments of these subjects ($1) add up to: on a day ($2), in its month ($3), and ever, by the monthly counters.
SELECT
    u.subject,
    coalesce(sum(u.amount_paise) FILTER (WHERE u.period = $2), 0)::bigint AS day,
    coalesce(sum(u.amount_paise) FILTER (WHERE u.period = $3), 0)::bigint AS month,
    coalesce(sum(u.amount_paise) FILTER (WHERE u.period LIKE 'M%'), 0)::bigint AS ever
FROM payments_usage AS u
WHERE u.subject = any($1::text[])
GROUP BY u.subject;
