"""SabioPay, Razorpay and Cashfree against the simulator, beyond what `test_all_with_simulator` asks of every adapter.

The simulator was written from the providers' documentation and shares no code with the adapters.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import pytest
from msgspec import structs

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import PATIENT_SECONDS, REFERENCE, payin_order, payout_order
from support.simulator import Simulator, running_simulator
from support.waiting import until
from wisipay.core.http_client import HttpClient
from wisipay.providers import (
    Accepted,
    CreateOutcome,
    HttpPolicy,
    NotFound,
    PaymentKind,
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
)

SECRET = "shared-with-the-simulator"
KEYS = {
    "sabiopay": "11111111-2222-3333-4444-555555555555",
    "razorpay": "rzp_test_1DP5mmOlF5G5ag",
    "cashfree": "TEST430329ae80e0f32e41a393d78b923034",
}
CREDENTIALS: Mapping[str, Callable[[str, str], Mapping[str, str]]] = {
    "sabiopay": lambda key, secret: {"apiKey": key, "apiSalt": secret},
    "razorpay": lambda key, secret: {
        "keyId": key,
        "keySecret": "a key secret",
        "webhookSecret": secret,
        "accountNumber": "7878780080316316",
    },
    "cashfree": lambda key, secret: {"clientId": key, "clientSecret": secret},
}
PATHS = {"sabiopay": "/sabiopay", "razorpay": "/razorpay/v1", "cashfree": "/cashfree"}
KINDS: tuple[PaymentKind, ...] = ("payin", "payout")
INSTANT = "sim:instant"


class Play:
    """One provider as the simulator plays it, and its adapter."""

    def __init__(self, name: str, simulator: Simulator, client: HttpClient, hooks: Loopback) -> None:
        self.name = name
        self.simulator = simulator
        self.hooks = hooks
        self._client = client
        self.adapter = self.adapter_with(SECRET)

    def adapter_with(self, secret: str) -> ProviderAdapter:
        policy = HttpPolicy(timeout_seconds=PATIENT_SECONDS, https_only=False)
        http = ProviderHttp(self._client, provider=self.name, channel_id=f"{self.name}_a", policy=policy)
        credentials = CREDENTIALS[self.name](KEYS[self.name], secret)
        return build(self.name, {**credentials, "baseUrl": f"{self.simulator.url}{PATHS[self.name]}"}, http)

    async def begin(self) -> None:
        """Start anew, with the provider's account known."""
        await self.simulator.call("POST", "/control/reset?all=1")
        account = {"api_key": KEYS[self.name], "webhook_secret": SECRET}
        urls = {f"{kind}_webhook_url": f"{self.hooks.url}/{kind}" for kind in KINDS}
        await self.simulator.call("PUT", f"/control/accounts/{self.name}", account | urls)

    async def create(self, kind: PaymentKind, tokens: str) -> CreateOutcome:
        """Send an order that meets what the tokens say."""
        plan = {kind: {"10010": tokens}}
        assert (await self.simulator.call("PUT", "/control/amounts", plan)).status == 200
        if kind == "payin":
            order = structs.replace(payin_order(), webhook_url=f"{self.hooks.url}/payin")
            return await self.adapter.create_payin(order)
        return await self.adapter.create_payout(payout_order())

    async def ask(self, kind: PaymentKind, known: str | None = None) -> StatusOutcome:
        return await self.adapter.check_status(kind, REFERENCE, known)

    async def heard(self, kind: PaymentKind) -> WebhookWord:
        """Wait for a webhook and read the newest."""
        await until(lambda: self.hooks.received)
        received = self.hooks.received[-1]
        (word,) = self.adapter.parse_webhook(kind, received.headers, received.body)
        return word

    async def executed(self, kind: PaymentKind) -> int:
        return int((await self.simulator.summary())[f"executed_{kind}s"])


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with running_simulator("--complete-after-ms", "20") as simulator:
        yield simulator


@pytest.fixture(params=sorted(KEYS))
async def play(request: pytest.FixtureRequest, running: Simulator) -> AsyncIterator[Play]:
    async with running_loopback() as hooks, HttpClient(private_addresses_allowed=True) as client:
        hooks.will_answer(WireAnswer(body=b"{}"))
        play = Play(request.param, running, client, hooks)
        await play.begin()
        yield play
        await running.call("POST", "/control/reset?all=1")


async def test_a_payin_brings_an_address_to_pay_at(play: Play) -> None:
    taken = await play.create("payin", "sim:pending")
    assert isinstance(taken, Accepted)
    assert taken.payment_url is not None
    if taken.payment_url.startswith("upi://pay?"):
        assert "am=100.10" in taken.payment_url
    else:
        page = await play.simulator.call("GET", taken.payment_url.removeprefix(play.simulator.url))
        assert page.status == 200


@pytest.mark.parametrize(
    ("tokens", "status"),
    [
        (INSTANT, ProviderStatus.SUCCESS),
        (f"sim:fail {INSTANT}", ProviderStatus.FAILED),
        (f"sim:expire {INSTANT}", ProviderStatus.PROCESSING),
        ("sim:processing", ProviderStatus.PROCESSING),
    ],
)
async def test_every_way_of_a_payout_to_end(play: Play, tokens: str, status: ProviderStatus) -> None:
    assert isinstance(await play.create("payout", tokens), Accepted)
    report = await play.ask("payout")
    assert isinstance(report, StatusReport)
    assert report.status is status


async def test_a_vpa_is_paid_where_the_provider_does_so(play: Play) -> None:
    if "UPI" in play.adapter.capabilities.payout_modes:
        assert isinstance(await play.adapter.create_payout(structs.replace(payout_order("UPI"), vpa="a@upi")), Accepted)


async def test_money_that_came_back_is_told_as_such(play: Play) -> None:
    await play.create("payout", f"{INSTANT} sim:reverse-after=0")
    await until(lambda: len(play.hooks.received) > 1)
    report = await play.ask("payout")
    assert isinstance(report, StatusReport)
    assert report.status is ProviderStatus.REVERSED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("token", ["sim:reject", "sim:reject=INSUFFICIENT_BALANCE", "sim:throttle"])
async def test_what_is_rejected_was_not_executed(play: Play, kind: PaymentKind, token: str) -> None:
    outcome = await play.create(kind, token)
    assert isinstance(outcome, Rejected)
    assert (outcome.sent, bool(outcome.code)) == (True, True)
    assert await play.executed(kind) == 0
    assert isinstance(await play.ask(kind), NotFound)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_provider_that_is_closed_leaves_the_outcome_unknown(play: Play, kind: PaymentKind) -> None:
    assert isinstance(await play.create(kind, "sim:maintenance"), Unknown)
    assert await play.executed(kind) == 0


async def test_a_webhook_with_a_wrong_amount_tells_that_amount(play: Play) -> None:
    await play.create("payout", f"sim:webhook-wrong-amount {INSTANT}")
    assert (await play.heard("payout")).amount == 10_110


async def test_half_a_webhook_is_unreadable(play: Play) -> None:
    await play.create("payout", f"sim:webhook-broken {INSTANT}")
    with pytest.raises(WebhookUnreadable):
        await play.heard("payout")


async def test_a_wrong_secret_is_refused(play: Play) -> None:
    outcome = await play.adapter_with("not this one").create_payout(payout_order())
    assert isinstance(outcome, Accepted if play.name == "razorpay" else Rejected)  # there it signs events only


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unknown_payment_is_not_found(play: Play, kind: PaymentKind) -> None:
    assert isinstance(await play.ask(kind), NotFound)
