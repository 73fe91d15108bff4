-- The record of every named operation and free transfer: who moved what, when, why, and by which entry. History: rows are
-- only ever added; what became of an operation is told by its entry.
-- noqa: disable=RF04

CREATE TABLE ledger_operations (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    entry_id uuid NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL,
    name text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    actor text NOT NULL CHECK (actor <> ''),
    reason text NOT NULL,
    debit_account_id text NOT NULL,
    credit_account_id text NOT NULL,
    merchant_id text,
    channel_id text,
    legal_entity_id text,
    account_type text,
    bank_account_id text,
    pending boolean NOT NULL,
    timeout_at timestamptz,
    narration text NOT NULL,
    payment_mode text,
    utr text,
    order_id text,
    value_date date,
    back_dated boolean NOT NULL,
    idempotency_key text UNIQUE,
    correlation_id text,
    external_reference text,
    metadata jsonb NOT NULL,
    CHECK (NOT back_dated OR value_date IS NOT NULL)
);

CREATE UNIQUE INDEX ledger_operations_order ON ledger_operations (merchant_id, order_id)
WHERE merchant_id IS NOT NULL AND order_id IS NOT NULL;

CREATE INDEX ledger_operations_of_merchant ON ledger_operations (merchant_id, sequence) WHERE merchant_id IS NOT NULL;

CREATE TRIGGER ledger_operations_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_operations
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
-- What reads need beside the history itself, so that none of them walks through a year's lines. Rows are only ever added. NEW is a trigger's own word.
-- noqa: disable=CP02,RF04

CREATE INDEX ledger_accounts_of_parent ON ledger_accounts (parent_number) WHERE parent_number IS NOT NULL;

-- All debits and credits ever posted to a counter row up to and with its line `account_line`. A line's place never
-- changes, so a row is right for ever, however late it was taken.
CREATE TABLE ledger_snapshots (
    balance_number integer NOT NULL,
    posted_at timestamptz NOT NULL,
    account_line bigint NOT NULL,
    debits_posted bigint NOT NULL,
    credits_posted bigint NOT NULL,
    PRIMARY KEY (balance_number, posted_at, account_line)
);

-- Posted lines that count on another day (IST) than the one they were written on. `between_days` spans the days on which the
-- balance by value date differs from the balance by posting time because of this line. The account is in its upper 32
-- bits, so that one index finds the lines of one account around one day, and no others.
CREATE TABLE ledger_value_dated_lines (
    entry_id uuid NOT NULL,
    number smallint NOT NULL,
    account_number integer NOT NULL,
    value_day date NOT NULL,
    posted_day date NOT NULL,
    amount bigint NOT NULL,
    between_days int8range NOT NULL GENERATED ALWAYS AS (
        int8range(
            (account_number::bigint << 32) + (least(value_day, posted_day) - date '2000-01-01'),
            (account_number::bigint << 32) + (greatest(value_day, posted_day) - date '2000-01-01')
        )
    ) STORED,
    PRIMARY KEY (entry_id, number),
    CHECK (value_day <> posted_day)
);

CREATE INDEX ledger_value_dated_lines_around_day ON ledger_value_dated_lines USING gist (between_days);

CREATE INDEX ledger_value_dated_lines_of_account
ON ledger_value_dated_lines (account_number, value_day, entry_id, number);

-- A hold's lines count for nothing until it is posted, and then on the day of posting. An entry that is posted just before
-- midnight by a clock that is behind may lie on another day than its value date says: its own time decides.
CREATE FUNCTION ledger_note_value_date() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posted_day CONSTANT date := (NEW.posted_at AT TIME ZONE interval '05:30')::date;
BEGIN
    IF posted_day <> NEW.value_date THEN
        INSERT INTO ledger_value_dated_lines (entry_id, number, account_number, value_day, posted_day, amount)
        SELECT
            NEW.id,
            lines.place - 1,
            (SELECT balances.account_number FROM ledger_balances AS balances WHERE balances.number = lines.balance_number),
            NEW.value_date,
            posted_day,
            lines.amount
        FROM unnest(NEW.balance_numbers, NEW.amounts) WITH ORDINALITY AS lines (balance_number, amount, place);
    END IF;
    RETURN NULL;
END
$$;

-- The condition costs other entries next to nothing.
CREATE TRIGGER ledger_entries_value_date AFTER INSERT ON ledger_entries
FOR EACH ROW WHEN (NEW.value_date IS NOT NULL AND NEW.kind <> 'PENDING') EXECUTE FUNCTION ledger_note_value_date();

CREATE TRIGGER ledger_snapshots_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_snapshots
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_value_dated_lines_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_value_dated_lines
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- What was written before this table.
INSERT INTO ledger_value_dated_lines (entry_id, number, account_number, value_day, posted_day, amount)
SELECT
    entries.id,
    lines.place - 1,
    balances.account_number,
    entries.value_date,
    (entries.posted_at AT TIME ZONE interval '05:30')::date,
    lines.amount
FROM ledger_entries AS entries
CROSS JOIN unnest(entries.balance_numbers, entries.amounts) WITH ORDINALITY AS lines (balance_number, amount, place)
INNER JOIN ledger_balances AS balances ON lines.balance_number = balances.number
WHERE entries.kind <> 'PENDING' AND entries.value_date <> (entries.posted_at AT TIME ZONE interval '05:30')::date;
