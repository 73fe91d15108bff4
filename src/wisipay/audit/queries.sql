-- name: insert_record
INSERT INTO audit_log (
    id, happened_at, actor, action, entity_type, entity_id, state_before, state_after, reason, request_id, trace_id
)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb, $9, $10, $11)

-- name: states_of_entity
SELECT audit_log.state_after::text AS state
FROM audit_log
WHERE audit_log.entity_type = $1 AND audit_log.entity_id = $2
ORDER BY audit_log.happened_at, audit_log.id;
