"""The one door to the providers: what may go out, what the circuit learns, and the last guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest
from msgspec import structs
from redis.asyncio import Redis

from support.fake_clock import FakeClock
from support.loopback import Fault, Loopback, WireAnswer, refused_url, running_loopback
from support.provider_bench import payin_order, payout_order
from wisipay.core.http_client import HttpClient
from wisipay.providers import (
    Accepted,
    BreakerPolicy,
    BreakerStore,
    HealthStore,
    HttpPolicy,
    InvalidCredentials,
    NotFound,
    ProviderAdapter,
    ProviderGateway,
    ProviderHttp,
    ProviderStatus,
    Rejected,
    StatusReport,
    Unknown,
    WebhookUnreadable,
    build,
)
from wisipay.providers import gateway as module
from wisipay.providers.adapters.dummy import DummyAdapter

CHANNEL = "dummy_alpha"
NOT_FOUND = WireAnswer(404, b'{"success":false,"error":{"code":"NOT_FOUND"}}')
REJECTED = WireAnswer(422, b'{"success":false,"error":{"code":"BAD_IFSC"}}')
MAINTENANCE = WireAnswer(503, b'{"success":false,"error":{"code":"MAINTENANCE"}}')
LOST = WireAnswer(fault=Fault.CLOSES_UNANSWERED)


def taken(reference: str, status: str = "PENDING") -> WireAnswer:
    data = f'{{"payment_id":"DUMMY_PO_1","ref_id":"{reference}","status":"{status}"}}'
    return WireAnswer(200, f'{{"success":true,"data":{data}}}'.encode())


TAKEN = taken(payout_order().reference)


@dataclass
class Channels:
    """Channel credentials in memory."""

    known: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)

    async def credentials(self, channel_id: str) -> tuple[str, Mapping[str, str]]:
        return self.known[channel_id]


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(TAKEN)
        yield loopback


@pytest.fixture
def channels(loopback: Loopback) -> Channels:
    return Channels({CHANNEL: ("dummy", {"baseUrl": loopback.url, "apiKey": "first"})})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def gateway(channels: Channels, redis: Redis, clock: FakeClock) -> AsyncIterator[ProviderGateway]:
    breakers = BreakerStore(redis, clock=clock, shared_clock=clock, policy=BreakerPolicy(failures_to_open=3))
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        yield ProviderGateway(channels, client, breakers, policy=policy)


async def test_health_hears_of_calls_and_of_open_circuits_but_not_of_what_was_held_back(
    channels: Channels, redis: Redis, clock: FakeClock, loopback: Loopback
) -> None:
    health = HealthStore(redis, clock=clock)
    breakers = BreakerStore(redis, clock=clock, shared_clock=clock, policy=BreakerPolicy(failures_to_open=3))
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        gateway = ProviderGateway(channels, client, breakers, policy=policy, health=health)
        await gateway.create_payout(CHANNEL, payout_order())
        loopback.will_answer(LOST)
        for _ in range(5):
            await gateway.create_payout(CHANNEL, payout_order())
            await gateway.check_status(CHANNEL, "payout", payout_order().reference, None)
    seen = health.health(CHANNEL, "payout")
    assert (seen.calls, seen.answered, seen.is_blocked) == (4, 0.25, True)
    assert not health.health(CHANNEL, "payin").is_blocked


async def test_payins_payouts_and_questions_reach_the_provider(gateway: ProviderGateway, loopback: Loopback) -> None:
    assert isinstance(await gateway.create_payout(CHANNEL, payout_order()), Accepted)
    assert isinstance(await gateway.create_payin(CHANNEL, payin_order()), Accepted)
    report = await gateway.check_status(CHANNEL, "payout", payout_order().reference, None)
    assert report == StatusReport(ProviderStatus.PENDING, "DUMMY_PO_1")
    assert [request.path.split("/")[3] for request in loopback.received] == ["payouts", "payins", "payouts"]


@pytest.mark.parametrize("answer", [LOST, WireAnswer(500, b"{}"), MAINTENANCE])
async def test_failures_in_a_row_hold_orders_back(
    gateway: ProviderGateway, loopback: Loopback, answer: WireAnswer
) -> None:
    loopback.will_answer(answer)
    for _ in range(3):
        await gateway.create_payout(CHANNEL, payout_order())
    assert await gateway.circuit_open(CHANNEL, "payout")
    outcome = await gateway.create_payout(CHANNEL, payout_order())
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.sent) == ("CIRCUIT_OPEN", False)
    assert len(loopback.received) == 3


async def test_nobody_listening_holds_orders_back_too(gateway: ProviderGateway, channels: Channels) -> None:
    channels.known[CHANNEL] = ("dummy", {"baseUrl": await refused_url(), "apiKey": "k"})
    codes = [cast("Rejected", await gateway.create_payout(CHANNEL, payout_order())).code for _ in range(4)]
    assert codes == ["NOT_SENT"] * 3 + ["CIRCUIT_OPEN"]


async def test_rejections_are_the_provider_working_as_it_should(gateway: ProviderGateway, loopback: Loopback) -> None:
    loopback.will_answer(REJECTED)
    for _ in range(10):
        assert isinstance(await gateway.create_payout(CHANNEL, payout_order()), Rejected)
    assert not await gateway.circuit_open(CHANNEL, "payout")


async def test_the_trial_that_succeeds_lets_orders_through_again(
    gateway: ProviderGateway, loopback: Loopback, clock: FakeClock
) -> None:
    loopback.will_answer(LOST)
    for _ in range(3):
        await gateway.create_payout(CHANNEL, payout_order())
    clock.pass_seconds(30)
    loopback.will_answer(TAKEN)
    for _ in range(2):
        assert isinstance(await gateway.create_payout(CHANNEL, payout_order()), Accepted)


async def test_questions_are_not_held_back_by_orders_that_fail(gateway: ProviderGateway, loopback: Loopback) -> None:
    loopback.will_answer(LOST)
    for _ in range(3):
        await gateway.create_payout(CHANNEL, payout_order())
    assert not await gateway.circuit_open(CHANNEL, "payin")
    loopback.will_answer(TAKEN)
    assert isinstance(await gateway.check_status(CHANNEL, "payout", payout_order().reference, None), StatusReport)


async def test_questions_have_a_circuit_of_their_own(gateway: ProviderGateway, loopback: Loopback) -> None:
    loopback.will_answer(LOST)
    for _ in range(3):
        await gateway.check_status(CHANNEL, "payout", "WP1", None)
    assert await gateway.check_status(CHANNEL, "payout", "WP1", None) == Unknown("circuit is open")
    loopback.will_answer(TAKEN)
    assert isinstance(await gateway.create_payout(CHANNEL, payout_order()), Accepted)


async def test_not_found_is_an_answer_and_no_failure(gateway: ProviderGateway, loopback: Loopback) -> None:
    loopback.will_answer(NOT_FOUND)
    for _ in range(10):
        assert isinstance(await gateway.check_status(CHANNEL, "payout", "WP1", None), NotFound)


async def test_an_adapter_that_fails_leaves_the_order_unknown(
    gateway: ProviderGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> Accepted:
        raise ZeroDivisionError

    monkeypatch.setattr(DummyAdapter, "create_payout", broken)
    outcome = await gateway.create_payout(CHANNEL, payout_order())
    assert outcome == Unknown("adapter failed with ZeroDivisionError")


async def test_a_channel_that_cannot_be_used_sends_nothing(gateway: ProviderGateway, channels: Channels) -> None:
    channels.known["broken"] = ("dummy", {"apiKey": "k"})
    for channel in ("unknown", "broken"):
        outcome = await gateway.create_payout(channel, payout_order())
        assert isinstance(outcome, Rejected)
        assert (outcome.code, outcome.sent) == ("CHANNEL_UNUSABLE", False)
        assert isinstance(await gateway.check_status(channel, "payout", "WP1", None), Unknown)
    with pytest.raises(InvalidCredentials):
        await gateway.capabilities("broken")


async def test_an_order_that_the_provider_cannot_take_is_not_sent(gateway: ProviderGateway, loopback: Loopback) -> None:
    outcomes = [
        await gateway.create_payout(CHANNEL, payout_order(mode="QR")),
        await gateway.create_payin(CHANNEL, payin_order(mode="NEFT")),
        await gateway.create_payout(CHANNEL, structs.replace(payout_order(), reference="W" * 41)),
    ]
    rejections = [cast("Rejected", outcome) for outcome in outcomes]
    assert [(rejection.code, rejection.sent) for rejection in rejections] == [
        ("MODE_UNSUPPORTED", False),
        ("MODE_UNSUPPORTED", False),
        ("REFERENCE_TOO_LONG", False),
    ]
    assert loopback.received == []


async def test_new_credentials_are_used_at_once(
    gateway: ProviderGateway, channels: Channels, loopback: Loopback
) -> None:
    await gateway.create_payout(CHANNEL, payout_order())
    channels.known[CHANNEL] = ("dummy", {"baseUrl": loopback.url, "apiKey": "second"})
    await gateway.create_payout(CHANNEL, payout_order())
    assert [request.headers["authorization"] for request in loopback.received] == ["Bearer first", "Bearer second"]


async def test_adapters_are_kept_and_their_number_is_bounded(
    gateway: ProviderGateway, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def counted(name: str, credentials: Mapping[str, str], http: ProviderHttp) -> ProviderAdapter:
        built.append(name)
        return build(name, credentials, http)

    monkeypatch.setattr(module, "build", counted)
    monkeypatch.setattr(module, "MAX_CACHED_ADAPTERS", 2)
    channels.known |= dict.fromkeys(("b", "c"), channels.known[CHANNEL])
    for channel in (CHANNEL, CHANNEL, "b", CHANNEL, "c", CHANNEL):
        await gateway.capabilities(channel)
    assert len(built) == 3
    await gateway.capabilities("b")
    assert len(built) == 4


async def test_webhooks_are_read_by_the_channels_adapter(gateway: ProviderGateway) -> None:
    body = b'{"payment_id":"DUMMY_PO_1","ref_id":"WP1","status":"SUCCESS","amount":"100.10"}'
    (word,) = await gateway.parse_webhook(CHANNEL, "common", {}, body)
    assert (word.kind, word.status, word.authentic) == ("payout", ProviderStatus.SUCCESS, False)
    with pytest.raises(WebhookUnreadable):
        await gateway.parse_webhook(CHANNEL, "common", {}, b"")
    assert await gateway.webhook_reply(CHANNEL) == (200, "application/json", b'{"success":true}')
