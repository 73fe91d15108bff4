-- The log of merchants' requests: redacted, written in batches, a partition per day (UTC), dropped when it is old.
-- Names such as "method", "path" and "position" are those of the domain.
-- noqa: disable=RF04

CREATE SEQUENCE apilog_positions AS bigint;

CREATE TABLE apilog_requests (
    position bigint NOT NULL DEFAULT nextval('apilog_positions'),
    at timestamptz NOT NULL,
    merchant_id text NOT NULL,
    environment text NOT NULL CHECK (environment IN ('LIVE', 'UAT')),
    request_id text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    status smallint NOT NULL,
    code text,
    duration_ms real NOT NULL,
    order_id text,
    transaction_id text,
    idempotency_key text,
    source_ip text,
    signature text,
    request_body text NOT NULL,
    answer_body text NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX apilog_requests_by_merchant ON apilog_requests (merchant_id, position);
CREATE INDEX apilog_requests_by_order ON apilog_requests (order_id, merchant_id) WHERE order_id IS NOT NULL;

-- Called by writers, who hold the writers' lock. Attaching waits for nobody who reads or writes.
CREATE FUNCTION apilog_make_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition CONSTANT text := 'apilog_requests_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE apilog_requests INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
        EXECUTE format(
            'ALTER TABLE apilog_requests ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'
        );
    END IF;
END;
$$;

CREATE FUNCTION apilog_drop_days(before date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    partition regclass;
    dropped integer := 0;
BEGIN
    SET LOCAL lock_timeout = '2s';
    FOR partition IN
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE
            inhparent = 'apilog_requests'::regclass
            AND inhrelid::regclass::text < 'apilog_requests_' || to_char(before, 'YYYYMMDD')
        ORDER BY 1
    LOOP
        EXECUTE format('DROP TABLE %s', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END;
$$;
