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
