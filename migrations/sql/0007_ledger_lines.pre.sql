-- An entry tells its lines itself (which counter rows, which amounts), so that reading, checking and sealing it takes
-- one row; lines are kept in the order of their accounts alone. One index per line less to write. The release before
-- can't write to the result: it was never deployed, so there is no old code to keep running meanwhile.

ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_immutable;

ALTER TABLE ledger_entries ADD COLUMN balance_numbers integer[] NOT NULL DEFAULT '{}';
ALTER TABLE ledger_entries ADD COLUMN amounts bigint[] NOT NULL DEFAULT '{}';

UPDATE ledger_entries AS entries SET balance_numbers = sides.balance_numbers, amounts = sides.amounts
FROM (
    SELECT
        entry_id,
        array_agg(balance_number ORDER BY number) AS balance_numbers,
        array_agg(amount ORDER BY number) AS amounts
    FROM ledger_lines
    GROUP BY entry_id
) AS sides
WHERE entries.id = sides.entry_id;

ALTER TABLE ledger_entries ENABLE TRIGGER ledger_entries_immutable;

ALTER TABLE ledger_entries ALTER COLUMN balance_numbers DROP DEFAULT;
ALTER TABLE ledger_entries ALTER COLUMN amounts DROP DEFAULT;
ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_lines_are_whole
CHECK (cardinality(balance_numbers) = cardinality(amounts));

ALTER TABLE ledger_lines DROP CONSTRAINT ledger_lines_pkey;
DROP INDEX ledger_lines_of_account;
ALTER TABLE ledger_lines ADD PRIMARY KEY (balance_number, posted_at, account_line);
