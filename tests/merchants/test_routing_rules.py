"""Rules, hours, windows and floats as an operator sets them: what is refused, what is read back, who did it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from support.merchants import NOW, ready_channel
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection, Pool
from wisipay.core.money import Paise
from wisipay.merchants import (
    Author,
    InvalidValue,
    ModeHours,
    RoutingBook,
    RoutingRule,
    RuleAction,
    StatedFloat,
    UnknownChannel,
    UnknownMerchant,
    UnknownRule,
    UnknownWindow,
    add_maintenance,
    add_rule,
    change_channel,
    checked_minute,
    end_maintenance,
    read_channels,
    read_routing_book,
    remove_rule,
    set_hours,
    state_float,
)
from wisipay.merchants import routing_rules as module

AUTHOR = Author("cli:asha", NOW, reason="the bank asked for it")
RULE = RoutingRule(0, None, "payout", 100, RuleAction.WEIGHT, ("dummy_dummy-owner",), (3,))
CHANNEL = "dummy_dummy-owner"


@pytest.fixture
async def conn(database: Pool) -> AsyncIterator[Connection]:
    """Return a connection to a database with one channel."""
    async with database.acquire() as connection:
        assert await ready_channel(connection, SecretBox({"k1": bytes(32)}, "k1"), AUTHOR) == CHANNEL
        yield connection


async def audited(conn: Connection) -> list[tuple[str, str | None]]:
    """Return what the audit log says of changes made here, and why; all at one moment, so by their names."""
    rows = await conn.fetch("SELECT action, reason FROM audit_log WHERE action ~ 'routing|maintenance' ORDER BY action")
    return [(row["action"], row["reason"]) for row in rows]


async def test_a_rule_is_kept_as_it_was_given_until_it_is_removed(conn: Connection) -> None:
    full = replace(
        RULE, is_exclusive=True, modes=("IMPS", "UPI"), banks=("HDFC", "ICIC0001234", "@ybl"), from_paise=Paise(100),
        to_paise=Paise(100), from_minute=1_320, to_minute=360, note="night",
    )  # fmt: skip
    number = await add_rule(conn, AUTHOR, full)
    assert (await read_routing_book(conn)).rules == (replace(full, id=number),)
    await remove_rule(conn, AUTHOR, number)
    assert (await read_routing_book(conn)).rules == ()
    with pytest.raises(UnknownRule):
        await remove_rule(conn, AUTHOR, number)
    reason = "the bank asked for it"
    assert await audited(conn) == [("routing.rule.add", reason), ("routing.rule.remove", reason)]


@pytest.mark.parametrize(
    "change",
    [
        {"priority": 0},
        {"priority": 10_001},
        {"channels": (CHANNEL, CHANNEL), "weights": ()},
        {"channels": (), "weights": (), "action": RuleAction.AVOID},
        {"channels": (), "weights": (), "is_exclusive": True},
        {"note": "x" * 501},
        {"weights": (1, 2)},
        {"weights": (0,)},
        {"weights": (1_001,)},
        {"weights": (1,), "action": RuleAction.COST},
        {"modes": ("CASH",)},
        {"banks": ("HDF",)},
        {"banks": ("HDFC",), "service": "payin"},
        {"from_paise": Paise(-1)},
        {"from_paise": Paise(2), "to_paise": Paise(1)},
        {"from_minute": 5},
        {"from_minute": 5, "to_minute": 5},
        {"from_minute": 1_440, "to_minute": 5},
        {"from_minute": 5, "to_minute": 0},
    ],
)
async def test_a_rule_that_cannot_be_meant_is_refused(conn: Connection, change: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        await add_rule(conn, AUTHOR, replace(RULE, **change))  # type: ignore[arg-type]  # any field
    assert await audited(conn) == []


async def test_channels_and_merchants_of_a_rule_must_exist_and_rules_are_bounded(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownChannel):
        await add_rule(conn, AUTHOR, replace(RULE, channels=("nobody_nowhere",)))
    with pytest.raises(UnknownMerchant):
        await add_rule(conn, AUTHOR, replace(RULE, merchant_id="nobody"))
    monkeypatch.setattr(module, "RULES_MAX", 0)
    with pytest.raises(InvalidValue):
        await add_rule(conn, AUTHOR, RULE)


@pytest.mark.parametrize(("text", "minute"), [("00:00", 0), ("09:30", 570), ("24:00", 1_440)])
def test_a_time_of_day_is_read(text: str, minute: int) -> None:
    assert checked_minute("from", text) == minute


@pytest.mark.parametrize("text", ["9:30", "24:01", "09:60", "half past nine", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        checked_minute("from", text)


async def test_hours_are_set_changed_and_taken_away(conn: Connection) -> None:
    await set_hours(conn, AUTHOR, CHANNEL, "payout", "RTGS", (420, 1_080))
    await set_hours(conn, AUTHOR, CHANNEL, "payout", "RTGS", (480, 1_080))
    assert (await read_routing_book(conn)).hours == (ModeHours(CHANNEL, "payout", "RTGS", 480, 1_080),)
    await set_hours(conn, AUTHOR, CHANNEL, "payout", "RTGS", None)
    assert (await read_routing_book(conn)).hours == ()
    with pytest.raises(UnknownChannel):
        await set_hours(conn, AUTHOR, "nobody_nowhere", "payout", "RTGS", None)


async def test_a_maintenance_window_is_added_and_ended(conn: Connection, database: Pool) -> None:
    now = await database.fetchval("SELECT now()")
    author = replace(AUTHOR, moment=now)
    window = await add_maintenance(conn, author, CHANNEL, now, now + timedelta(hours=1), "upgrade")
    (found,) = (await read_routing_book(conn)).maintenance
    assert (found.id, found.channel_id, found.reason) == (window, CHANNEL, "upgrade")
    await end_maintenance(conn, author, window)
    with pytest.raises(UnknownWindow):
        await end_maintenance(conn, author, window)
    assert len(await audited(conn)) == 2


@pytest.mark.parametrize(
    ("starts", "ends", "reason"),
    [(1, 1, "x"), (0, 31 * 24, "x"), (-2, -1, "x"), (0, 1, ""), (0, 1, "x" * 501)],
)
async def test_a_window_that_cannot_be_meant_is_refused(conn: Connection, starts: int, ends: int, reason: str) -> None:
    moments = (NOW + timedelta(hours=starts), NOW + timedelta(hours=ends))
    with pytest.raises(InvalidValue):
        await add_maintenance(conn, AUTHOR, CHANNEL, *moments, reason)


async def test_a_float_is_stated_anew_and_taken_away(conn: Connection) -> None:
    await state_float(conn, AUTHOR, CHANNEL, Paise(500), Paise(100), 7)
    await state_float(conn, AUTHOR, CHANNEL, Paise(900), Paise(0), 8)
    expected = StatedFloat(CHANNEL, Paise(900), Paise(0), 8, NOW)
    assert (await read_routing_book(conn)).floats == {CHANNEL: expected}
    await state_float(conn, AUTHOR, CHANNEL, None, Paise(0), 9)
    assert (await read_routing_book(conn)).floats == RoutingBook().floats
    with pytest.raises(InvalidValue):
        await state_float(conn, AUTHOR, CHANNEL, Paise(-1), Paise(0), 0)


async def test_a_pause_shows_its_reason_for_as_long_as_it_lasts(conn: Connection) -> None:
    async def shown() -> tuple[bool, str | None]:
        found = (await read_channels(conn))[CHANNEL]
        return found.is_paused, found.pause_reason

    await change_channel(conn, AUTHOR, CHANNEL, is_paused=True)
    await change_channel(conn, replace(AUTHOR, reason="another"), CHANNEL, is_active=True)
    assert await shown() == (True, "the bank asked for it")
    await change_channel(conn, AUTHOR, CHANNEL, is_paused=False)
    assert await shown() == (False, None)
