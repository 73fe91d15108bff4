"""The simulator's answers to questions beside payments, written from the documentation, as the adapters read them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec import structs

from support.provider_bench import payout_order
from support.simulator import Simulator, running_simulator
from support.waiting import until
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.providers import Accepted, HttpPolicy, ProviderAdapter, ProviderHttp, Unknown, build
from wisipay.providers.inquiries import (
    Awaited,
    Balance,
    BalanceTeller,
    Beneficiary,
    BeneficiaryValidator,
    Judged,
    ValidationOutcome,
)

SECRET = "shared-with-the-simulator"
KEYS = {
    "cashfree": ("TEST430329ae80e0f32e41a393d78b923034", "/cashfree"),
    "razorpay": ("rzp_test_1DP5mmOlF5G5ag", "/razorpay/v1"),
    "sabiopay": ("11111111-2222-3333-4444-555555555555", "/sabiopay"),
}
CREDENTIALS = {
    "cashfree": {"clientId": KEYS["cashfree"][0], "clientSecret": SECRET},
    "razorpay": {"keyId": KEYS["razorpay"][0], "keySecret": SECRET, "accountNumber": "7878780080316316"},
    "sabiopay": {"apiKey": KEYS["sabiopay"][0], "apiSalt": SECRET},
}
ASHA = Beneficiary("V1", "Asha Rao", account_number="000123456789", ifsc="HDFC0000001")


@pytest.fixture(scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator("--complete-after-ms", "20") as simulator:
        yield simulator


@pytest.fixture(params=sorted(KEYS))
async def adapter(request: pytest.FixtureRequest, simulator: Simulator) -> AsyncIterator[ProviderAdapter]:
    key, path = KEYS[request.param]
    await simulator.call("POST", "/control/reset?all=1")
    account = {"api_key": key, "webhook_secret": SECRET, "float_paise": 100_000}
    await simulator.call("PUT", f"/control/accounts/{request.param}", account)
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        http = ProviderHttp(client, provider=request.param, channel_id=f"{request.param}_a", policy=policy)
        yield build(request.param, {**CREDENTIALS[request.param], "baseUrl": f"{simulator.url}{path}"}, http)
    await simulator.call("POST", "/control/reset?all=1")


async def judged(adapter: BeneficiaryValidator, beneficiary: Beneficiary) -> ValidationOutcome:
    """Ask, and go on asking while the provider is at it."""
    outcome = await adapter.validate(beneficiary)

    async def done() -> bool:
        nonlocal outcome
        if isinstance(outcome, Awaited):
            outcome = await adapter.validated(outcome.ticket)
        return not isinstance(outcome, Awaited)

    await until(done)
    return outcome


@pytest.mark.parametrize(
    ("asked", "exists", "score"),
    [
        (ASHA, True, 100),
        (structs.replace(ASHA, account_number="000123450404"), False, None),
        (structs.replace(ASHA, account_number="000123450405"), True, 0),
        (Beneficiary("V2", "Asha Rao", vpa="asha.rao@upi"), True, 100),
        (Beneficiary("V2", "Asha Rao", vpa="invalid@upi"), False, None),
    ],
    ids=["account", "no account", "another's", "vpa", "no vpa"],
)
@pytest.mark.parametrize("adapter", ["cashfree", "razorpay"], indirect=True)
async def test_beneficiaries_are_told_of(
    adapter: ProviderAdapter, asked: Beneficiary, exists: object, score: int | None
) -> None:
    assert isinstance(adapter, BeneficiaryValidator)
    outcome = await judged(adapter, asked)
    assert isinstance(outcome, Judged)
    assert outcome.exists is exists
    if outcome.name_score is not None or asked.vpa is None:
        assert outcome.name_score == score
    elif exists:
        assert outcome.name == "ASHA RAO"


async def test_a_balance_goes_down_with_what_is_paid_out(adapter: ProviderAdapter) -> None:
    assert isinstance(adapter, BalanceTeller)
    assert await adapter.balance() == Balance(Paise(100_000))
    assert isinstance(await adapter.create_payout(payout_order()), Accepted)
    assert await adapter.balance() == Balance(Paise(100_000 - payout_order().amount))


async def test_faults_make_an_answer_unknown(adapter: ProviderAdapter, simulator: Simulator) -> None:
    assert isinstance(adapter, BalanceTeller)
    for fault in ("http_500", "maintenance", "throttle", "broken_json", "answer_lost"):
        await simulator.call("PUT", "/control/faults", {fault: {"status": 1}})
        assert isinstance(await adapter.balance(), Unknown), fault
        if isinstance(adapter, BeneficiaryValidator):
            assert isinstance(await adapter.validate(ASHA), Unknown), fault


@pytest.mark.parametrize("adapter", ["razorpay"], indirect=True)
async def test_what_is_stale_is_still_under_way(adapter: ProviderAdapter, simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/faults", {"stale": {"status": 1}, "complete_after_ms": 0})
    assert isinstance(adapter, BeneficiaryValidator)
    outcome = await adapter.validate(ASHA)
    assert isinstance(outcome, Awaited)
    assert await adapter.validated(outcome.ticket) == outcome
    assert isinstance(await adapter.validated("fav_unknown"), Unknown)
