"""Every adapter against the simulator, which shares no code with it: both must read the wire format alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from msgspec import structs

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import PATIENT_SECONDS, payin_order, payout_order
from support.simulator import Simulator, running_simulator
from support.waiting import until
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.entrypoints.simulated import played_adapters, simulated
from wisipay.providers import (
    Accepted,
    CreateOutcome,
    HttpPolicy,
    PayinOrder,
    PaymentKind,
    PayoutOrder,
    ProviderAdapter,
    ProviderHttp,
    ProviderStatus,
    Rejected,
    StatusOutcome,
    StatusReport,
    Unknown,
    WebhookUnreadable,
    WebhookWord,
    build,
    capabilities_of,
)
from wisipay.providers.rules import refusal_of

AMOUNT = Paise(50_000)
CHANNEL = "x_test"
ENDED_UNPAID = {ProviderStatus.FAILED, ProviderStatus.EXPIRED}
KINDS: tuple[PaymentKind, ...] = ("payin", "payout")
DONE = [
    (name, kind)
    for name in played_adapters()
    for kind in KINDS
    if capabilities_of(name, simulated(name, "http://x", CHANNEL).credentials).modes(kind)
]
CHECKED = [
    (name, kind)
    for name, kind in DONE
    if capabilities_of(name, simulated(name, "http://x", CHANNEL).credentials).checks(kind)
]


@dataclass
class Lane:
    """One adapter, one kind of payment, and the places where both sides are seen."""

    adapter: ProviderAdapter
    kind: PaymentKind
    simulator: Simulator
    hooks: Loopback

    @property
    def order(self) -> PayinOrder | PayoutOrder:
        """The order of this kind in a mode that the provider takes."""
        mode = min(self.adapter.capabilities.modes(self.kind))
        order = payin_order(mode, AMOUNT) if self.kind == "payin" else payout_order(mode, AMOUNT)
        if order.mode == "UPI" and isinstance(order, PayoutOrder):
            return structs.replace(order, vpa="asha@okhdfc", webhook_url=self.hooks.url, remarks=None)
        return structs.replace(order, webhook_url=self.hooks.url, remarks=None)

    async def plan(self, tokens: str) -> None:
        """Have the simulator meet orders of our amount so."""
        planned = await self.simulator.call("PUT", "/control/amounts", {self.kind: {str(AMOUNT): tokens}})
        assert planned.status == 200, planned.text

    async def create(self) -> CreateOutcome:
        """Give the order as the gateway would."""
        order = self.order
        assert refusal_of(self.adapter.capabilities, self.kind, order) is None
        if isinstance(order, PayinOrder):
            return await self.adapter.create_payin(order)
        return await self.adapter.create_payout(order)

    async def check(self, reference: str | None = None) -> StatusOutcome:
        """Ask how the payment stands."""
        return await self.adapter.check_status(self.kind, self.order.reference, reference)

    async def heard(self) -> WebhookWord:
        """Return the last webhook's word."""
        await until(lambda: self.hooks.received)
        (word,) = self.adapter.parse_webhook(self.kind, self.hooks.received[-1].headers, self.hooks.received[-1].body)
        return word


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with running_simulator("--complete-after-ms", "20") as simulator:
        yield simulator


@pytest.fixture
async def hooks() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(body=b'{"success":true}'))
        yield loopback


@pytest.fixture
async def lane(running: Simulator, hooks: Loopback, name: str, kind: PaymentKind) -> AsyncIterator[Lane]:
    await running.call("POST", "/control/reset?all=1")
    known = simulated(name, running.url, CHANNEL)
    account = {
        "api_key": known.api_key,
        "webhook_secret": known.webhook_secret,
        "payin_webhook_url": hooks.url,
        "payout_webhook_url": hooks.url,
    }
    assert (await running.call("PUT", f"/control/accounts/{CHANNEL}", account)).status == 200
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=PATIENT_SECONDS, https_only=False)
        http = ProviderHttp(client, provider=name, channel_id=CHANNEL, policy=policy)
        yield Lane(build(name, known.credentials, http), kind, running, hooks)


every_kind = pytest.mark.parametrize(("name", "kind"), DONE, ids=[f"{name}-{kind}" for name, kind in DONE])
every_checked_kind = pytest.mark.parametrize(
    ("name", "kind"), CHECKED, ids=[f"{name}-{kind}" for name, kind in CHECKED]
)


@every_checked_kind
async def test_a_payment_is_taken_paid_announced_and_told(lane: Lane) -> None:
    await lane.plan("sim:pending")
    taken = await lane.create()
    assert isinstance(taken, Accepted), taken
    assert taken.status in {ProviderStatus.PENDING, ProviderStatus.PROCESSING}
    assert taken.amount in {None, AMOUNT}
    assert bool(taken.payment_url) == (lane.kind == "payin")
    before = await lane.check(taken.provider_reference)
    assert isinstance(before, StatusReport), before
    assert before.status in {ProviderStatus.PENDING, ProviderStatus.PROCESSING}
    (payment,) = (await lane.simulator.call("GET", "/control/book")).body["payments"]
    await lane.simulator.call("POST", f"/control/payments/{payment['payment_id']}/complete")
    word = await lane.heard()
    assert (word.kind, word.status) == (lane.kind, ProviderStatus.SUCCESS)
    assert word.reference == lane.order.reference or word.provider_reference == taken.provider_reference
    assert word.amount in {None, AMOUNT}
    assert word.authentic == lane.adapter.capabilities.signs_webhooks
    for reference in {taken.provider_reference, None}:
        after = await lane.check(reference)
        assert isinstance(after, StatusReport), after
        assert after.status is ProviderStatus.SUCCESS
        assert after.amount in {None, AMOUNT}
        assert after.utr in {None, word.utr}


@every_kind
async def test_what_is_rejected_was_not_executed(lane: Lane) -> None:
    await lane.plan("sim:reject")
    outcome = await lane.create()
    assert isinstance(outcome, Rejected), outcome
    assert outcome.sent
    assert (await lane.simulator.summary())[f"accepted_{lane.kind}s"] == 0


@every_kind
@pytest.mark.parametrize("fault", ["answer-lost", "broken-json", "http-500-after-executing"])
async def test_what_is_unknown_was_executed_and_a_question_tells(lane: Lane, fault: str) -> None:
    await lane.plan(f"sim:{fault} sim:instant")
    assert isinstance(await lane.create(), Unknown)
    assert (await lane.simulator.summary())[f"executed_{lane.kind}s"] == 1
    if lane.adapter.capabilities.checks(lane.kind):
        told = await lane.check()
        assert isinstance(told, StatusReport), told
        assert told.status is ProviderStatus.SUCCESS


@every_kind
async def test_a_provider_that_fails_a_payment_says_so(lane: Lane) -> None:
    await lane.plan("sim:fail sim:after=20")
    assert isinstance(await lane.create(), Accepted)
    assert (await lane.heard()).status in ENDED_UNPAID
    if lane.adapter.capabilities.checks(lane.kind):
        told = await lane.check()
        assert isinstance(told, StatusReport), told
        assert told.status in ENDED_UNPAID


@every_kind
async def test_maintenance_and_throttling_execute_nothing(lane: Lane) -> None:
    for fault in ("maintenance", "throttle"):
        await lane.plan(f"sim:{fault}")
        assert isinstance(await lane.create(), (Rejected, Unknown))
    assert (await lane.simulator.summary())[f"accepted_{lane.kind}s"] == 0


@every_kind
async def test_the_same_reference_twice_is_one_payment(lane: Lane) -> None:
    await lane.plan("sim:pending")
    assert isinstance(await lane.create(), Accepted)
    assert isinstance(await lane.create(), (Accepted, Unknown))
    assert (await lane.simulator.summary())[f"accepted_{lane.kind}s"] == 1


@every_kind
@pytest.mark.parametrize("fault", ["forged", "unsigned"])
async def test_a_webhook_that_nobody_vouches_for_is_at_most_a_hint(lane: Lane, fault: str) -> None:
    await lane.plan(f"sim:webhook-{fault} sim:pending" if fault == "forged" else "sim:webhook-unsigned sim:instant")
    await lane.create()
    await until(lambda: lane.hooks.received)
    received = lane.hooks.received[0]
    with suppress(WebhookUnreadable):  # what cannot be read moves nothing either
        words = lane.adapter.parse_webhook(lane.kind, received.headers, received.body)
        assert not any(word.authentic for word in words)
