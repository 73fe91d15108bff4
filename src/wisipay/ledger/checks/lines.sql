-- What must hold along each counter row. Every statement gives one row per difference (id of its subject, message), and
-- starts from the beginning or the end of the archived months ($1 false), or from where the last check ended. Each counter row is walked
-- through in the order of its key, so nothing is sorted and nothing is held, however long its history is.
-- noqa: disable=AM09,RF02,RF04

-- name: check_counters
-- The posted counters, the number of lines and the time of the last are those of the lines.
SELECT
    coalesce(accounts.id, 'counter row ' || balances.number) AS id,
    format(
        'the lines of stripe %s say more than it counts: debits by %s, credits by %s, lines by %s, time of the last by %s',
        balances.stripe, told.debits - balances.debits_posted, told.credits - balances.credits_posted,
        told.line_count - balances.line_count, told.last_posted_at - balances.last_posted_at
    ) AS message
FROM ledger_balances AS balances
LEFT JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
LEFT JOIN LATERAL ledger_check_start(balances.number, $1::boolean) AS marks ON TRUE
CROSS JOIN LATERAL (
    SELECT
        coalesce(marks.debits_posted, 0)
        + coalesce(sum(lines.amount) FILTER (WHERE lines.amount > 0 AND NOT lines.pending), 0) AS debits,
        coalesce(marks.credits_posted, 0)
        - coalesce(sum(lines.amount) FILTER (WHERE lines.amount < 0 AND NOT lines.pending), 0) AS credits,
        coalesce(marks.account_line, 0) + count(*) AS line_count,
        coalesce(max(lines.posted_at), marks.posted_at, 'epoch') AS last_posted_at
    FROM ledger_lines AS lines
    WHERE
        lines.balance_number = balances.number
        AND (lines.posted_at, lines.account_line)
        > (coalesce(marks.posted_at, '-infinity'), coalesce(marks.account_line, 0))
) AS told
WHERE
    balances.debits_posted <> told.debits
    OR balances.credits_posted <> told.credits
    OR balances.line_count <> told.line_count
    OR balances.last_posted_at <> told.last_posted_at;

-- name: check_running_balances
-- Along an account lines are numbered without gaps in the order of time, and each balance is the one before and the
-- amount. Compared with the line before, so that a wrong line shows at itself and at the next, and no further.
SELECT
    steps.entry_id::text AS id,
    format(
        'line %s of %s (stripe %s) leaves %s, after line %s with %s and an amount of %s%s',
        steps.account_line, coalesce(accounts.id, 'counter row ' || balances.number), balances.stripe,
        steps.balance_after, steps.line_before, steps.balance_before, steps.amount,
        CASE WHEN steps.pending THEN ' on hold' ELSE '' END
    ) AS message
FROM ledger_balances AS balances
LEFT JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
LEFT JOIN LATERAL ledger_check_start(balances.number, $1::boolean) AS marks ON TRUE
CROSS JOIN LATERAL (
    SELECT
        lines.*,
        lag(lines.account_line, 1, coalesce(marks.account_line, 0)) OVER along AS line_before,
        lag(lines.balance_after, 1, coalesce(marks.debits_posted - marks.credits_posted, 0)) OVER along
            AS balance_before
    FROM ledger_lines AS lines
    WHERE
        lines.balance_number = balances.number
        AND (lines.posted_at, lines.account_line)
        > (coalesce(marks.posted_at, '-infinity'), coalesce(marks.account_line, 0))
    WINDOW along AS (ORDER BY lines.posted_at, lines.account_line)
) AS steps
WHERE
    steps.account_line <> steps.line_before + 1
    OR steps.balance_after <> steps.balance_before + CASE WHEN steps.pending THEN 0 ELSE steps.amount END;

-- name: check_entries_of_lines
-- Every line is the one that its entry tells in that place.
SELECT
    lines.entry_id::text AS id,
    CASE
        WHEN entries.id IS NULL
            THEN format('line %s of %s names an entry that does not exist', lines.account_line, accounts.id)
        ELSE
            format(
                'line %s of %s says %s at %s%s; the entry''s line %s says %s on counter row %s at %s, %s',
                lines.account_line, accounts.id, lines.amount, lines.posted_at,
                CASE WHEN lines.pending THEN ' on hold' ELSE '' END,
                lines.number, entries.amount, entries.balance_number, entries.posted_at, entries.kind
            )
    END AS message
FROM ledger_balances AS balances
LEFT JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
LEFT JOIN LATERAL ledger_check_start(balances.number, $1::boolean) AS marks ON TRUE
CROSS JOIN LATERAL (
    SELECT found.* FROM ledger_lines AS found
    WHERE
        found.balance_number = balances.number
        AND (found.posted_at, found.account_line)
        > (coalesce(marks.posted_at, '-infinity'), coalesce(marks.account_line, 0))
    OFFSET 0
) AS lines
LEFT JOIN LATERAL (
    SELECT
        found.id,
        found.posted_at,
        found.kind,
        found.balance_numbers[lines.number + 1] AS balance_number,
        found.amounts[lines.number + 1] AS amount
    FROM ledger_entries AS found
    WHERE found.id = lines.entry_id OFFSET 0
) AS entries ON TRUE
WHERE
    (
        lines.balance_number = entries.balance_number
        AND lines.amount = entries.amount
        AND lines.posted_at = entries.posted_at
        AND lines.pending = (entries.kind = 'PENDING')
    ) IS NOT TRUE;

-- name: check_floors
-- An entry that drew on an account left it at its floor or above, unless it was let pass below it (ledger_below_floor).
-- What a post took had been asked for with its hold. The last line of the entry on the account tells what it left, and
-- the floor is the one of that time: what the next change of it changed, or the one that holds now.
SELECT
    lines.entry_id::text AS id,
    format(
        'leaves %s with %s, below its floor of %s, without leave', accounts.id,
        CASE WHEN accounts.debit_normal THEN lines.balance_after ELSE -lines.balance_after END, floors.min_balance
    ) AS message
FROM ledger_balances AS balances
INNER JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
LEFT JOIN LATERAL ledger_check_start(balances.number, $1::boolean) AS marks ON TRUE
CROSS JOIN LATERAL (
    SELECT greatest(balances.min_balance, max(events.min_balance_before)) AS min_balance
    FROM ledger_account_events AS events
    WHERE events.account_number = accounts.number AND events.kind = 'FLOOR_CHANGED'
) AS highest
CROSS JOIN LATERAL (
    SELECT found.* FROM ledger_lines AS found
    WHERE
        found.balance_number = balances.number
        AND (found.posted_at, found.account_line)
        > (coalesce(marks.posted_at, '-infinity'), coalesce(marks.account_line, 0))
        AND NOT found.pending
        AND CASE WHEN accounts.debit_normal THEN found.balance_after ELSE -found.balance_after END < highest.min_balance
    OFFSET 0
) AS lines
CROSS JOIN LATERAL (
    SELECT
        entries.kind,
        entries.sequence,
        sum(moved.amount) AS net,
        max(moved.place) AS last_place
    FROM ledger_entries AS entries
    CROSS JOIN unnest(entries.balance_numbers, entries.amounts) WITH ORDINALITY AS moved (number, amount, place)
    WHERE entries.id = lines.entry_id AND moved.number = balances.number
    GROUP BY entries.kind, entries.sequence
) AS drawn
LEFT JOIN LATERAL (
    SELECT events.sequence, events.min_balance_before FROM ledger_account_events AS events
    WHERE
        events.account_number = accounts.number
        AND events.kind = 'FLOOR_CHANGED'
        AND events.sequence > drawn.sequence
    ORDER BY events.sequence
    LIMIT 1
) AS changed ON TRUE
CROSS JOIN LATERAL (
    SELECT CASE WHEN changed.sequence IS NULL THEN balances.min_balance ELSE changed.min_balance_before END
        AS min_balance
) AS floors
WHERE
    CASE WHEN accounts.debit_normal THEN lines.balance_after ELSE -lines.balance_after END < floors.min_balance
    AND drawn.kind <> 'POST'
    AND drawn.last_place = lines.number + 1
    AND CASE WHEN accounts.debit_normal THEN drawn.net ELSE -drawn.net END < 0
    AND NOT EXISTS (
        SELECT FROM ledger_below_floor AS allowed
        WHERE allowed.entry_id = lines.entry_id
    );

-- name: check_snapshots
-- A snapshot holds all debits and credits up to a line that exists.
SELECT
    coalesce(accounts.id, 'counter row ' || steps.balance_number) AS id,
    format(
        'snapshot at line %s of stripe %s, %s, says debits %s, credits %s; %s',
        steps.account_line, balances.stripe, steps.posted_at, steps.debits_posted, steps.credits_posted,
        CASE
            WHEN steps.has_line THEN format('the lines say %s, %s', steps.debits, steps.credits)
            ELSE 'there is no such line'
        END
    ) AS message
FROM ledger_balances AS balances
LEFT JOIN ledger_accounts AS accounts ON balances.account_number = accounts.number
LEFT JOIN LATERAL ledger_check_start(balances.number, $1::boolean) AS marks ON TRUE
CROSS JOIN LATERAL (
    SELECT
        taken.*,
        coalesce(marks.debits_posted, 0) + sum(told.debits) OVER along AS debits,
        coalesce(marks.credits_posted, 0) + sum(told.credits) OVER along AS credits,
        (
            SELECT count(*) > 0 FROM ledger_lines AS lines
            WHERE
                lines.balance_number = taken.balance_number
                AND lines.posted_at = taken.posted_at
                AND lines.account_line = taken.account_line
        ) AS has_line
    FROM (
        SELECT
            found.*,
            lag(found.posted_at, 1, coalesce(marks.posted_at, '-infinity')) OVER earlier AS since,
            lag(found.account_line, 1, coalesce(marks.account_line, 0)) OVER earlier AS since_line
        FROM ledger_snapshots AS found
        WHERE
            found.balance_number = balances.number
            AND (found.posted_at, found.account_line)
            > (coalesce(marks.posted_at, '-infinity'), coalesce(marks.account_line, 0))
        WINDOW earlier AS (ORDER BY found.posted_at, found.account_line)
    ) AS taken
    CROSS JOIN LATERAL (
        SELECT
            coalesce(sum(lines.amount) FILTER (WHERE lines.amount > 0), 0) AS debits,
            -coalesce(sum(lines.amount) FILTER (WHERE lines.amount < 0), 0) AS credits
        FROM ledger_lines AS lines
        WHERE
            lines.balance_number = balances.number
            AND (lines.posted_at, lines.account_line) > (taken.since, taken.since_line)
            AND (lines.posted_at, lines.account_line) <= (taken.posted_at, taken.account_line)
            AND NOT lines.pending
    ) AS told
    WINDOW along AS (ORDER BY taken.posted_at, taken.account_line)
) AS steps
WHERE NOT steps.has_line OR steps.debits_posted <> steps.debits OR steps.credits_posted <> steps.credits;
