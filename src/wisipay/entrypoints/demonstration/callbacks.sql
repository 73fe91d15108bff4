-- name: events_of
SELECT
    event_id::text AS event_id,
    transaction_id,
    status,
    amount_paise,
    state,
    attempts,
    finished_at
FROM callbacks_outbox
WHERE transaction_id = any($1::text[])
ORDER BY transaction_id, position;

-- name: waiting
SELECT count(*) FROM callbacks_outbox
WHERE state = 'WAITING';
