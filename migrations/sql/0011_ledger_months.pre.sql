-- Entries, lines and endings in partitions by month. The tables that exist become the default partitions as they are: not
-- a row is read or copied, so this takes the same moment for any size. `wisipay ledger months create` makes the coming
-- months, and gives the history that now lies in the default partitions a partition of its own.
-- noqa: disable=CP02

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

-- A partition shares the numbers of its parent's sequence, which goes on where the old one stopped.
CREATE TEMPORARY TABLE ledger_months_sequence ON COMMIT DROP AS
SELECT last_value + is_called::integer AS next_value FROM ledger_entries_sequence_seq;

ALTER TABLE ledger_entries RENAME TO ledger_entries_default;
ALTER TABLE ledger_entries_default RENAME CONSTRAINT ledger_entries_pkey TO ledger_entries_default_pkey;
ALTER TABLE ledger_entries_default ALTER COLUMN sequence DROP IDENTITY;
DROP TRIGGER ledger_entries_value_date ON ledger_entries_default;

CREATE TABLE ledger_entries (LIKE ledger_entries_default INCLUDING ALL EXCLUDING INDEXES, PRIMARY KEY (id))
PARTITION BY RANGE (id);

ALTER TABLE ledger_entries ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY;

SELECT setval('ledger_entries_sequence_seq', next_value, FALSE) FROM ledger_months_sequence;

ALTER TABLE ledger_entries ATTACH PARTITION ledger_entries_default DEFAULT;

CREATE TRIGGER ledger_entries_value_date AFTER INSERT ON ledger_entries
FOR EACH ROW WHEN (NEW.value_date IS NOT NULL AND NEW.kind <> 'PENDING') EXECUTE FUNCTION ledger_note_value_date();

CREATE TRIGGER ledger_entries_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

ALTER TABLE ledger_lines RENAME TO ledger_lines_default;
ALTER TABLE ledger_lines_default RENAME CONSTRAINT ledger_lines_pkey TO ledger_lines_default_pkey;

CREATE TABLE ledger_lines (
    LIKE ledger_lines_default INCLUDING ALL EXCLUDING INDEXES, PRIMARY KEY (balance_number, posted_at, account_line)
) PARTITION BY RANGE (posted_at);

ALTER TABLE ledger_lines ATTACH PARTITION ledger_lines_default DEFAULT;

CREATE TRIGGER ledger_lines_balanced AFTER INSERT ON ledger_lines
REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_balanced();

CREATE TRIGGER ledger_lines_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

ALTER TABLE ledger_resolutions RENAME TO ledger_resolutions_default;
ALTER TABLE ledger_resolutions_default RENAME CONSTRAINT ledger_resolutions_pkey TO ledger_resolutions_default_pkey;

CREATE TABLE ledger_resolutions (
    LIKE ledger_resolutions_default INCLUDING ALL EXCLUDING INDEXES, PRIMARY KEY (target_id)
) PARTITION BY RANGE (target_id);

ALTER TABLE ledger_resolutions ATTACH PARTITION ledger_resolutions_default DEFAULT;

CREATE TRIGGER ledger_resolutions_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_resolutions
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

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
