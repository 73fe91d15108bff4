-- Reads that look at the past. Each starts from rows that are few (accounts, counter rows, a page of lines) and probes the
-- large tables by index, one probe per row: LATERAL with LIMIT or OFFSET 0 leaves the planner no other way, whatever
-- it believed of the tables' sizes when it made its plan. A condition on posted_at alone, beside one on a line's place,
-- is what leaves out other months.
-- noqa: disable=AM09,RF04

-- name: accounts_named
SELECT
    accounts.number,
    accounts.id,
    accounts.kind,
    accounts.entity,
    accounts.entity_id,
    accounts.purpose,
    accounts.currency
FROM ledger_accounts AS accounts
WHERE accounts.id = any($1::text[]);

-- name: accounts_after
-- A page of $2 accounts of the kinds $3, in order of opening.
SELECT
    accounts.number,
    accounts.id,
    accounts.kind,
    accounts.entity,
    accounts.entity_id,
    accounts.purpose,
    accounts.currency
FROM ledger_accounts AS accounts
WHERE accounts.number > $1 AND accounts.kind = any($3::text[])
ORDER BY accounts.number
LIMIT $2;

-- name: account_tree
-- The ways from an account to all that stand below it, parents before children.
WITH RECURSIVE tree AS (
    SELECT
        root.number,
        ARRAY[root.id] AS path
    FROM ledger_accounts AS root
    WHERE root.id = $1
    UNION ALL
    SELECT
        children.number,
        tree.path || children.id
    FROM tree
    INNER JOIN ledger_accounts AS children ON tree.number = children.parent_number
)

SELECT tree.path FROM tree
ORDER BY tree.path;

-- name: net_at
-- Debits less credits of the accounts numbered $1 that were posted before $2; with a day $3 (the IST day that ends at $2)
-- those that count by that day, whenever they were posted. Two probes per counter row: the last snapshot tells in which
-- months the last line may be, and what it came to where nothing was posted since; one where the counter row has no line
-- behind it, so that an account at rest costs the same after years. And the lines whose value date and day of posting lie
-- on different sides of $3.
SELECT
    wanted.number,
    (
        coalesce((
            SELECT sum(coalesce(ends.balance_after, snapshots.debits_posted - snapshots.credits_posted))
            FROM ledger_balances AS balances
            LEFT JOIN LATERAL (
                SELECT taken.* FROM ledger_snapshots AS taken
                WHERE taken.balance_number = balances.number AND taken.posted_at < $2::timestamptz
                ORDER BY taken.posted_at DESC, taken.account_line DESC
                LIMIT 1
            ) AS snapshots ON TRUE
            LEFT JOIN LATERAL (
                SELECT lines.balance_after FROM ledger_lines AS lines
                WHERE
                    lines.balance_number = balances.number
                    AND balances.line_count > coalesce(snapshots.account_line, 0)
                    AND lines.posted_at >= coalesce(snapshots.posted_at, '-infinity')
                    AND lines.posted_at < $2::timestamptz
                ORDER BY lines.posted_at DESC, lines.account_line DESC
                LIMIT 1
            ) AS ends ON TRUE
            WHERE balances.account_number = wanted.number AND balances.line_count > 0
        ), 0)
        + coalesce((
            SELECT sum(CASE WHEN dated.value_day <= $3::date THEN dated.amount ELSE -dated.amount END)
            FROM ledger_value_dated_lines AS dated
            WHERE dated.between_days @> (wanted.number::bigint << 32) + ($3::date - date '2000-01-01')
        ), 0)
    )::bigint AS net
FROM unnest($1::integer[]) AS wanted (number)
WHERE ledger_in_database($2::timestamptz);

-- name: totals_at
-- All debits and all credits of the accounts numbered $1 that were posted before each of the moments $2: the last
-- snapshot before it, and the lines since.
SELECT
    wanted.number,
    moments.place::integer AS place,
    coalesce(sum(snapshots.debits_posted), 0)::bigint + coalesce(sum(rest.debits), 0)::bigint AS debits,
    coalesce(sum(snapshots.credits_posted), 0)::bigint + coalesce(sum(rest.credits), 0)::bigint AS credits
FROM unnest($1::integer[]) AS wanted (number)
CROSS JOIN unnest($2::timestamptz[]) WITH ORDINALITY AS moments (moment, place)
INNER JOIN ledger_balances AS balances ON wanted.number = balances.account_number
LEFT JOIN LATERAL (
    SELECT taken.* FROM ledger_snapshots AS taken
    WHERE taken.balance_number = balances.number AND taken.posted_at < moments.moment
    ORDER BY taken.posted_at DESC, taken.account_line DESC
    LIMIT 1
) AS snapshots ON TRUE
CROSS JOIN LATERAL (
    SELECT
        sum(lines.amount) FILTER (WHERE lines.amount > 0) AS debits,
        -sum(lines.amount) FILTER (WHERE lines.amount < 0) AS credits
    FROM ledger_lines AS lines
    WHERE
        lines.balance_number = balances.number
        AND balances.line_count > coalesce(snapshots.account_line, 0)
        AND lines.posted_at >= coalesce(snapshots.posted_at, '-infinity')
        AND lines.posted_at < moments.moment
        AND (lines.posted_at, lines.account_line)
        > (coalesce(snapshots.posted_at, '-infinity'), coalesce(snapshots.account_line, 0))
        AND NOT lines.pending
) AS rest
WHERE ledger_in_database(moments.moment)
GROUP BY wanted.number, moments.place;

-- name: is_in_database
-- Refuses a moment that lies in an archived month.
SELECT ledger_in_database($1::timestamptz);

-- name: archived_after
-- Where the archived months end, if that is after $1; NULL otherwise.
SELECT archived.ends_at
FROM (SELECT max(archives.ends_at) AS ends_at FROM ledger_archives AS archives) AS archived
WHERE archived.ends_at > $1;

-- name: is_of_archived_time
-- Whether an id is of the time of archived months.
SELECT $1::uuid < ledger_archived_below();

-- name: heads
-- The end of every counter row of an account.
SELECT
    balances.number,
    balances.last_posted_at,
    balances.line_count
FROM ledger_accounts AS accounts
INNER JOIN ledger_balances AS balances ON accounts.number = balances.account_number
WHERE accounts.id = $1
ORDER BY balances.number;

-- name: lines_page
-- The next $5 lines of every counter row from its bound ($1-$3): with $12 oldest first, from the bound on and before $4;
-- without it newest first, before the bound and not before $4. `matches` tells which of them pass the filter: posted
-- only $6, amounts $7 to $8, kinds $9, reference $10 (a post has its hold's), counter rows of the account on the other
-- side $11. NULL filters nothing. Of the two walks only the one that is asked for is begun.
SELECT
    lines.balance_number,
    lines.posted_at,
    lines.account_line,
    lines.entry_id,
    lines.number,
    lines.balance_after,
    NOT (lines.pending AND $6::boolean)
    AND abs(lines.amount) BETWEEN coalesce($7::bigint, 0) AND coalesce($8::bigint, 9223372036854775807)
    AND ($9::text[] IS NULL OR (
        SELECT entries.kind::text FROM ledger_entries AS entries
        WHERE entries.id = lines.entry_id
    ) = any($9))
    AND ($10::text IS NULL OR (
        SELECT coalesce(entries.external_reference, (
            SELECT held.external_reference FROM ledger_entries AS held
            WHERE held.id = entries.target_id AND entries.kind = 'POST'
        )) FROM ledger_entries AS entries
        WHERE entries.id = lines.entry_id
    ) = $10)
    AND ($11::integer[] IS NULL OR (
        SELECT bool_or(others.balance_number = any($11))
        FROM ledger_entries AS entries
        CROSS JOIN unnest(entries.balance_numbers) WITH ORDINALITY AS others (balance_number, place)
        WHERE entries.id = lines.entry_id AND others.place <> lines.number + 1
    )) AS matches
FROM unnest($1::integer[], $2::timestamptz[], $3::bigint[]) AS bounds (balance_number, posted_at, account_line)
CROSS JOIN LATERAL (
    (
        SELECT page.* FROM ledger_lines AS page
        WHERE
            $12::boolean
            AND page.balance_number = bounds.balance_number
            AND page.posted_at >= bounds.posted_at
            AND page.posted_at < $4::timestamptz
            AND (page.posted_at, page.account_line) >= (bounds.posted_at, bounds.account_line)
        ORDER BY page.posted_at, page.account_line
        LIMIT $5
    )
    UNION ALL
    (
        SELECT page.* FROM ledger_lines AS page
        WHERE
            NOT $12::boolean
            AND page.balance_number = bounds.balance_number
            AND page.posted_at >= $4::timestamptz
            AND page.posted_at <= bounds.posted_at
            AND (page.posted_at, page.account_line) < (bounds.posted_at, bounds.account_line)
        ORDER BY page.posted_at DESC, page.account_line DESC
        LIMIT $5
    )
) AS lines
ORDER BY
    CASE WHEN $12 THEN lines.posted_at END,
    CASE WHEN $12 THEN lines.account_line END,
    CASE WHEN $12 THEN lines.balance_number END,
    lines.posted_at DESC,
    lines.account_line DESC,
    lines.balance_number DESC
LIMIT $5;

-- name: line_details
-- The lines named by entry ($1) and number ($2), in that order, with the balance after them ($3, as it was read), each with
-- its entry, how that ended, and at most $4 lines of the other side (debits for a credit, credits for a debit) by their
-- counter rows: whose those are is asked once for many lines. A post has the words of the hold that it posts.
SELECT
    wanted.entry_id,
    wanted.number,
    wanted.balance_after,
    entries.kind::text AS kind,
    (
        SELECT endings.kind::text FROM ledger_resolutions AS endings
        WHERE endings.target_id = wanted.entry_id
    ) AS ended_by,
    entries.amounts[wanted.number + 1] AS amount,
    entries.posted_at,
    entries.value_date,
    CASE WHEN entries.kind = 'POST' THEN held.narration ELSE entries.narration END AS narration,
    coalesce(entries.external_reference, held.external_reference) AS external_reference,
    coalesce(entries.correlation_id, held.correlation_id) AS correlation_id,
    others.balance_numbers,
    others.amounts
FROM unnest($1::uuid[], $2::smallint[], $3::bigint[]) WITH ORDINALITY AS wanted (entry_id, number, balance_after, place)
CROSS JOIN LATERAL (
    SELECT found.* FROM ledger_entries AS found
    WHERE found.id = wanted.entry_id OFFSET 0
) AS entries
LEFT JOIN LATERAL (
    SELECT found.* FROM ledger_entries AS found
    WHERE found.id = entries.target_id AND entries.kind = 'POST' OFFSET 0
) AS held ON TRUE
CROSS JOIN LATERAL (
    SELECT
        array_agg(opposite.balance_number ORDER BY opposite.place) AS balance_numbers,
        array_agg(opposite.amount ORDER BY opposite.place) AS amounts
    FROM (
        SELECT sides.*
        FROM unnest(entries.balance_numbers, entries.amounts) WITH ORDINALITY AS sides (balance_number, amount, place)
        WHERE sign(sides.amount) <> sign(entries.amounts[wanted.number + 1])
        ORDER BY sides.place
        LIMIT $4
    ) AS opposite
) AS others
ORDER BY wanted.place;

-- name: take_snapshots!
-- A snapshot of every counter row that has at least $1 lines more than its last one. The counters are committed together
-- with the line they count, so one statement needs no lock.
INSERT INTO ledger_snapshots (balance_number, posted_at, account_line, debits_posted, credits_posted)
SELECT
    balances.number,
    balances.last_posted_at,
    balances.line_count,
    balances.debits_posted,
    balances.credits_posted
FROM ledger_balances AS balances
WHERE balances.line_count >= $1::bigint + coalesce((
    SELECT taken.account_line FROM ledger_snapshots AS taken
    WHERE taken.balance_number = balances.number
    ORDER BY taken.posted_at DESC, taken.account_line DESC
    LIMIT 1
), 0)
ON CONFLICT DO NOTHING;

-- name: value_dated_lines
-- The next $6 lines of account $1 that count on another day than they were written on, by value day, behind
-- the place ($2-$4), to the day $5.
SELECT
    dated.value_day,
    dated.entry_id,
    dated.number,
    NULL::bigint AS balance_after
FROM ledger_value_dated_lines AS dated
WHERE
    dated.account_number = $1
    AND (dated.value_day, dated.entry_id, dated.number) > ($2::date, $3::uuid, $4::smallint)
    AND dated.value_day <= $5::date
ORDER BY dated.value_day, dated.entry_id, dated.number
LIMIT $6;
