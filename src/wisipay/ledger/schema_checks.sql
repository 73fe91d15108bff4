-- Daily balances, and what the checks of the books keep: leave to pass below a floor, findings, how far was checked.
-- noqa: disable=RF04

-- What an account did on one day in India, by the time of posting, debit positive; written after the day is over, for
-- accounts that had posted lines on it. Of several revisions the last holds; one above 0 is an operator's correction.
CREATE TABLE ledger_daily_balances (
    account_number integer NOT NULL,
    day date NOT NULL,
    revision smallint NOT NULL DEFAULT 0 CHECK (revision >= 0),
    opening bigint NOT NULL,
    debits bigint NOT NULL CHECK (debits >= 0),
    credits bigint NOT NULL CHECK (credits >= 0),
    closing bigint NOT NULL,
    debit_count integer NOT NULL CHECK (debit_count >= 0),
    credit_count integer NOT NULL CHECK (credit_count >= 0),
    written_at timestamptz NOT NULL,
    corrected_by text,
    reason text,
    PRIMARY KEY (account_number, day, revision),
    CHECK (closing = opening + debits - credits),
    CHECK ((revision = 0) = (corrected_by IS NULL) AND (revision = 0) = (reason IS NULL))
);

CREATE INDEX ledger_daily_balances_of_day ON ledger_daily_balances (day);

-- The days whose daily balances are written, without gaps.
CREATE TABLE ledger_closed_days (
    day date PRIMARY KEY,
    closed_at timestamptz NOT NULL
);

-- Entries that took an account below its floor because their command was allowed to.
CREATE TABLE ledger_below_floor (
    entry_id uuid PRIMARY KEY
);

CREATE TRIGGER ledger_daily_balances_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_daily_balances
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_closed_days_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_closed_days
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_below_floor_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_below_floor
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- Up to where each counter row was checked, and what its lines added up to there. A way to check less; a full check
-- looks at none of it.
CREATE TABLE ledger_checked_lines (
    balance_number integer PRIMARY KEY,
    account_line bigint NOT NULL,
    posted_at timestamptz NOT NULL,
    debits_posted bigint NOT NULL,
    credits_posted bigint NOT NULL
);

-- The holds that were open when the books were checked last.
CREATE TABLE ledger_checked_holds (
    entry_id uuid PRIMARY KEY
);

-- The one place in the order of writing up to which all entries were checked (`complete`). An entry may be committed after
-- others with a higher sequence, so what was `seen` counts as complete only when every transaction of that time has ended:
-- when the oldest one running is `running` or younger.
CREATE TABLE ledger_checked_entries (
    singleton boolean PRIMARY KEY DEFAULT TRUE CHECK (singleton),
    complete bigint NOT NULL,
    seen bigint NOT NULL,
    running xid8 NOT NULL
);

-- The last run of each check and job of the ledger. `clean_at` is the last that found nothing, `full_at` the last that
-- looked at everything.
CREATE TABLE ledger_runs (
    name text PRIMARY KEY,
    ended_at timestamptz NOT NULL,
    took interval NOT NULL,
    found integer NOT NULL,
    clean_at timestamptz,
    full_at timestamptz
);

-- What checks found. A row stays for ever: `gone_at` is when a full check did not find it any more.
CREATE TABLE ledger_findings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_name text NOT NULL,
    subject text NOT NULL,
    subject_id text NOT NULL,
    message text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    gone_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    note text,
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL) AND (acknowledged_at IS NULL) = (note IS NULL))
);

CREATE UNIQUE INDEX ledger_findings_once ON ledger_findings (check_name, subject, subject_id, md5(message));

CREATE TRIGGER ledger_findings_kept BEFORE DELETE OR TRUNCATE ON ledger_findings
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

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
