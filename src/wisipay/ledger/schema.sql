-- The ledger's tables. Accounts and counters change under lock; entries, lines, resolutions and keys are history, to
-- which rows are only ever added. docs/ledger/design.md says why the keys are as they are. Columns such as "number",
-- "key" and "sequence" are the domain's own words.
-- noqa: disable=RF04

CREATE TYPE ledger_entry_kind AS ENUM ('TRANSFER', 'PENDING', 'POST', 'VOID', 'EXPIRE', 'REVERSAL');

-- What an account is; never changes once it is open.
CREATE TABLE ledger_accounts (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('ASSET', 'LIABILITY', 'EQUITY', 'INCOME', 'EXPENSE', 'OFF_BALANCE')),
    entity text NOT NULL,
    entity_id text NOT NULL,
    purpose text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    debit_normal boolean NOT NULL GENERATED ALWAYS AS (kind IN ('ASSET', 'EXPENSE', 'OFF_BALANCE')) STORED,
    stripes smallint NOT NULL CHECK (stripes >= 1),
    parent_number integer REFERENCES ledger_accounts,
    opened_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_accounts_id_names_the_parts
    CHECK (id = kind || ':' || entity || ':' || entity_id || ':' || purpose)
);

-- Controls and counters, one row per stripe. The controls stand here, on the row that writers lock, so that whoever
-- waited for the row sees the status that holds now. Half of every page stays free for updates in place.
CREATE TABLE ledger_balances (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_number integer NOT NULL REFERENCES ledger_accounts,
    stripe smallint NOT NULL CHECK (stripe >= 0),
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'FROZEN', 'LOCKED_INFLOW', 'LOCKED_OUTFLOW')),
    min_balance bigint,
    debits_posted bigint NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
    credits_posted bigint NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
    debits_pending bigint NOT NULL DEFAULT 0,
    credits_pending bigint NOT NULL DEFAULT 0,
    line_count bigint NOT NULL DEFAULT 0 CHECK (line_count >= 0),
    last_posted_at timestamptz NOT NULL DEFAULT 'epoch',
    UNIQUE (account_number, stripe),
    -- A hold taken on one stripe may be given back on another, so only accounts without stripes are checked: all that
    -- have a floor.
    CONSTRAINT ledger_balances_holds_are_given_back_once
    CHECK (min_balance IS NULL OR (debits_pending >= 0 AND credits_pending >= 0))
) WITH (fillfactor = 50);

-- One row per accepted command, complete in itself: line n moves amounts[n] (debit positive) on the counter row
-- balance_numbers[n]. `sequence` is the order of writing, for the sealer; gaps are rolled-back batches.
CREATE TABLE ledger_entries (
    id uuid PRIMARY KEY,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    posted_at timestamptz NOT NULL,
    timeout_at timestamptz,
    target_id uuid,
    kind ledger_entry_kind NOT NULL,
    value_date date,
    currency text NOT NULL,
    narration text NOT NULL,
    external_reference text,
    correlation_id text,
    idempotency_key text,
    metadata jsonb,
    balance_numbers integer[] NOT NULL,
    amounts bigint[] NOT NULL,
    CHECK ((target_id IS NULL) = (kind IN ('TRANSFER', 'PENDING'))),
    CONSTRAINT ledger_entries_lines_are_whole CHECK (cardinality(balance_numbers) = cardinality(amounts))
) PARTITION BY RANGE (id);

-- How an entry ended: a hold by the entry that resolved it, a posted entry by the one that reversed it. The key is what
-- makes either happen at most once.
CREATE TABLE ledger_resolutions (
    target_id uuid PRIMARY KEY,
    entry_id uuid NOT NULL,
    kind ledger_entry_kind NOT NULL CHECK (kind IN ('POST', 'VOID', 'EXPIRE', 'REVERSAL'))
) PARTITION BY RANGE (target_id);

CREATE TABLE ledger_keys (
    key text PRIMARY KEY,
    entry_id uuid NOT NULL
);

-- The entries' lines as their accounts see them: the key is the order of an account's statement, and the only index.
-- `balance_after` is debit positive and counts posted lines only; `account_line` numbers the lines of one counter row
-- without gaps, and posted_at (the entry's) never goes back along it; `number` counts the lines of the entry from 0. The
-- other side of a line is read from its entry.
CREATE TABLE ledger_lines (
    amount bigint NOT NULL CHECK (amount <> 0),
    balance_after bigint NOT NULL,
    account_line bigint NOT NULL,
    posted_at timestamptz NOT NULL,
    entry_id uuid NOT NULL,
    balance_number integer NOT NULL,
    number smallint NOT NULL,
    pending boolean NOT NULL,
    PRIMARY KEY (balance_number, posted_at, account_line)
) PARTITION BY RANGE (posted_at);

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %: the ledger''s history is never changed, only added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION ledger_check_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unbalanced uuid;
BEGIN
    SELECT entry_id INTO unbalanced FROM new_lines GROUP BY entry_id HAVING sum(amount) <> 0 OR count(*) < 2 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry %: debits and credits differ', unbalanced USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER ledger_lines_balanced AFTER INSERT ON ledger_lines
REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_balanced();

CREATE TRIGGER ledger_entries_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_lines_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_resolutions_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_resolutions
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_keys_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_keys
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_accounts_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_accounts
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_balances_kept BEFORE DELETE OR TRUNCATE ON ledger_balances
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
