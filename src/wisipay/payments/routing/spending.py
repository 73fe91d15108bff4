"""How much has gone through channels that have limits or a float, read every two seconds, beside the payments' way.

Decides which channels pay out of one float: those of one adapter with the same credentials, whatever their webhooks are
signed with. For the rest it decides nothing: routing passes by a channel that is full or out of money, and the machine
counts exactly, under locks. What this process itself sends in between is taken into account at once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from wisipay.core.clock import Clock, ist_day
from wisipay.core.database import OUTAGES, Connection, Pool
from wisipay.core.logging import get_logger
from wisipay.core.metrics import gauge
from wisipay.core.sql import load_queries
from wisipay.core.tasks import end
from wisipay.merchants import SERVICE_KINDS, Channel, Directory, ServiceKind
from wisipay.payments.model import Kind
from wisipay.payments.routing.floats import told_floats
from wisipay.payments.routing.model import ToldFloat
from wisipay.payments.routing.places import Used
from wisipay.payments.usage import channel_subject, day_key, month_key

EVERY_SECONDS: Final = 2.0

FLOAT_PAISE: Final = gauge(
    "provider_float_paise", "What the provider said that it holds for payouts, less what went out since", ("channel",)
)
FLOAT_LOW: Final = gauge("provider_float_low", "Whether that is less than FLOAT_LOW", ("channel",))

_QUERIES = load_queries(__file__, "queries.sql")
_log = get_logger("payments.routing.spending")


class Spending:
    """What channels have used of their limits and floats, as far as this process knows."""

    def __init__(self, pool: Pool, directory: Directory, clock: Clock, *, low_paise: int = 0) -> None:
        self._pool = pool
        self._low_paise = low_paise
        self._directory = directory
        self._clock = clock
        self._used: dict[str, Used] = {}
        self._told: dict[str, ToldFloat] = {}
        self._sharing: dict[str, list[str]] = {}
        self._day: date | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(), name="routing spending")

    async def stop(self) -> None:
        """Stop reading."""
        await end(self._task)

    def used(self, channel_id: str, kind: ServiceKind) -> Used | None:
        """Return what the channel has used, None when it is not known, or was of another day."""
        if self._day != ist_day(self._clock.now()):
            return None
        return self._used.get(_subject(channel_id, kind))

    def told(self, channel_id: str) -> ToldFloat | None:
        """Return what the provider said of the channel's float, None when it did not, or too long ago.

        What other channels of the same account have sent since then is taken off.
        """
        return self._told.get(channel_id)

    def sent(self, channel_id: str, kind: ServiceKind, amount_paise: int) -> None:
        """Take a payment into account that is about to be sent."""
        subject = _subject(channel_id, kind)
        used = self._used.get(subject)
        if used is not None:
            self._used[subject] = Used(used.day + amount_paise, used.month + amount_paise, used.ever + amount_paise)
        if kind == "payout":
            for other in self._sharing.get(channel_id, ()):
                if other != channel_id:
                    told = self._told[other]
                    self._told[other] = replace(told, balance_paise=told.balance_paise - amount_paise)

    async def refresh(self) -> None:
        """Read what was used."""
        book, now = await self._directory.routing_book(), self._clock.now()
        day = ist_day(now)
        async with self._pool.acquire() as conn:
            told = await told_floats(conn, now)
            with_float = {*book.floats, *told}
            subjects = [
                _subject(channel.id, kind)
                for channel in book.channels.values()
                for kind in SERVICE_KINDS
                if _is_bounded(channel, kind) or (kind == "payout" and channel.id in with_float)
            ]
            self._used = await read_used(conn, subjects, day)
        self._sharing = await self._sharers(told)
        self._told, self._day = _shared(told, self._sharing, self._used), day
        self._show()

    async def _sharers(self, told: Iterable[str]) -> dict[str, list[str]]:
        """Return for every channel all that have its account, itself among them."""
        accounts = defaultdict[object, list[str]](list)
        for channel_id in told:
            try:
                adapter, credentials = await self._directory.credentials(channel_id)
            except Exception as error:  # noqa: BLE001 - one channel's credentials must not stop the others
                _log.warning("routing.account_unknown", channel_id=channel_id, error=type(error).__name__)
                continue
            keys = frozenset(each for each in credentials.items() if not each[0].lower().startswith("webhook"))
            accounts[(adapter, keys) if keys else channel_id].append(channel_id)
        return {channel_id: sharers for sharers in accounts.values() for channel_id in sharers}

    def _show(self) -> None:
        """Set the gauges; those of a channel that tells no more keep their last value, and are no longer low."""
        for channel_id, told in self._told.items():
            used = self._used.get(_subject(channel_id, "payout"), Used(ever=told.used_paise))
            left_paise = told.balance_paise - (used.ever - told.used_paise)
            FLOAT_PAISE.labels(channel_id).set(left_paise)
            FLOAT_LOW.labels(channel_id).set(left_paise < self._low_paise)

    async def _run(self) -> None:
        while True:
            try:
                await self.refresh()
            except OUTAGES as error:
                _log.warning("routing.spending_stale", error=repr(error))
            await asyncio.sleep(EVERY_SECONDS)


def _shared(
    told: Mapping[str, ToldFloat], sharing: Mapping[str, list[str]], used: Mapping[str, Used]
) -> dict[str, ToldFloat]:
    """Give all channels of an account the latest word of its float, less what the others have sent since theirs."""
    shared, sent = {}, {}
    for channel_id, one in told.items():
        now_used = used.get(_subject(channel_id, "payout"))
        sent[channel_id] = 0 if now_used is None else now_used.ever - one.used_paise
    for channel_id, one in told.items():
        sharers = sharing.get(channel_id, [channel_id])
        latest = max((told[sharer] for sharer in sharers), key=lambda each: each.told_at)
        others_paise = sum(sent[sharer] for sharer in sharers if sharer != channel_id)
        shared[channel_id] = ToldFloat(latest.balance_paise - others_paise, one.used_paise, latest.told_at)
    return shared


async def read_used(conn: Connection, subjects: Iterable[str], day: date) -> dict[str, Used]:
    """Read what payments of these subjects add up to; one that was never used is at zero."""
    wanted = list(subjects)
    rows = await conn.fetch(_QUERIES["used"], wanted, day_key("", day)[1], month_key("", day)[1])
    found = {row["subject"]: Used(row["day"], row["month"], row["ever"]) for row in rows}
    return {subject: found.get(subject, Used()) for subject in wanted}


async def payouts_ever(conn: Connection, channel_id: str, day: date) -> int:
    """Return what a channel's payouts add up to in paise: those that are open and those that went well."""
    subject = _subject(channel_id, "payout")
    return (await read_used(conn, [subject], day))[subject].ever


def _subject(channel_id: str, kind: ServiceKind) -> str:
    return channel_subject(channel_id, Kind.PAYIN if kind == "payin" else Kind.PAYOUT)


def _is_bounded(channel: Channel, kind: ServiceKind) -> bool:
    limits = channel.service(kind).limits
    return (limits.daily_paise, limits.monthly_paise) != (None, None)
