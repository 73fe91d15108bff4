-- What makes the history evident: the history of accounts, and the seals over all of it. Rows are only ever added.
-- docs/ledger/proof.md says what is sealed and how.
-- noqa: disable=RF04

-- Finds the entries that are not sealed yet, and those of one block, at next to no cost to writers.
CREATE INDEX ledger_entries_in_order ON ledger_entries USING brin (sequence) WITH (pages_per_range = 64);

-- How accounts came to be as they are: opened, with all that they are, and each change of status or floor. `sequence` is
-- drawn from the entries' sequence, so that one order holds for both; `balance_numbers` are the account's counter rows,
-- one per stripe. Status and floor are those after the event; `_before` tells what they were.
CREATE TABLE ledger_account_events (
    sequence bigint PRIMARY KEY,
    account_number integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('OPENED', 'STATUS_CHANGED', 'FLOOR_CHANGED')),
    happened_at timestamptz NOT NULL,
    account_id text NOT NULL,
    currency text,
    stripes smallint,
    parent_id text,
    balance_numbers integer[],
    status_before text,
    status text NOT NULL,
    min_balance_before bigint,
    min_balance bigint,
    CONSTRAINT ledger_account_events_opened_tells_all
    CHECK ((kind = 'OPENED') = (balance_numbers IS NOT NULL AND currency IS NOT NULL AND stripes IS NOT NULL))
);

CREATE INDEX ledger_account_events_of_account ON ledger_account_events (account_number, sequence);

-- An account is opened once.
CREATE UNIQUE INDEX ledger_account_events_opening ON ledger_account_events (account_id) WHERE kind = 'OPENED';

-- Seals of the records up to and with the number `through_sequence`: for each its identity (16 bytes) and the SHA-256 of its
-- canonical bytes (32 bytes), one after the other. `start_hash` is the chain's hash after the block's own header and
-- `hash` after its last record. The bytes look random, so compressing them would be work for nothing.
CREATE TABLE ledger_seal_blocks (
    number bigint PRIMARY KEY CHECK (number >= 1),
    first_position bigint NOT NULL CHECK (first_position >= 1),
    records integer NOT NULL CHECK (records >= 1),
    through_sequence bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    start_hash bytea NOT NULL CHECK (length(start_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    identities bytea NOT NULL,
    digests bytea NOT NULL,
    CONSTRAINT ledger_seal_blocks_are_whole
    CHECK (length(identities) = 16 * records AND length(digests) = 32 * records)
);

ALTER TABLE ledger_seal_blocks ALTER COLUMN identities SET STORAGE EXTERNAL;
ALTER TABLE ledger_seal_blocks ALTER COLUMN digests SET STORAGE EXTERNAL;

-- The same, a row for each record, for people: its place in the chain, and the chain's hash before and after it. Verification
-- doesn't use it. A condition on `block` finds it by key.
CREATE VIEW ledger_seals AS
SELECT
    blocks.number AS block,
    blocks.first_position + links.place AS position,
    encode(substring(blocks.identities FROM 16 * links.place + 1 FOR 16), 'hex')::uuid AS record,
    substring(blocks.digests FROM 32 * links.place + 1 FOR 32) AS digest,
    links.previous_hash,
    links.hash
FROM ledger_seal_blocks AS blocks
CROSS JOIN LATERAL (
    WITH RECURSIVE chain AS (
        SELECT
            0 AS place,
            blocks.start_hash AS previous_hash,
            sha256(blocks.start_hash || substring(blocks.digests FROM 1 FOR 32)) AS hash
        UNION ALL
        SELECT
            chain.place + 1,
            chain.hash,
            sha256(chain.hash || substring(blocks.digests FROM 32 * chain.place + 33 FOR 32))
        FROM chain
        WHERE chain.place + 1 < blocks.records
    )

    SELECT chain.* FROM chain
) AS links;

CREATE TRIGGER ledger_account_events_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_account_events
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER ledger_seal_blocks_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_seal_blocks
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
