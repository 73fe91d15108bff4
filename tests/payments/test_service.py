"""What a merchant can ask for, on real stores and a real provider: every refusal by its code, failover, late calls."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.merchants import FixedClock
from support.simulator import Simulator
from support.waiting import until
from wisipay import ledger
from wisipay.core.clock import utc_now
from wisipay.core.errors import Conflict
from wisipay.core.money import Paise
from wisipay.entrypoints.engine import Engine
from wisipay.merchants import (
    SERVICE_KINDS,
    Author,
    FeeCharge,
    FeeTier,
    Limits,
    Merchant,
    ServiceChange,
    ServiceOwner,
    add_tier,
    change_channel,
    change_service,
    remove_tier,
)
from wisipay.payments import Kind, PayCode, PaymentError, PaymentService, Request, Rules, Status, Transaction

FIRST, SECOND = "dummy_demo", "dummy2_demo"
PARTIES = {
    Kind.PAYIN: {"name": "Asha Rao", "email": "asha@example.com", "phone": "9876543210"},
    Kind.PAYOUT: {"name": "Asha Rao", "accountNumber": "000123456789", "ifsc": "HDFC0000001", "bankName": "HDFC Bank"},
}


def request(kind: Kind, remarks: str = "sim:pending", **changes: Any) -> Request:  # noqa: ANN401 - any field
    mode = "UPI" if kind is Kind.PAYIN else "IMPS"
    whole = Request(kind, f"ORDER-{kind}", Paise(50_000), mode, PARTIES[kind], remarks=remarks)
    return replace(whole, **changes)


async def merchant(parts: Engine, kind: Kind | None = None, **service: Any) -> Merchant:  # noqa: ANN401 - any field
    """Return the seed's first merchant, one of its services changed."""
    found = await parts.directory.merchant("MER-1")
    assert found is not None
    if kind is None:
        return found
    name = kind.lower()
    return replace(found, **{name: replace(getattr(found, name), **service)})


async def refusal(parts: Engine, wanted: Request, **service: Any) -> PayCode:  # noqa: ANN401 - any field
    with pytest.raises(PaymentError) as raised:
        await parts.payments.initiate(await merchant(parts, wanted.kind, **service), wanted)
    return raised.value.pay_code


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    ("service", "code"),
    [
        ({"is_active": False}, PayCode.SERVICE_DISABLED),
        ({"routing": ()}, PayCode.ROUTING_MISSING),
        ({"routing": ("nobody_nowhere",)}, PayCode.CHANNEL_NOT_FOUND),
        ({"tiers": ()}, PayCode.FEE_CONFIG_MISSING),
        ({"limits": Limits(min_paise=Paise(50_001))}, PayCode.BELOW_MINIMUM),
        ({"limits": Limits(max_paise=Paise(49_999))}, PayCode.ABOVE_MAXIMUM),
        ({"limits": Limits(daily_paise=Paise(49_999))}, PayCode.DAILY_LIMIT),
        ({"limits": Limits(monthly_paise=Paise(49_999))}, PayCode.MONTHLY_LIMIT),
    ],
)
async def test_configuration_and_limits_refuse_by_their_code_and_keep_nothing(
    parts: Engine, kind: Kind, service: dict[str, Any], code: PayCode
) -> None:
    assert await refusal(parts, request(kind), **service) is code
    assert await parts.pool.fetchval("SELECT count(*) FROM payments_transactions") == 0


async def test_a_payin_whose_fee_would_eat_it_is_refused(parts: Engine) -> None:
    dear = (replace((await merchant(parts)).payin.tiers[0], charge=(await merchant(parts)).payout.tiers[0].charge),)
    assert await refusal(parts, request(Kind.PAYIN, amount_paise=Paise(500)), tiers=dear) is PayCode.FEE_CONFIG_MISSING


async def test_payout_that_the_balance_cannot_cover_is_kept_as_failed(parts: Engine) -> None:
    poor = await parts.directory.merchant("MER-2")
    assert poor is not None
    with pytest.raises(PaymentError) as raised:
        await parts.payments.initiate(poor, request(Kind.PAYOUT))
    assert raised.value.pay_code is PayCode.INSUFFICIENT_BALANCE
    found = await parts.payments.find("MER-2", "ORDER-PAYOUT")
    assert found is not None
    assert (found.status, found.attempt) == (Status.FAILED, 0)


async def test_a_payout_to_an_account_that_cannot_be_is_refused_and_nothing_is_kept(parts: Engine) -> None:
    party = {**PARTIES[Kind.PAYOUT], "accountNumber": "1234"}
    assert await refusal(parts, request(Kind.PAYOUT, party=party)) is PayCode.INVALID_BENEFICIARY
    assert await parts.payments.find("MER-1", "ORDER-PAYOUT") is None


async def test_a_ledger_that_refuses_a_hold_is_told_as_masked(parts: Engine) -> None:
    async with parts.pool.acquire() as conn:
        account = ledger.merchant_account("MER-1", "PAYOUT").id
        await ledger.set_account_status(conn, account, ledger.AccountStatus.FROZEN)
    assert await refusal(parts, request(Kind.PAYOUT)) is PayCode.LEDGER_HOLD_FAILED


async def test_an_order_id_used_before_is_a_conflict(parts: Engine) -> None:
    await parts.payments.initiate(await merchant(parts), request(Kind.PAYIN))
    with pytest.raises(Conflict):
        await parts.payments.initiate(await merchant(parts), request(Kind.PAYIN))


async def _change_channels(parts: Engine, **change: Any) -> None:  # noqa: ANN401 - any field
    author = Author("test", utc_now(), reason="test")
    async with parts.pool.acquire() as conn:
        for channel_id in (FIRST, SECOND):
            for kind in SERVICE_KINDS:
                await change_service(conn, author, ServiceOwner(channel_id=channel_id), kind, ServiceChange(**change))
    parts.directory.invalidate()


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"min_paise": Paise(50_001)},
        {"max_paise": Paise(49_999)},
        {"daily_paise": Paise(49_999)},
        {"monthly_paise": Paise(49_999)},
    ],
)
async def test_without_a_channel_for_the_amount_the_payment_is_not_begun(
    parts: Engine, kind: Kind, change: dict[str, Any]
) -> None:
    await _change_channels(parts, **change)
    assert await refusal(parts, request(kind)) is PayCode.CHANNEL_INACTIVE


@pytest.mark.parametrize("switch", [{"is_paused": True}, {"is_active": False}])
async def test_a_channel_that_an_operator_stopped_is_passed_over(parts: Engine, switch: dict[str, bool]) -> None:
    async with parts.pool.acquire() as conn:
        await change_channel(conn, Author("test", utc_now(), reason="test"), FIRST, **switch)
    parts.directory.invalidate()
    started = await parts.payments.initiate(await merchant(parts), request(Kind.PAYIN))
    assert started.channel_id == SECOND


async def test_a_channel_that_cannot_be_used_is_passed_over(parts: Engine) -> None:
    await parts.pool.execute("UPDATE merchants_providers SET adapter = 'nobody' WHERE id = 'dummy'")
    parts.directory.invalidate()
    started = await parts.payments.initiate(await merchant(parts), request(Kind.PAYIN))
    assert started.channel_id == SECOND


async def test_a_mode_that_no_channel_takes_is_refused(parts: Engine) -> None:
    assert await refusal(parts, request(Kind.PAYOUT, mode="CHEQUE")) is PayCode.CHANNEL_INACTIVE


async def test_a_channel_with_no_fee_tier_for_the_amount_is_passed_over(parts: Engine) -> None:
    """The channel's only tier begins at a paisa."""
    author = Author("test", utc_now(), reason="test")
    owner = ServiceOwner(channel_id=FIRST)
    async with parts.pool.acquire() as conn:
        await remove_tier(conn, author, owner, "payin", Paise(1))
        await add_tier(conn, author, owner, "payin", FeeTier(Paise(60_000), None, FeeCharge(Paise(1), 0)))
    parts.directory.invalidate()
    assert (await parts.payments.initiate(await merchant(parts), request(Kind.PAYIN))).channel_id == SECOND


async def test_an_open_circuit_is_passed_over(parts: Engine) -> None:
    for number in range(5):
        await parts.payments.initiate(
            await merchant(parts), request(Kind.PAYOUT, "sim:answer-lost", order_id=f"LOST-{number}")
        )
    started = await parts.payments.initiate(await merchant(parts), request(Kind.PAYOUT))
    assert started.channel_id == SECOND


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_channel_over_its_rate_hands_the_payment_on_and_the_last_one_ends_it(parts: Engine, kind: Kind) -> None:
    await _change_channels(parts, tps=1)
    payer = await merchant(parts)
    outcomes = await asyncio.gather(
        *(parts.payments.initiate(payer, request(kind, order_id=f"ORDER-{number}")) for number in range(6)),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, PaymentError)]
    assert {each.pay_code for each in refused} == {PayCode.PROVIDER_UNAVAILABLE}
    taken = {each.channel_id for each in outcomes if isinstance(each, Transaction)}
    assert taken == {FIRST, SECOND}


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_certain_rejection_goes_on_to_the_next_channel_and_ends_at_the_last(
    parts: Engine, kind: Kind, simulator: Simulator
) -> None:
    assert await refusal(parts, request(kind, "sim:reject")) is PayCode.PROVIDER_REJECTED
    found = await parts.payments.find("MER-1", f"ORDER-{kind}", kind)
    assert found is not None
    assert (found.status, found.attempt, found.channel_id) == (Status.FAILED, 2, SECOND)
    assert (await simulator.summary())["double_payouts"] == 0


async def test_an_unknown_answer_keeps_a_payout_where_it_is(parts: Engine, simulator: Simulator) -> None:
    started = await parts.payments.initiate(await merchant(parts), request(Kind.PAYOUT, "sim:answer-lost"))
    assert (started.status, started.attempt) == (Status.PROCESSING, 1)
    assert len((await simulator.call("GET", "/control/book")).body["payments"]) == 1


async def test_an_unknown_answer_of_every_channel_is_a_timeout_to_a_payins_merchant(parts: Engine) -> None:
    assert await refusal(parts, request(Kind.PAYIN, "sim:answer-lost")) is PayCode.PROVIDER_TIMEOUT
    found = await parts.payments.find("MER-1", "ORDER-PAYIN")
    assert found is not None
    assert (found.status, found.attempt) == (Status.PENDING, 2)


@pytest.fixture
def held_up(parts: Engine) -> PaymentService:
    """Return a service whose clock runs far ahead of the desk's: every call comes too late."""
    clock = FixedClock(utc_now() + timedelta(minutes=1))
    return PaymentService(
        desk=parts.desk,
        gateway=parts.gateway,
        directory=parts.directory,
        asker=parts.asker,
        clock=clock,
        rules=Rules(),
        id_prefix="WP",
        webhook_base_url="http://127.0.0.1:1",
    )


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_call_that_comes_too_late_is_never_made(
    parts: Engine, held_up: PaymentService, simulator: Simulator, kind: Kind
) -> None:
    """Somebody may already have given the attempt up as never sent."""
    with pytest.raises(PaymentError) as raised:
        await held_up.initiate(await merchant(parts), request(kind))
    assert raised.value.pay_code is PayCode.PROVIDER_UNAVAILABLE
    assert (await simulator.call("GET", "/control/book")).body["payments"] == []


async def test_a_service_without_rate_windows_calls_every_channel(parts: Engine, simulator: Simulator) -> None:
    service = PaymentService(
        desk=parts.desk,
        gateway=parts.gateway,
        directory=parts.directory,
        asker=parts.asker,
        clock=parts.clock,
        rules=Rules(),
        id_prefix="WP",
        webhook_base_url="http://127.0.0.1:1/",
    )
    await service.initiate(await merchant(parts), request(Kind.PAYIN))
    assert len((await simulator.call("GET", "/control/book")).body["payments"]) == 1


async def test_a_payment_that_is_over_is_not_asked_about(parts: Engine) -> None:
    await refusal(parts, request(Kind.PAYIN, "sim:reject"))
    over = await parts.payments.find("MER-1", "ORDER-PAYIN", Kind.PAYIN)
    assert over is not None
    assert await parts.payments.refresh(over) is over


async def test_draining_waits_for_the_payments_that_are_being_started(parts: Engine) -> None:
    caller = asyncio.create_task(
        parts.payments.initiate(await merchant(parts), request(Kind.PAYIN, "sim:latency=300 sim:pending"))
    )

    async def is_stored() -> bool:
        return await parts.payments.find("MER-1", "ORDER-PAYIN") is not None

    await until(is_stored)
    caller.cancel()
    await parts.payments.drain()
    found = await parts.payments.find("MER-1", "ORDER-PAYIN")
    assert found is not None
    assert found.payment_url is not None
