"""Waits until everything has come to its end once nothing is hurt any more, with the clock put forward.

What waits for its time (a look at a payout in twenty minutes, a callback's next attempt in two hours) would make a run
last a day. So every waiting row is moved towards now, by the same time for all its moments, as if that time had passed.
Decides when nothing more will happen. Must never change what a row says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import asyncpg

from support.e2e_play import Play
from wisipay.core.database import Pool
from wisipay.core.http_client import AnswerLost, NotSent

SETTLE_SECONDS_MAX = 300.0
_STEP_SECONDS = 60
_LOOK_SECONDS = 1.0
_CALM_LOOKS = 2
_CIRCUIT_SECONDS = 35
"""No circuit that the faults opened is open after so long; it keeps to the real clock, and lets no look through."""

_FORWARD = """
WITH payments AS (
    UPDATE payments_transactions
    SET
        due_at = due_at - $1::int * interval '1 second',
        expires_at = expires_at - $1::int * interval '1 second',
        attempt_started_at = attempt_started_at - $1::int * interval '1 second'
    WHERE due_at > now() AND (lease_until IS NULL OR lease_until < now())
),

callbacks AS (
    UPDATE callbacks_outbox SET due_at = due_at - $1::int * interval '1 second'
    WHERE state = 'WAITING' AND lease_token IS NULL AND due_at > now()
)

UPDATE webhooks_inbox SET due_at = due_at - $1::int * interval '1 second'
WHERE state = 'WAITING' AND lease_token IS NULL AND due_at > now()
"""
_END_OF_DAY = "UPDATE payments_transactions SET due_at = now() WHERE due_at > now()"
_KEYS_FORWARD = """
UPDATE payments_idempotency SET started_at = started_at - interval '60 seconds' WHERE status IS NULL
"""
_LEFT = """
SELECT
    (SELECT count(*) FROM payments_transactions WHERE status IN ('PENDING', 'PROCESSING')) AS payments,
    (SELECT count(*) FROM payments_transactions WHERE due_at < now() + interval '30 minutes') AS looks,
    (SELECT count(*) FROM callbacks_outbox WHERE state = 'WAITING') AS callbacks,
    (SELECT count(*) FROM webhooks_inbox WHERE state = 'WAITING') AS webhooks
"""


@dataclass(frozen=True, slots=True)
class Left:
    """What has not come to its end: open payments, looks that are due soon, callbacks and webhooks that wait."""

    payments: int
    looks: int
    callbacks: int
    webhooks: int

    @property
    def is_nothing(self) -> bool:
        """Whether all is done."""
        return not (self.payments or self.looks or self.callbacks or self.webhooks)


async def free_keys(pool: Pool) -> None:
    """Let the minute pass after which an `Idempotency-Key` is free whose request died. No request may be running."""
    await pool.execute(_KEYS_FORWARD)


async def settle(pool: Pool, play: Play, say: Callable[[str], None]) -> Left:
    """Return once nothing is left and the provider is quiet, or what is left after five minutes.

    The day ends meanwhile, once: a payin that expired while its circuit was open is only asked about then.
    """
    begun = monotonic()
    calm, left, day_ended = 0, Left(1, 1, 1, 1), False
    while not (day_ended and calm >= _CALM_LOOKS) and monotonic() < begun + SETTLE_SECONDS_MAX:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            if not day_ended and calm >= _CALM_LOOKS and monotonic() > begun + _CIRCUIT_SECONDS:
                await pool.execute(_END_OF_DAY)
                calm, day_ended = 0, True
            is_quiet = (await play.simulator.summary()).is_quiet
            left = await _look(pool)
            calm = calm + 1 if is_quiet and left.is_nothing else 0
            if is_quiet and not left.is_nothing:
                await pool.execute(_FORWARD, _STEP_SECONDS)
        except (NotSent, AnswerLost, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            say(f"cannot look yet: {error!r}")
    return left


async def _look(pool: Pool) -> Left:
    row = await pool.fetchrow(_LEFT)
    assert row is not None
    return Left(**row)
