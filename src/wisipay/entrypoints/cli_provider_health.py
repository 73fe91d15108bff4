"""What an operator does about a channel that is not well: look, pause, resume; maintenance, hours, float.

Decides how they are called for; `cli_provider` carries them as `wisipay provider ...`. A pause needs its reason, which
is shown wherever routing tells of it, and is in the audit log like every change.
"""

import asyncio
from typing import Annotated, Final

from cyclopts import Parameter

from wisipay.core.clock import in_ist, ist_day, utc_now
from wisipay.core.money import rupees_text
from wisipay.entrypoints.cli_routing import moment_from
from wisipay.entrypoints.engine import Engine, engine
from wisipay.entrypoints.operator import Operator, operate, tell, tell_json
from wisipay.entrypoints.service_options import amount_from
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.merchants import (
    SERVICE_KINDS,
    InvalidValue,
    ServiceKind,
    UnknownChannel,
    add_maintenance,
    change_channel,
    checked_minute,
    end_maintenance,
    read_channels,
    read_routing_book,
    set_hours,
    state_float,
)
from wisipay.payments import payouts_ever, told_floats
from wisipay.providers import State

_NO_FLOAT: Final = "none"


def pause(name: str, *, reason: str) -> None:
    """Take a channel, or every channel of a provider, out of routing until somebody resumes it.

    Parameters
    ----------
    name
        A channel (dummy_demo) or a provider (dummy).
    reason
        Why; whoever looks at night reads it.
    """
    _switch(name, paused=True, reason=reason)


def resume(name: str, *, reason: str) -> None:
    """Take a channel, or every channel of a provider, back into routing.

    Parameters
    ----------
    name
        A channel (dummy_demo) or a provider (dummy).
    reason
        Why, for the audit log.
    """
    _switch(name, paused=False, reason=reason)


def maintenance(channel_id: str, start: str, end: str, *, reason: str) -> None:
    """Leave a channel alone from one moment to another, both in Indian time: 2026-12-31T23:00.

    Parameters
    ----------
    start
        From then on.
    end
        Until before then.
    reason
        Shown with every payment that passes it by.
    """
    window = operate(
        lambda operator: add_maintenance(
            operator.conn, operator.author, channel_id, moment_from("start", start), moment_from("end", end), reason
        ),
        reason=reason,
    )
    tell(f"added maintenance window {window} of channel {channel_id}")


def windows() -> None:
    """List the maintenance windows that are not over."""
    book = operate(lambda operator: read_routing_book(operator.conn))
    tell_json(
        [
            {
                "id": window.id,
                "channel": window.channel_id,
                "from": f"{in_ist(window.starts_at):%Y-%m-%dT%H:%M} IST",
                "to": f"{in_ist(window.ends_at):%Y-%m-%dT%H:%M} IST",
                "reason": window.reason,
            }
            for window in book.maintenance
        ]
    )


def end_window(window_id: int) -> None:
    """Take a maintenance window away, also one that holds now."""
    operate(lambda operator: end_maintenance(operator.conn, operator.author, window_id))
    tell(f"removed maintenance window {window_id}")


def hours(
    channel_id: str,
    service: ServiceKind,
    mode: str,
    *,
    span: Annotated[tuple[str, str] | None, Parameter(name="--from-to", negative="")] = None,
) -> None:
    """Set when a channel takes a mode, its cut-off times; always, when no --from-to is given.

    Parameters
    ----------
    span
        First and last time of day in India, such as 07:00 18:00.
    """
    minutes = None if span is None else (checked_minute("from", span[0]), checked_minute("to", span[1]))
    operate(lambda operator: set_hours(operator.conn, operator.author, channel_id, service, mode, minutes))
    tell(f"changed the hours of {mode} at channel {channel_id}")


def float_(channel_id: str, balance: str, *, reserve: str = "0") -> None:
    """State what a provider holds of ours for payouts now; what goes out from here on is counted off.

    Parameters
    ----------
    balance
        Rupees, or none: route without looking at a float.
    reserve
        Rupees that are never touched.
    """
    stated = None if balance == _NO_FLOAT else amount_from("balance", balance)
    kept = amount_from("reserve", reserve)

    async def command(operator: Operator) -> None:
        used = await payouts_ever(operator.conn, channel_id, ist_day(utc_now()))
        await state_float(operator.conn, operator.author, channel_id, stated, kept, used)

    operate(command)
    tell(f"stated the float of channel {channel_id}")


def health() -> None:
    """Show how every channel does: success, speed, circuits, holds, pauses, float."""
    asyncio.run(_health())


async def _health() -> None:
    async with engine(settings_with_stores(), "operator") as parts:
        async with parts.pool.acquire() as conn:
            told = {
                channel_id: rupees_text(each.balance_paise)
                for channel_id, each in (await told_floats(conn, parts.clock.now())).items()
            }
        tell_json(
            [
                await _line(parts, channel_id, kind, told.get(channel_id) if kind == "payout" else None)
                for channel_id in sorted(await _ids(parts))
                for kind in SERVICE_KINDS
            ]
        )


async def _ids(parts: Engine) -> list[str]:
    return [channel.id for channel in await parts.directory.channels()]


async def _line(parts: Engine, channel_id: str, kind: ServiceKind, told_float: str | None) -> dict[str, object]:
    book = await parts.directory.routing_book()
    seen, channel = parts.health.health(channel_id, kind), book.channels[channel_id]
    standing = seen.standing
    stated = book.floats.get(channel_id) if kind == "payout" else None
    return {
        "channel": channel_id,
        "service": kind,
        "isActive": channel.is_active and channel.service(kind).is_active,
        "paused": (channel.pause_reason or "yes") if channel.is_paused else None,
        "standing": standing.state,
        "heldForSeconds": (standing.until_ms - parts.clock.now().timestamp() * 1_000) // 1_000
        if standing.state is State.HELD
        else None,
        "circuitOpen": await parts.gateway.circuit_open(channel_id, kind),
        "expectedSuccess": round(seen.mean, 3),
        "answered": round(seen.answered, 3),
        "recentCalls": round(seen.calls, 1),
        "recentEnds": round(seen.ends, 1),
        "secondsPerCall": round(seen.seconds, 3),
        "statedFloat": None if stated is None else rupees_text(stated.balance_paise),
        "toldFloat": told_float,
        "statedAt": None if stated is None else f"{in_ist(stated.stated_at):%Y-%m-%dT%H:%M} IST",
    }


def _switch(name: str, *, paused: bool, reason: str) -> None:
    if not reason.strip():
        raise InvalidValue("reason", "must not be empty")

    async def command(operator: Operator) -> list[str]:
        found = [
            channel.id
            for channel in (await read_channels(operator.conn)).values()
            if name in {channel.id, channel.provider_id}
        ]
        if not found:
            raise UnknownChannel(name)
        for channel_id in found:
            await change_channel(operator.conn, operator.author, channel_id, is_paused=paused)
        return found

    for channel_id in operate(command, reason=reason.strip()):
        tell(f"{'paused' if paused else 'resumed'} channel {channel_id}")
