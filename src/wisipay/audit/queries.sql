-- name: insert_record
INSERT INTO audit_log (
    id, happened_at, actor, action, entity_type, entity_id, state_before, state_after, reason, request_id, trace_id
)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb, $9, $10, $11)
