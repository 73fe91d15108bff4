-- What checks and verification know of archived months: up to when they are, and from what the months that are left start.

-- Lines posted before it, and the entries that they belong to, are in files; '-infinity' where nothing is archived.
CREATE FUNCTION ledger_archived_until() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce(max(archives.ends_at), '-infinity') FROM ledger_archives AS archives
$$;

-- An entry that is not there and has an id below it is in files: the lowest version 7 id of that moment.
CREATE FUNCTION ledger_archived_below() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT rpad(lpad(to_hex(floor(coalesce(max(extract(EPOCH FROM archives.ends_at)), 0) * 1000)::bigint), 12, '0'), 32, '0')
        ::uuid
    FROM ledger_archives AS archives
$$;

-- From where the lines of a counter row are checked, and what stood there: where the last check ended, if that matters, or
-- where the archived months end. No row where it is the beginning.
CREATE FUNCTION ledger_check_start(counter_row integer, since_last boolean)
RETURNS TABLE (account_line bigint, posted_at timestamptz, debits_posted bigint, credits_posted bigint)
LANGUAGE sql STABLE AS $$
    SELECT starts.* FROM (
        SELECT marks.account_line, marks.posted_at, marks.debits_posted, marks.credits_posted
        FROM ledger_checked_lines AS marks
        WHERE since_last AND marks.balance_number = counter_row
        UNION ALL
        (
            SELECT taken.account_line, taken.posted_at, taken.debits_posted, taken.credits_posted
            FROM ledger_snapshots AS taken
            WHERE taken.balance_number = counter_row AND taken.posted_at < (SELECT ledger_archived_until())
            ORDER BY taken.posted_at DESC, taken.account_line DESC
            LIMIT 1
        )
    ) AS starts
    ORDER BY starts.account_line DESC
    LIMIT 1
$$;
