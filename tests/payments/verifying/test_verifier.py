"""Asking banks about beneficiaries: once, not for longer than a payout may wait, and never in the way of a payout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from support.fake_clock import FakeClock
from support.simulator import Simulator
from support.waiting import until
from wisipay.core.config import Settings, SettingsError
from wisipay.core.database import Pool
from wisipay.core.money import Paise
from wisipay.entrypoints.engine import engine
from wisipay.entrypoints.seed import seed
from wisipay.payments import (
    Kind,
    PayCode,
    PaymentError,
    Request,
    Stance,
    Validations,
    VerificationPolicy,
    Verifier,
    payment_file,
)
from wisipay.payments.verifying import verifier as module
from wisipay.providers import Awaited, Beneficiary, Judged, ProviderGateway, ValidationOutcome
from wisipay.providers.base import Unknown

POLICY = VerificationPolicy(Stance.REFUSE, "bank_demo", wait_seconds=20, cost_paise=250)
PARTY = {"name": "Asha Rao", "accountNumber": "000123456789", "ifsc": "HDFC0000001"}
YES = Judged(exists=True, name="RAO ASHA")
NO = Judged(exists=False, name_score=0)


@dataclass
class Bank:
    """A provider that is asked; answers are used up in order, the last one again and again."""

    answers: list[ValidationOutcome] = field(default_factory=lambda: [YES])
    asked: list[Beneficiary] = field(default_factory=list)
    again: int = 0
    open_: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def inquiries(self) -> Bank:
        return self

    async def validate(self, channel_id: str, beneficiary: Beneficiary) -> ValidationOutcome:
        assert channel_id == "bank_demo"
        self.asked.append(beneficiary)
        await self.open_.wait()
        return self._next()

    async def validated(self, channel_id: str, ticket: str) -> ValidationOutcome:
        assert (channel_id, ticket) == ("bank_demo", "T1")
        self.again += 1
        return self._next()

    def _next(self) -> ValidationOutcome:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def bank() -> Bank:
    bank = Bank()
    bank.open_.set()
    return bank


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


Make = Callable[..., Verifier]


@pytest.fixture
def verifier_of(database: Pool, bank: Bank, clock: FakeClock) -> Make:
    def make(**changes: Any) -> Verifier:  # noqa: ANN401 - any field
        policy, store = replace(POLICY, **changes), Validations(database, clock)
        gateway = cast("ProviderGateway", bank)
        return Verifier(gateway, store, clock, policy, b"secret", again_seconds=(0, 0))

    return make


async def verify(verifier: Verifier, **party: str) -> dict[str, Any]:
    return await verifier.verify("MER-1", Paise(50_000), PARTY | party)


async def test_a_beneficiary_is_asked_about_once_and_known_for_as_long_as_that_is_gone_by(
    verifier_of: Make, bank: Bank, clock: FakeClock
) -> None:
    verifier = verifier_of()
    told = {"validation": "there", "nameScore": 100, "channel": "bank_demo"}
    assert await verify(verifier) == {**told, "asked": "now", "costPaise": 250}
    assert await verify(verifier_of(), name="asha RAO") == {**told, "asked": "before"}
    assert len(bank.asked) == 1
    assert bank.asked[0].reference.isalnum()
    await verify(verifier, name="Asha Roy")
    clock.pass_seconds(91 * 86_400)
    assert (await verify(verifier))["asked"] == "now"
    assert len(bank.asked) == 3


async def test_a_no_refuses_and_is_asked_about_again_after_an_hour(
    verifier_of: Make, bank: Bank, clock: FakeClock
) -> None:
    bank.answers = [NO]
    for _ in range(2):
        with pytest.raises(PaymentError) as refused:
            await verify(verifier_of())
        assert refused.value.pay_code is PayCode.INVALID_BENEFICIARY
    assert len(bank.asked) == 1
    clock.pass_seconds(3_601)
    bank.answers = [YES]
    assert (await verify(verifier_of()))["validation"] == "there"


async def test_payouts_to_one_beneficiary_wait_for_one_answer(verifier_of: Make, bank: Bank) -> None:
    bank.open_.clear()
    verifier = verifier_of()
    all_of_them = asyncio.gather(*(verify(verifier) for _ in range(5)))
    await until(lambda: bank.asked)
    bank.open_.set()
    assert {each["validation"] for each in await all_of_them} == {"there"}
    assert len(bank.asked) == 1


async def test_an_answer_that_comes_too_late_is_kept_for_the_next(verifier_of: Make, bank: Bank) -> None:
    bank.open_.clear()
    verifier = verifier_of(wait_seconds=0)
    assert await verify(verifier) == {"validation": "undecided", "reason": "no answer in time"}
    bank.open_.set()
    await verifier.drain()
    await verifier_of().drain()
    assert (await verify(verifier))["asked"] == "before"


async def test_a_provider_that_is_at_it_is_asked_again_and_not_for_ever(verifier_of: Make, bank: Bank) -> None:
    bank.answers = [Awaited("T1"), Unknown("lost"), YES]
    assert (await verify(verifier_of()))["validation"] == "there"
    assert bank.again == 2
    bank.answers = [Awaited("T1")]
    undecided = await verify(verifier_of(), name="Somebody Else")
    assert undecided == {"validation": "undecided", "reason": "the provider is still at it"}


async def test_an_outage_of_the_validator_stops_payouts_only_where_it_is_wanted(verifier_of: Make, bank: Bank) -> None:
    bank.answers = [Unknown("circuit is open, account 000123456789")]
    undecided = {"validation": "undecided", "reason": "no word from the provider"}
    assert await verify(verifier_of()) == undecided
    with pytest.raises(PaymentError) as refused:
        await verify(verifier_of(is_required=True))
    assert refused.value.pay_code is PayCode.PROVIDER_UNAVAILABLE


async def test_questions_are_bounded(verifier_of: Make, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASKED_AT_ONCE_MAX", 1)
    bank.open_.clear()
    verifier = verifier_of(wait_seconds=0)
    await verify(verifier)
    assert (await verify(verifier, name="Somebody Else"))["reason"] == "too many are being asked about"
    bank.open_.set()
    await verifier.drain()


async def test_payouts_that_it_is_not_for_are_not_asked_about(verifier_of: Make, bank: Bank) -> None:
    assert await verify(verifier_of(merchants=frozenset({"MER-2"}))) == {}
    assert bank.asked == []


async def test_without_a_database_nothing_is_known_and_nothing_breaks(bank: Bank, clock: FakeClock) -> None:
    class Away:
        def acquire(self) -> None:
            raise ConnectionRefusedError

    store = Validations(cast("Pool", Away()), clock)
    verifier = Verifier(cast("ProviderGateway", bank), store, clock, POLICY, b"secret")
    assert (await verify(verifier))["validation"] == "there"


async def test_what_is_gone_by_no_more_is_deleted(verifier_of: Make, database: Pool, clock: FakeClock) -> None:
    await verify(verifier_of())
    store = Validations(database, clock)
    await store.forget_old()
    assert await database.fetchval("SELECT count(*) FROM payments_validations") == 1
    clock.pass_seconds(91 * 86_400)
    await store.forget_old()
    assert await database.fetchval("SELECT count(*) FROM payments_validations") == 0


def payout(order_id: str, account_number: str) -> Request:
    party = PARTY | {"accountNumber": account_number, "bankName": "HDFC Bank", "ifsc": "HDFC0ZZZZZZ"}
    return Request(Kind.PAYOUT, order_id, Paise(50_000), "IMPS", party)


async def test_payouts_are_refused_or_noted_by_what_a_providers_bank_says(
    database: Pool, redis: Redis, settings: Settings, simulator: Simulator
) -> None:
    del database, redis
    own = settings.model_copy(
        update={
            "simulator_url": simulator.url,
            "metrics_enabled": False,
            "beneficiary_validation": "refuse",
            "beneficiary_validation_channel": "cashfree_demo",
            "beneficiary_validation_wait": 60,
            "beneficiary_validation_merchants": "MER-1, MER-3",
        }
    )
    await seed(own, "cashfree")
    async with engine(own, "test") as parts:
        merchant = await parts.directory.merchant("MER-1")
        assert merchant
        with pytest.raises(PaymentError) as refused:
            await parts.payments.initiate(merchant, payout("ORDER-1", "000123450404"))
        assert refused.value.pay_code is PayCode.INVALID_BENEFICIARY
        assert await parts.payments.find("MER-1", "ORDER-1") is None
        made = await parts.payments.initiate(merchant, payout("ORDER-2", "000123456789"))
        async with parts.pool.acquire() as conn:
            found = await payment_file(conn, made.id)
        assert found
        wanted = {"validation": "there", "nameScore": 100, "channel": "cashfree_demo", "asked": "now"}
        assert found.events[0].data["beneficiary"] == {"doubts": ["BRANCH_UNKNOWN"], **wanted}


async def test_validation_needs_to_know_whom_to_ask(database: Pool, redis: Redis, settings: Settings) -> None:
    del database, redis
    own = settings.model_copy(update={"beneficiary_validation": "record"})
    with pytest.raises(SettingsError, match="BENEFICIARY_VALIDATION_CHANNEL"):
        async with engine(own, "test"):
            pass
