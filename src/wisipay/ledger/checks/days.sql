-- Daily balances: what accounts did on each day in India, by the time of posting, debit positive. Lines are read through
-- their key, one range per counter row, so a day costs the number of accounts and its own lines.
-- noqa: disable=AM09,RF02,RF04

-- name: check_daily_balances
-- The last revision of every daily balance is what the lines say; and no account with posted lines on a closed day is without.
-- Looks at all closed days or, where $1, at those of the last week, behind archived months. Days before the first are in its
-- opening balances.
WITH days AS (
    SELECT
        min(closed.day) AS first_day,
        (min(closed.day)::timestamp AT TIME ZONE interval '05:30') AS since,
        ((max(closed.day) + 1)::timestamp AT TIME ZONE interval '05:30') AS until
    FROM ledger_closed_days AS closed
    WHERE
        (NOT $1::boolean OR closed.day > (SELECT max(newest.day) - 7 FROM ledger_closed_days AS newest))
        AND closed.day::timestamp AT TIME ZONE interval '05:30' >= (SELECT ledger_archived_until())
),

moved AS (
    SELECT
        balances.account_number,
        lines.day,
        sum(lines.debits) AS debits,
        sum(lines.credits) AS credits,
        sum(lines.debit_count) AS debit_count,
        sum(lines.credit_count) AS credit_count
    FROM days
    CROSS JOIN ledger_balances AS balances
    CROSS JOIN LATERAL (
        SELECT
            (found.posted_at AT TIME ZONE interval '05:30')::date AS day,
            coalesce(sum(found.amount) FILTER (WHERE found.amount > 0), 0) AS debits,
            -coalesce(sum(found.amount) FILTER (WHERE found.amount < 0), 0) AS credits,
            count(*) FILTER (WHERE found.amount > 0) AS debit_count,
            count(*) FILTER (WHERE found.amount < 0) AS credit_count
        FROM ledger_lines AS found
        WHERE
            found.balance_number = balances.number
            AND found.posted_at >= days.since
            AND found.posted_at < days.until
            AND NOT found.pending
        GROUP BY day
    ) AS lines
    GROUP BY balances.account_number, lines.day
),

told AS (
    SELECT
        moved.*,
        coalesce(openings.net, 0)
        + sum(moved.debits - moved.credits) OVER (PARTITION BY moved.account_number ORDER BY moved.day) AS closing
    FROM moved
    LEFT JOIN LATERAL (
        SELECT sum(coalesce(ends.balance_after, starts.debits_posted - starts.credits_posted)) AS net
        FROM days
        INNER JOIN ledger_balances AS balances ON moved.account_number = balances.account_number
        LEFT JOIN LATERAL (
            SELECT lines.balance_after FROM ledger_lines AS lines
            WHERE
                lines.balance_number = balances.number
                AND lines.posted_at >= (SELECT ledger_archived_until())
                AND lines.posted_at < days.since
            ORDER BY lines.posted_at DESC, lines.account_line DESC
            LIMIT 1
        ) AS ends ON TRUE
        LEFT JOIN LATERAL ledger_check_start(balances.number, FALSE) AS starts ON TRUE
    ) AS openings ON TRUE
),

written AS (
    SELECT DISTINCT ON (daily.account_number, daily.day) daily.*
    FROM ledger_daily_balances AS daily
    WHERE
        CASE
            WHEN $1::boolean THEN daily.day >= (SELECT days.first_day FROM days)
            ELSE daily.day::timestamp AT TIME ZONE interval '05:30' >= (SELECT ledger_archived_until())
        END
    ORDER BY daily.account_number ASC, daily.day ASC, daily.revision DESC
)

SELECT
    coalesce(told.day, written.day)::text AS id,
    format(
        '%s: written is %s; the lines say %s',
        coalesce(accounts.id, 'account ' || coalesce(told.account_number, written.account_number)),
        CASE
            WHEN written.day IS NULL THEN 'nothing'
            ELSE format(
                'debits %s in %s, credits %s in %s, closing %s', written.debits, written.debit_count, written.credits,
                written.credit_count, written.closing
            )
        END,
        CASE
            WHEN told.day IS NULL THEN 'nothing of a closed day'
            ELSE format(
                'debits %s in %s, credits %s in %s, closing %s', told.debits, told.debit_count, told.credits,
                told.credit_count, told.closing
            )
        END
    ) AS message
FROM told
FULL JOIN written ON told.account_number = written.account_number AND told.day = written.day
LEFT JOIN ledger_accounts AS accounts ON accounts.number = coalesce(told.account_number, written.account_number)
WHERE
    (
        told.debits = written.debits
        AND told.credits = written.credits
        AND told.debit_count = written.debit_count
        AND told.credit_count = written.credit_count
        AND told.closing = written.closing
    ) IS NOT TRUE
    -- An operator's correction of a day that should never have been written says that nothing happened on it.
    AND NOT (
        told.day IS NULL AND written.revision > 0 AND written.debits = 0 AND written.credits = 0
        AND written.debit_count = 0 AND written.credit_count = 0
    );

-- name: check_closed_days
-- Days are closed one after the other.
SELECT
    (closed.day + 1)::text AS id,
    'not closed, and a later day is' AS message
FROM ledger_closed_days AS closed
WHERE
    NOT EXISTS (SELECT FROM ledger_closed_days AS following WHERE following.day = closed.day + 1)
    AND closed.day < (SELECT max(newest.day) FROM ledger_closed_days AS newest);

-- name: first_open_day
-- The day after the last one closed; before any was, the day of the first line.
SELECT coalesce(
    (SELECT max(closed.day) + 1 FROM ledger_closed_days AS closed),
    (
        SELECT (min(firsts.posted_at) AT TIME ZONE interval '05:30')::date
        FROM ledger_balances AS balances
        CROSS JOIN LATERAL (
            SELECT lines.posted_at FROM ledger_lines AS lines
            WHERE lines.balance_number = balances.number
            ORDER BY lines.posted_at, lines.account_line
            LIMIT 1
        ) AS firsts
    )
) AS day;

-- name: close_day
-- Write the daily balances of day $1, which lasts from $2 to $3, at the moment $4; returns how many.
WITH moved AS (
    SELECT
        balances.account_number,
        sum(lines.debits)::bigint AS debits,
        sum(lines.credits)::bigint AS credits,
        sum(lines.debit_count)::integer AS debit_count,
        sum(lines.credit_count)::integer AS credit_count
    FROM ledger_balances AS balances
    CROSS JOIN LATERAL (
        SELECT
            coalesce(sum(found.amount) FILTER (WHERE found.amount > 0), 0) AS debits,
            -coalesce(sum(found.amount) FILTER (WHERE found.amount < 0), 0) AS credits,
            count(*) FILTER (WHERE found.amount > 0) AS debit_count,
            count(*) FILTER (WHERE found.amount < 0) AS credit_count
        FROM ledger_lines AS found
        WHERE
            found.balance_number = balances.number
            AND found.posted_at >= $2::timestamptz
            AND found.posted_at < $3::timestamptz
            AND NOT found.pending
    ) AS lines
    WHERE lines.debit_count + lines.credit_count > 0
    GROUP BY balances.account_number
),

closed AS (
    INSERT INTO ledger_closed_days (day, closed_at) VALUES ($1::date, $4::timestamptz)
),

written AS (
    INSERT INTO ledger_daily_balances (
        account_number, day, opening, debits, credits, closing, debit_count, credit_count, written_at
    )
    SELECT
        moved.account_number,
        $1::date AS day,
        openings.net,
        moved.debits,
        moved.credits,
        openings.net + moved.debits - moved.credits,
        moved.debit_count,
        moved.credit_count,
        $4::timestamptz AS written_at
    FROM moved
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(coalesce(ends.balance_after, starts.debits_posted - starts.credits_posted)), 0)::bigint AS net
        FROM ledger_balances AS balances
        LEFT JOIN LATERAL (
            SELECT lines.balance_after FROM ledger_lines AS lines
            WHERE
                lines.balance_number = balances.number
                AND lines.posted_at >= (SELECT ledger_archived_until())
                AND lines.posted_at < $2::timestamptz
            ORDER BY lines.posted_at DESC, lines.account_line DESC
            LIMIT 1
        ) AS ends ON TRUE
        LEFT JOIN LATERAL ledger_check_start(balances.number, FALSE) AS starts ON TRUE
        WHERE balances.account_number = moved.account_number
    ) AS openings
    RETURNING 1
)

SELECT count(*) FROM written;

-- name: written_days
-- The daily balances of account $1 from day $2 to $3 as they hold.
SELECT DISTINCT ON (daily.day)
    daily.day,
    daily.opening,
    daily.debits,
    daily.credits,
    daily.closing,
    daily.debit_count,
    daily.credit_count
FROM ledger_daily_balances AS daily
WHERE daily.account_number = $1 AND daily.day BETWEEN $2 AND $3
ORDER BY daily.day ASC, daily.revision DESC;

-- name: last_closed_day
SELECT max(closed.day) AS day FROM ledger_closed_days AS closed;

-- name: dated_around
-- Lines of account $1 that count on another day than they were written on, where one of the two is from $2 to $3: among
-- those whose span of days touches that range, which the index finds however many others the account has.
SELECT
    dated.value_day,
    dated.posted_day,
    dated.amount
FROM ledger_value_dated_lines AS dated
WHERE
    dated.between_days && int8range(
        ($1::bigint << 32) + (greatest($2::date, date '1900-01-01') - date '2000-01-01') - 1,
        ($1::bigint << 32) + (least($3::date, date '9999-01-01') - date '2000-01-01'),
        '[]'
    )
    AND (dated.value_day BETWEEN $2 AND $3 OR dated.posted_day BETWEEN $2 AND $3);

-- name: told_days
-- What the lines of account $1 say of each day from the moment $2 to before $3.
SELECT
    lines.day,
    coalesce(sum(lines.amount) FILTER (WHERE lines.amount > 0), 0)::bigint AS debits,
    -coalesce(sum(lines.amount) FILTER (WHERE lines.amount < 0), 0)::bigint AS credits,
    (count(*) FILTER (WHERE lines.amount > 0))::integer AS debit_count,
    (count(*) FILTER (WHERE lines.amount < 0))::integer AS credit_count
FROM ledger_balances AS balances
CROSS JOIN LATERAL (
    SELECT
        (found.posted_at AT TIME ZONE interval '05:30')::date AS day,
        found.amount
    FROM ledger_lines AS found
    WHERE
        found.balance_number = balances.number
        AND found.posted_at >= $2::timestamptz
        AND found.posted_at < $3::timestamptz
        AND NOT found.pending
) AS lines
WHERE balances.account_number = $1
GROUP BY lines.day
ORDER BY lines.day;

-- name: correct_day!
-- A further revision of one account's day: account $1, day $2, figures $3-$8, written at $9 by $10 because of $11.
INSERT INTO ledger_daily_balances (
    account_number, day, revision, opening, debits, credits, closing, debit_count, credit_count, written_at,
    corrected_by, reason
)
SELECT
    $1,
    $2,
    coalesce(max(daily.revision) + 1, 1),
    $3,
    $4,
    $5,
    $6,
    $7,
    $8,
    $9,
    $10,
    $11
FROM ledger_daily_balances AS daily
WHERE daily.account_number = $1 AND daily.day = $2;
