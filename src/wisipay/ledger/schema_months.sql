-- Partitions by month: of entries and endings by the time in their version 7 ids, of lines by the time of posting. The
-- default partitions take what no month was made for, so that writers never need one. wisipay.ledger.months makes the
-- months; docs/ledger/months.md.

-- A statement that names a partition fires that partition's own triggers and not its parent's, so each has them.
CREATE FUNCTION ledger_guard_partition(partition regclass, parent text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %s'
        ' FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()',
        parent || '_immutable', partition
    );
    IF parent = 'ledger_lines' THEN
        EXECUTE format(
            'CREATE TRIGGER ledger_lines_balanced AFTER INSERT ON %s REFERENCING NEW TABLE AS new_lines'
            ' FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_balanced()',
            partition
        );
    END IF;
END
$$;

CREATE TABLE ledger_entries_default PARTITION OF ledger_entries DEFAULT;
CREATE TABLE ledger_lines_default PARTITION OF ledger_lines DEFAULT;
CREATE TABLE ledger_resolutions_default PARTITION OF ledger_resolutions DEFAULT;

SELECT ledger_guard_partition('ledger_entries_default', 'ledger_entries');
SELECT ledger_guard_partition('ledger_lines_default', 'ledger_lines');
SELECT ledger_guard_partition('ledger_resolutions_default', 'ledger_resolutions');

-- Periods whose partitions were taken out and stand in files. No moment before the latest `ends_at` can be asked about.
CREATE TABLE ledger_archives (
    name text PRIMARY KEY,
    starts_at timestamptz,
    ends_at timestamptz NOT NULL UNIQUE,
    manifest_sha256 text NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now()
);

-- A balance at a moment whose lines are in files would be told wrong: the question is refused.
CREATE FUNCTION ledger_in_database(moment timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF moment < (SELECT max(archives.ends_at) FROM ledger_archives AS archives) THEN
        RAISE EXCEPTION '% lies in an archived month: read its archive or restore it', moment
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN TRUE;
END
$$;
