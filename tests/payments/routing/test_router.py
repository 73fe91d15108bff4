"""Routing on real stores: rules, windows, floats and health decide where payments go, and the timeline says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from wisipay.core.clock import utc_now
from wisipay.core.money import Paise
from wisipay.entrypoints.engine import Engine
from wisipay.merchants import (
    Author,
    Merchant,
    RoutingRule,
    RuleAction,
    ServiceChange,
    ServiceOwner,
    add_maintenance,
    add_rule,
    change_service,
    state_float,
)
from wisipay.payments import (
    Kind,
    PayCode,
    PaymentError,
    Request,
    Spending,
    Transaction,
    payment_file,
    payment_lines,
    payouts_ever,
)
from wisipay.providers import Standing, State, Unknown

FIRST, SECOND = "dummy_demo", "dummy2_demo"
PARTY = {"name": "Asha Rao", "accountNumber": "000123456789", "ifsc": "HDFC0000001", "bankName": "HDFC Bank"}
PAYER = {"name": "Asha Rao", "email": "asha@example.com", "phone": "9876543210"}


def author() -> Author:
    return Author("test", utc_now(), reason="test")


async def started(parts: Engine, order: str, *, kind: Kind = Kind.PAYOUT, **changes: Any) -> Transaction:  # noqa: ANN401 - any field
    party, mode = (PARTY, "IMPS") if kind is Kind.PAYOUT else (PAYER, "UPI")
    request = replace(Request(kind, order, Paise(50_000), mode, party, remarks="sim:pending"), **changes)
    return await parts.payments.initiate(await merchant(parts), request)


async def merchant(parts: Engine) -> Merchant:
    found = await parts.directory.merchant("MER-1")
    assert found is not None
    return found


async def told(parts: Engine, transaction_id: str) -> str:
    """Return what is told of a payment's routing."""
    async with parts.pool.acquire() as conn:
        found = await payment_file(conn, transaction_id)
    assert found is not None
    return "\n".join(payment_lines(found.events, found.attempts))


async def ruled(parts: Engine, action: RuleAction, *channels: str, **more: Any) -> int:  # noqa: ANN401 - any field
    rule = RoutingRule(0, None, "payout", 100, action, channels, **more)
    async with parts.pool.acquire() as conn:
        number = await add_rule(conn, author(), rule)
    parts.directory.invalidate()
    return number


async def test_rules_decide_and_the_timeline_says_which(parts: Engine) -> None:
    number = await ruled(parts, RuleAction.ORDER, SECOND, modes=("IMPS",), banks=("HDFC",), from_paise=Paise(50_000))
    by_rule = await started(parts, "ORDER-1")
    other_bank = await started(parts, "ORDER-2", party=PARTY | {"ifsc": "ICIC0000001"})
    smaller = await started(parts, "ORDER-3", amount_paise=Paise(49_900))
    assert [each.channel_id for each in (by_rule, other_bank, smaller)] == [SECOND, FIRST, FIRST]
    lines = await told(parts, by_rule.id)
    assert f"channels of rule {number}, in the order given" in lines
    assert f"  1. {SECOND}\n  2. {FIRST} (fallback)" in lines
    assert f"attempt 1 at {SECOND} (rule {number} by order, place 1)" in lines


async def test_a_vpa_is_routed_by_its_handle(parts: Engine) -> None:
    await ruled(parts, RuleAction.AVOID, FIRST, banks=("@okhdfc",))
    vpa = {"name": "Asha Rao", "vpa": "asha.rao@OkHdfc"}
    assert (await started(parts, "ORDER-1", party=vpa, mode="UPI")).channel_id == SECOND


async def test_maintenance_holds_at_once_and_a_payment_that_nobody_takes_is_refused(parts: Engine) -> None:
    async with parts.pool.acquire() as conn:
        ends_at = utc_now() + timedelta(hours=1)
        await add_maintenance(conn, author(), FIRST, utc_now() - timedelta(hours=1), ends_at, "upgrade")
    parts.directory.invalidate()
    transaction = await started(parts, "ORDER-1")
    assert transaction.channel_id == SECOND
    assert "skipped dummy_demo: in maintenance until" in await told(parts, transaction.id)
    await ruled(parts, RuleAction.ORDER, FIRST, is_exclusive=True)
    with pytest.raises(PaymentError) as raised:
        await started(parts, "ORDER-2")
    assert raised.value.pay_code is PayCode.CHANNEL_INACTIVE
    assert "in maintenance" in (raised.value.internal or "")


async def test_payouts_pass_a_provider_whose_float_is_used_up(parts: Engine) -> None:
    async with parts.pool.acquire() as conn:
        used = await payouts_ever(conn, FIRST, utc_now().date())
        await state_float(conn, author(), FIRST, Paise(120_000), Paise(10_000), used)
        channel = ServiceOwner(channel_id=SECOND)
        await change_service(conn, author(), channel, "payout", ServiceChange(daily_paise=Paise(100_000)))
    parts.directory.invalidate()
    spending = Spending(parts.pool, parts.directory, parts.clock)
    parts.router._spending = spending  # noqa: SLF001 - one that reads when the test says so
    await spending.refresh()
    channels = [(await started(parts, f"ORDER-{number}")).channel_id for number in range(4)]
    assert channels == [FIRST, FIRST, SECOND, SECOND]
    await spending.refresh()
    with pytest.raises(PaymentError) as raised:
        await started(parts, "ORDER-9")
    assert "its float holds 10000 paise more" in (raised.value.internal or "")
    assert "its limits hold 0 paise more" in (raised.value.internal or "")


async def test_what_was_used_on_another_day_is_not_gone_by(parts: Engine) -> None:
    spending = Spending(parts.pool, parts.directory, parts.clock)
    assert spending.used(FIRST, "payout") is None
    await spending.refresh()
    assert spending.used(FIRST, "payout") is None
    spending.sent(FIRST, "payout", 5)
    await spending.stop()


async def test_a_payment_that_went_on_tells_of_each_attempt(parts: Engine) -> None:
    with pytest.raises(PaymentError):
        await started(parts, "ORDER-1", remarks="sim:reject")
    transaction = await parts.payments.find("MER-1", "ORDER-1")
    assert transaction is not None
    lines = await told(parts, transaction.id)
    assert "channel refused" in lines
    assert f"attempt 1 at {FIRST} (primary)" in lines
    assert f"next channel: {SECOND}" in lines
    assert f"attempt 2 at {SECOND} (fallback)" in lines


async def test_a_channel_whose_limits_were_used_up_meanwhile_is_told_of(parts: Engine) -> None:
    async with parts.pool.acquire() as conn:
        channel = ServiceOwner(channel_id=FIRST)
        await change_service(conn, author(), channel, "payout", ServiceChange(daily_paise=Paise(60_000)))
    parts.directory.invalidate()
    parts.router._spending = None  # noqa: SLF001 - routing has not read yet what was used
    await started(parts, "ORDER-1")
    second = await started(parts, "ORDER-2")
    assert second.channel_id == SECOND
    assert f"passed over {FIRST}: its limits were used up" in await told(parts, second.id)


async def test_a_held_provider_is_left_tried_and_found_again(parts: Engine) -> None:
    for _ in range(30):
        parts.health.called(FIRST, "payout", Unknown("lost"), 0.1)
    await parts.health.share()
    parts.directory.invalidate()
    transaction = await started(parts, "ORDER-1")
    assert transaction.channel_id == SECOND
    assert "skipped dummy_demo: held for" in await told(parts, transaction.id)


async def test_a_payment_that_tries_a_channel_on_trial_is_the_only_one_for_a_while(
    parts: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        parts.health, "_standing", lambda key: Standing(State.TRIAL, 1) if key[0] == FIRST else Standing()
    )
    await ruled(parts, RuleAction.SUCCESS)
    first, second = await started(parts, "ORDER-1"), await started(parts, "ORDER-2")
    assert (first.channel_id, second.channel_id) == (FIRST, SECOND)
    assert "first by chance or need: on trial" in await told(parts, first.id)


async def test_ends_at_providers_count_and_those_that_no_provider_took_do_not(parts: Engine) -> None:
    await started(parts, "ORDER-1", remarks="sim:instant")
    for order, remarks in (("ORDER-2", "sim:instant sim:fail"), ("ORDER-3", "sim:reject")):
        with pytest.raises(PaymentError):
            await started(parts, order, remarks=remarks)
    found = [parts.health.health(name, "payout") for name in (FIRST, SECOND)]
    assert sum(each.ends for each in found) == pytest.approx(2, abs=0.1)
    assert sum(each.calls for each in found) == pytest.approx(4, abs=0.2)


async def test_a_dry_run_sends_nothing_and_goes_by_the_moment_it_is_asked_about(parts: Engine) -> None:
    starts_at = utc_now() + timedelta(days=1)
    async with parts.pool.acquire() as conn:
        await add_maintenance(conn, author(), FIRST, starts_at, starts_at + timedelta(hours=1), "upgrade")
    parts.directory.invalidate()
    service = (await merchant(parts)).payout
    facts = parts.router.facts("MER-1", "payout", "IMPS", Paise(50_000), "WSP01", PARTY)
    assert (await parts.router.dry_run(service, facts)).ranked[0] == FIRST
    assert (await parts.router.dry_run(service, facts, starts_at)).ranked[0] == SECOND
    assert await parts.pool.fetchval("SELECT count(*) FROM payments_transactions") == 0
