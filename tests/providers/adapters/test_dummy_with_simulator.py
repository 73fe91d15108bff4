"""The dummy adapter against the simulator, which shares no code with it: both must read the wire format alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec import structs

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import PATIENT_SECONDS, payin_order, payout_order
from support.simulator import API_KEY, Simulator, running_simulator
from support.waiting import until
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.providers import (
    Accepted,
    HttpPolicy,
    NotFound,
    PaymentKind,
    PayoutOrder,
    ProviderAdapter,
    ProviderHttp,
    ProviderStatus,
    Rejected,
    StatusReport,
    Unknown,
    build,
)

SECRET = "shared-with-the-simulator"
INSTANT = "sim:instant"


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with running_simulator("--complete-after-ms", "20", "--webhook-secret", SECRET) as simulator:
        yield simulator


@pytest.fixture
async def simulator(running: Simulator) -> Simulator:
    await running.call("POST", "/control/reset")
    return running


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield client


@pytest.fixture
def adapter(simulator: Simulator, client: HttpClient) -> ProviderAdapter:
    return adapter_at(simulator, client)


@pytest.fixture
async def hooks() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(body=b'{"success":true}'))
        yield loopback


def adapter_at(
    simulator: Simulator, client: HttpClient, *, api_key: str = API_KEY, timeout_seconds: float = PATIENT_SECONDS
) -> ProviderAdapter:
    policy = HttpPolicy(timeout_seconds=timeout_seconds, https_only=False)
    http = ProviderHttp(client, provider="dummy", channel_id="dummy_a", policy=policy)
    return build("dummy", {"baseUrl": simulator.url, "apiKey": api_key, "webhookSecret": SECRET}, http)


def payout(remarks: str, webhook_url: str | None = None) -> PayoutOrder:
    return structs.replace(payout_order(), remarks=remarks, webhook_url=webhook_url)


async def test_a_payout_is_taken_and_its_outcome_told(adapter: ProviderAdapter) -> None:
    order = payout("sim:pending")
    taken = await adapter.create_payout(order)
    assert isinstance(taken, Accepted)
    assert (taken.status, taken.amount) == (ProviderStatus.PENDING, order.amount)
    report = await adapter.check_status("payout", order.reference, None)
    assert isinstance(report, StatusReport)
    assert (report.status, report.provider_reference) == (ProviderStatus.PENDING, taken.provider_reference)


async def test_a_payin_brings_a_page_to_pay_on(adapter: ProviderAdapter, simulator: Simulator) -> None:
    taken = await adapter.create_payin(structs.replace(payin_order(), webhook_url=None))
    assert isinstance(taken, Accepted)
    assert taken.payment_url is not None
    page = await simulator.call("GET", taken.payment_url.removeprefix(simulator.url))
    assert page.status == 200


@pytest.mark.parametrize(
    ("remarks", "status"),
    [
        (INSTANT, ProviderStatus.SUCCESS),
        (f"sim:fail {INSTANT}", ProviderStatus.FAILED),
        ("sim:processing", ProviderStatus.PROCESSING),
    ],
)
async def test_the_answer_may_be_the_outcome(adapter: ProviderAdapter, remarks: str, status: ProviderStatus) -> None:
    order = payout(remarks)
    await adapter.create_payout(order)
    report = await adapter.check_status("payout", order.reference, None)
    assert isinstance(report, StatusReport)
    assert report.status == status
    assert (report.utr is not None) == (status is ProviderStatus.SUCCESS)


@pytest.mark.parametrize(
    ("remarks", "code"),
    [
        ("sim:reject=BAD_IFSC", "BAD_IFSC"),
        ("sim:reject=INSUFFICIENT_BALANCE", "INSUFFICIENT_BALANCE"),
        ("sim:throttle", "THROTTLED"),
        ("sim:maintenance", "MAINTENANCE"),
    ],
)
async def test_what_is_rejected_was_not_executed(
    adapter: ProviderAdapter, simulator: Simulator, remarks: str, code: str
) -> None:
    order = payout(remarks)
    outcome = await adapter.create_payout(order)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.sent, outcome.outage) == (code, True, code == "MAINTENANCE")
    assert (await simulator.summary())["executed_payouts"] == 0
    assert isinstance(await adapter.check_status("payout", order.reference, None), NotFound)


@pytest.mark.parametrize("remarks", ["sim:http-500-after-executing", "sim:answer-lost", "sim:broken-json"])
async def test_what_is_unknown_may_have_been_executed_and_a_question_tells(
    adapter: ProviderAdapter, simulator: Simulator, remarks: str
) -> None:
    order = payout(f"{remarks} {INSTANT}")
    assert isinstance(await adapter.create_payout(order), Unknown)
    assert (await simulator.summary())["executed_payouts"] == 1
    report = await adapter.check_status("payout", order.reference, None)
    assert isinstance(report, StatusReport)
    assert report.status is ProviderStatus.SUCCESS


async def test_a_provider_that_executes_and_never_answers_is_unknown(simulator: Simulator, client: HttpClient) -> None:
    impatient = adapter_at(simulator, client, timeout_seconds=1)
    assert isinstance(await impatient.create_payout(payout("sim:timeout-after-executing")), Unknown)


async def test_the_same_reference_twice_is_one_payout(adapter: ProviderAdapter, simulator: Simulator) -> None:
    order = payout(INSTANT)
    first, second = await adapter.create_payout(order), await adapter.create_payout(order)
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert first.provider_reference == second.provider_reference
    assert (await simulator.summary())["executed_payouts"] == 1


async def test_a_wrong_key_is_refused(client: HttpClient) -> None:
    async with running_simulator("--api-key", "right") as simulator:
        outcome = await adapter_at(simulator, client, api_key="wrong").create_payout(payout(INSTANT))
    assert isinstance(outcome, Rejected)
    assert outcome.code == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("token", "authentic", "amount"),
    [("", True, 10_010), ("sim:webhook-forged", False, None), ("sim:webhook-unsigned", False, None)],
)
async def test_its_webhooks_are_believed_only_when_signed(
    adapter: ProviderAdapter, hooks: Loopback, *, token: str, authentic: bool, amount: int | None
) -> None:
    order = payout(f"{token} {INSTANT}", hooks.url)
    await adapter.create_payout(order)
    await until(lambda: hooks.received)
    (word,) = adapter.parse_webhook("payout", hooks.received[0].headers, hooks.received[0].body)
    assert (word.kind, word.reference, word.authentic) == ("payout", order.reference, authentic)
    if amount is not None:
        assert (word.status, word.amount, word.currency) == (ProviderStatus.SUCCESS, Paise(amount), "INR")


@pytest.mark.parametrize("kind", ["payin", "payout"])
async def test_an_unknown_payment_is_not_found(adapter: ProviderAdapter, kind: PaymentKind) -> None:
    assert isinstance(await adapter.check_status(kind, "WPNEVERSEEN", None), NotFound)
