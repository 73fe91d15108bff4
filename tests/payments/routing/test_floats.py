"""Floats as providers tell them: asked for, gone by for a while, and told of when they run low."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from support.merchants import FixedClock
from wisipay.core.clock import utc_now
from wisipay.core.metrics import REGISTRY
from wisipay.core.money import Paise
from wisipay.entrypoints.engine import Engine
from wisipay.merchants import Author, Directory, RoutingBook, change_channel, state_float
from wisipay.payments import FloatPoller, Kind, PayCode, PaymentError, Request, Spending, Transaction
from wisipay.payments.routing.floats import TOLD_FOR
from wisipay.providers import Balance, ProviderGateway
from wisipay.providers.base import Unknown

FIRST, SECOND = "dummy_demo", "dummy2_demo"
PARTY = {"name": "Asha Rao", "accountNumber": "000123456789", "ifsc": "HDFC0000001", "bankName": "HDFC Bank"}


@dataclass
class Teller:
    """Tells balances by channel; a channel without one cannot tell, and None is no answer."""

    told: dict[str, int | None] = field(default_factory=dict)

    @property
    def inquiries(self) -> Teller:
        return self

    @property
    def tells_balance(self) -> bool:
        return True

    async def capabilities(self, channel_id: str) -> Any:  # noqa: ANN401 - stands in for capabilities
        if channel_id not in self.told:
            raise LookupError(channel_id)
        return self

    async def balance(self, channel_id: str) -> Balance | Unknown:
        told = self.told[channel_id]
        return Unknown("lost") if told is None else Balance(Paise(told))


class Mute:
    """A provider that cannot tell."""

    tells_balance = False

    async def capabilities(self, _channel_id: str) -> Mute:
        return self


def poller(parts: Engine, teller: object, low_paise: int = 50_000) -> FloatPoller:
    gateway = cast("ProviderGateway", teller)
    return FloatPoller(parts.pool, parts.directory, gateway, parts.clock, low_paise=low_paise)


async def payout(parts: Engine, order_id: str) -> Transaction:
    merchant = await parts.directory.merchant("MER-1")
    assert merchant
    return await parts.payments.initiate(
        merchant, Request(Kind.PAYOUT, order_id, Paise(50_000), "IMPS", PARTY, remarks="sim:pending")
    )


async def routed_by(parts: Engine, **options: Any) -> Spending:  # noqa: ANN401 - any option
    spending = Spending(parts.pool, parts.directory, parts.clock, **options)
    parts.router._spending = spending  # noqa: SLF001 - one that reads when the test says so
    await refreshed(parts, spending)
    return spending


async def refreshed(parts: Engine, spending: Spending) -> None:
    await spending.refresh()
    parts.router._latest.now -= timedelta(minutes=1)  # noqa: SLF001 - what was known a moment ago is over


async def test_payouts_pass_a_provider_that_told_of_an_empty_float(parts: Engine) -> None:
    await payout(parts, "ORDER-0")
    await poller(parts, Teller({FIRST: 70_000, SECOND: 1_000_000})).poll()
    spending = await routed_by(parts, low_paise=50_000)
    channels = [(await payout(parts, f"ORDER-{number}")).channel_id for number in range(1, 4)]
    assert channels == [FIRST, SECOND, SECOND]
    await spending.refresh()

    def shown(name: str) -> float | None:
        return REGISTRY.get_sample_value(f"wisipay_provider_float_{name}", {"channel": FIRST})

    assert (shown("paise"), shown("low")) == (20_000, 1)


@dataclass
class Accounts:
    """The directory of an installation whose channels have these credentials; those of a missing one cannot be read."""

    parts: Engine
    credentials_of: dict[str, dict[str, str]]

    async def routing_book(self) -> RoutingBook:
        return await self.parts.directory.routing_book()

    async def credentials(self, channel_id: str) -> tuple[str, dict[str, str]]:
        return "dummy", self.credentials_of[channel_id]


async def test_channels_of_one_account_share_its_float(parts: Engine) -> None:
    await poller(parts, Teller({FIRST: 90_000, SECOND: 90_000})).poll()
    one_key = {FIRST: {"apiKey": "k", "webhookKey": "1"}, SECOND: {"apiKey": "k", "webhookKey": "2"}}
    spending = Spending(parts.pool, cast("Directory", Accounts(parts, one_key)), parts.clock)
    parts.router._spending = spending  # noqa: SLF001 - one that reads when the test says so
    await refreshed(parts, spending)
    assert (await payout(parts, "ORDER-1")).channel_id == FIRST
    parts.router._latest.now -= timedelta(minutes=1)  # noqa: SLF001 - as in `refreshed`
    with pytest.raises(PaymentError) as empty:  # 400 rupees are left, for the other channel as well
        await payout(parts, "ORDER-2")
    assert "dummy2_demo: its float holds 40000 paise more" in (empty.value.internal or "")
    await refreshed(parts, spending)
    left = [told.balance_paise for name in (FIRST, SECOND) if (told := spending.told(name))]
    assert left == [90_000, 40_000]


async def test_channels_of_other_accounts_and_those_that_cannot_be_read_share_nothing(parts: Engine) -> None:
    await poller(parts, Teller({FIRST: 90_000, SECOND: 90_000})).poll()
    await parts.pool.execute("UPDATE payments_floats SET channel_id = 'gone_demo' WHERE channel_id = $1", SECOND)
    installations: list[dict[str, dict[str, str]]] = [
        {FIRST: {"apiKey": "a"}, "gone_demo": {"apiKey": "b"}},
        {FIRST: {}, "gone_demo": {}},
        {},
    ]
    for keys in installations:
        spending = Spending(parts.pool, cast("Directory", Accounts(parts, keys)), parts.clock)
        await spending.refresh()
        spending.sent(FIRST, "payout", 50_000)
        spending.sent("gone_demo", "payin", 50_000)  # what is collected comes into no float
        other = spending.told("gone_demo")
        assert other
        assert other.balance_paise == 90_000


async def test_the_later_word_counts_and_the_operators_reserve_is_kept(parts: Engine) -> None:
    author = Author("test", utc_now(), reason="test")
    async with parts.pool.acquire() as conn:
        await state_float(conn, author, FIRST, Paise(10_000), Paise(30_000), 0)
        await change_channel(conn, author, SECOND, is_active=False)
    parts.directory.invalidate()
    await routed_by(parts)
    with pytest.raises(PaymentError) as empty:
        await payout(parts, "ORDER-1")
    assert empty.value.pay_code is PayCode.CHANNEL_INACTIVE
    await poller(parts, Teller({FIRST: 79_999})).poll()
    spending = await routed_by(parts)
    with pytest.raises(PaymentError) as short:
        await payout(parts, "ORDER-2")
    assert "its float holds 49999 paise more" in (short.value.internal or "")
    await poller(parts, Teller({FIRST: 80_000})).poll()
    await refreshed(parts, spending)
    assert (await payout(parts, "ORDER-3")).channel_id == FIRST


async def test_what_was_told_long_ago_is_not_gone_by(parts: Engine) -> None:
    await poller(parts, Teller({FIRST: 0, SECOND: 0})).poll()
    later = FixedClock(utc_now() + TOLD_FOR + timedelta(seconds=1))
    spending = Spending(parts.pool, parts.directory, later)
    assert spending.told(FIRST) is None
    await spending.refresh()
    assert spending.told(FIRST) is None


async def test_a_float_that_runs_low_is_told_of_once(parts: Engine) -> None:
    teller = Teller({FIRST: 49_999})
    with capture_logs() as logs:
        await poller(parts, teller).poll()
        await poller(parts, teller).poll()
        teller.told[FIRST] = 50_000
        await poller(parts, teller).poll()
        teller.told[FIRST] = None
        await poller(parts, teller).poll()
        teller.told[FIRST] = 0
        await poller(parts, teller).poll()
    names = [(log["event"], log["channel_id"]) for log in logs]
    assert names.count(("provider.float.low", FIRST)) == 2
    assert names.count(("provider.float.not_told", FIRST)) == 1
    assert names.count(("provider.float.not_asked", SECOND)) == 5


async def test_a_provider_that_cannot_tell_is_not_asked(parts: Engine) -> None:
    await poller(parts, Mute()).poll()
    assert await parts.pool.fetchval("SELECT count(*) FROM payments_floats") == 0
