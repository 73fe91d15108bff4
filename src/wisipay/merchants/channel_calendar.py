"""When a channel may be used, and with how much money: hours of a mode, maintenance windows, the stated float.

Decides which of them are acceptable; every change has its author and reason in the audit log. Must never decide whether
a payment may go: routing does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from wisipay.core.database import Connection
from wisipay.core.money import Paise
from wisipay.merchants.author import Author
from wisipay.merchants.errors import InvalidValue, UnknownChannel, UnknownWindow
from wisipay.merchants.model import ServiceKind
from wisipay.merchants.routing_rules import NOTE_MAX, checked_modes, checked_span
from wisipay.merchants.store import QUERIES, ROUTING

MAINTENANCE_LONGEST: Final = timedelta(days=30)


async def set_hours(
    conn: Connection,
    author: Author,
    channel_id: str,
    kind: ServiceKind,
    mode: str,
    span: tuple[int, int] | None,
) -> None:
    """Set when a channel takes a mode, in minutes of the Indian day; None: always. UnknownChannel, InvalidValue."""
    checked_modes(kind, (mode,))
    checked_span(*(span or (None, None)))
    async with conn.transaction():
        await _lock(conn, channel_id)
        before = await conn.fetchrow(ROUTING["delete_hours"], channel_id, kind, mode)
        if span is not None:
            await conn.execute(ROUTING["insert_hours"], channel_id, kind, mode, *span)
        await author.record(
            conn,
            "channel.hours",
            ("channel", channel_id),
            {"service": kind, "mode": mode, "minutes": None if before is None else list(before)},
            {"service": kind, "mode": mode, "minutes": span},
        )


async def add_maintenance(
    conn: Connection, author: Author, channel_id: str, starts_at: datetime, ends_at: datetime, reason: str
) -> int:
    """Leave a channel alone for a while; give the window's id. Raises UnknownChannel or InvalidValue."""
    if not starts_at < ends_at <= starts_at + MAINTENANCE_LONGEST:
        raise InvalidValue("maintenance", f"must end after it begins, within {MAINTENANCE_LONGEST.days} days")
    if ends_at <= author.moment:
        raise InvalidValue("maintenance", "is over already")
    if not 1 <= len(reason) <= NOTE_MAX:
        raise InvalidValue("reason", f"1 to {NOTE_MAX} characters, for whoever looks at night")
    async with conn.transaction():
        await _lock(conn, channel_id)
        window_id: int = await conn.fetchval(ROUTING["insert_maintenance"], channel_id, starts_at, ends_at, reason)
        after = {"window": window_id, "startsAt": f"{starts_at}", "endsAt": f"{ends_at}"}
        await author.record(conn, "channel.maintenance.add", ("channel", channel_id), None, after)
    return window_id


async def end_maintenance(conn: Connection, author: Author, window_id: int) -> None:
    """Take a window away, before, while or after it holds. Raises UnknownWindow."""
    async with conn.transaction():
        row = await conn.fetchrow(ROUTING["delete_maintenance"], window_id)
        if row is None:
            raise UnknownWindow(window_id)
        before = {"window": window_id, "startsAt": f"{row['starts_at']}", "endsAt": f"{row['ends_at']}"}
        await author.record(conn, "channel.maintenance.end", ("channel", row["channel_id"]), before, None)


async def state_float(
    conn: Connection,
    author: Author,
    channel_id: str,
    balance_paise: Paise | None,
    reserve_paise: Paise,
    used_paise: int,
) -> None:
    """State what the provider holds of ours now; None: do not go by a float. UnknownChannel, InvalidValue.

    `used_paise` is what the channel's payouts add up to at this moment.
    """
    if (balance_paise or 0) < 0 or reserve_paise < 0:
        raise InvalidValue("float", "must not be negative")
    async with conn.transaction():
        await _lock(conn, channel_id)
        before = await conn.fetchrow(ROUTING["delete_float"], channel_id)
        after: Mapping[str, object] | None = None
        if balance_paise is not None:
            after = {"balancePaise": balance_paise, "reservePaise": reserve_paise}
            await conn.execute(
                ROUTING["insert_float"], channel_id, balance_paise, reserve_paise, used_paise, author.moment
            )
        was = None if before is None else {"balancePaise": before[0], "reservePaise": before[1]}
        await author.record(conn, "channel.float", ("channel", channel_id), was, after)


async def _lock(conn: Connection, channel_id: str) -> None:
    if await conn.fetchrow(QUERIES["lock_channel"], channel_id) is None:
        raise UnknownChannel(channel_id)
