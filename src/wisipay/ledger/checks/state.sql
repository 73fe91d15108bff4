-- What an operator watches of the ledger, cheap enough to be asked every few seconds.
-- noqa: disable=RF04

-- name: sealed_through
SELECT blocks.through_sequence FROM ledger_seal_blocks AS blocks
ORDER BY blocks.number DESC
LIMIT 1;

-- name: unsealed
-- How many records stand behind the place $1 in the order of writing, and when the first of them was written. Counts to
-- $2, so that a ledger that was never sealed costs no more.
SELECT
    count(*) AS records,
    min(behind.written_at) AS oldest_at
FROM (
    (
        SELECT entries.posted_at AS written_at FROM ledger_entries AS entries
        WHERE entries.sequence > $1
        LIMIT $2
    )
    UNION ALL
    (
        SELECT events.happened_at AS written_at FROM ledger_account_events AS events
        WHERE events.sequence > $1
        LIMIT $2
    )
) AS behind;
