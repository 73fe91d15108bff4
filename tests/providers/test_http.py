"""One channel's way out: what failures become, what is captured, and that nothing gets out of hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import cast

import pytest

from support.loopback import Fault, Loopback, WireAnswer, refused_url, running_loopback
from wisipay.core.http_client import HttpClient, NotSent
from wisipay.core.metrics import REGISTRY
from wisipay.providers import Accepted, CapturedExchange, HttpPolicy, ProviderHttp, ProviderStatus, Rejected, Unknown
from wisipay.providers import http as module
from wisipay.providers.http import HttpAnswer, ProviderRequest
from wisipay.providers.wire import Unreadable, read_object

TAKEN = Accepted(ProviderStatus.PENDING)


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(200, b'{"api_key":"s3cret-answer","utr":"412345678901"}'))
        yield loopback


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield client


@pytest.fixture
def captured() -> list[CapturedExchange]:
    return []


@pytest.fixture
def http(client: HttpClient, captured: list[CapturedExchange]) -> ProviderHttp:
    return provider_http(client, captured)


def provider_http(client: HttpClient, captured: list[CapturedExchange], *, https_only: bool = False) -> ProviderHttp:
    policy = HttpPolicy(timeout_seconds=20, https_only=https_only)
    return ProviderHttp(client, provider="x", channel_id="x_y", policy=policy, capture_hook=captured.append)


def request(url: str, body: bytes = b'{"account_number":"000123456789","ref_id":"WP1"}') -> ProviderRequest:
    headers = {"Authorization": "Bearer s3cret-key-0123456789", "Content-Type": "application/json"}
    return ProviderRequest("payout", "WP1", "POST", f"{url}/pay?api_token=s3cret-token", headers, body)


def taken(answer: HttpAnswer) -> Accepted:
    read_object(answer.body)
    return TAKEN


async def test_an_answer_is_read(http: ProviderHttp, loopback: Loopback) -> None:
    assert await http.create(request(loopback.url), taken) is TAKEN
    assert loopback.received[0].headers["authorization"] == "Bearer s3cret-key-0123456789"


async def test_an_unreadable_answer_is_unknown_and_says_why(http: ProviderHttp, loopback: Loopback) -> None:
    def read(_: HttpAnswer) -> Accepted:
        raise Unreadable("half an answer")

    assert await http.create(request(loopback.url), read) == Unknown("HTTP 200: half an answer")


async def test_a_reader_that_fails_leaves_the_outcome_unknown(http: ProviderHttp, loopback: Loopback) -> None:
    def read(_: HttpAnswer) -> Accepted:
        raise KeyError("s3cret-detail")

    assert await http.create(request(loopback.url), read) == Unknown("HTTP 200: reading failed with KeyError")


async def test_a_lost_answer_is_unknown(http: ProviderHttp, loopback: Loopback) -> None:
    loopback.will_answer(WireAnswer(fault=Fault.CLOSES_UNANSWERED))
    outcome = await http.create(request(loopback.url), taken)
    assert isinstance(outcome, Unknown)
    assert outcome.reason.startswith("answer lost: ")
    assert isinstance(await http.ask(request(loopback.url), lambda _: Unknown("never read")), Unknown)


async def test_nothing_sent_is_a_certain_rejection_of_an_order_only(http: ProviderHttp) -> None:
    url = await refused_url()
    outcome = await http.create(request(url), taken)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.sent) == ("NOT_SENT", False)
    asked = await http.ask(request(url), lambda _: Unknown("never read"))
    assert isinstance(asked, Unknown)
    assert asked.reason.startswith("not sent: ")


async def test_where_only_https_is_allowed_nothing_is_sent_in_clear(client: HttpClient, loopback: Loopback) -> None:
    http = provider_http(client, [], https_only=True)
    outcome = await http.create(request(loopback.url), taken)
    assert isinstance(outcome, Rejected)
    assert not outcome.sent
    assert loopback.received == []


class Failing:
    """A client that fails at once."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def request(self, *_: object, **__: object) -> HttpAnswer:
        raise self._error


async def test_a_client_that_fails_unexpectedly_leaves_the_outcome_unknown() -> None:
    http = provider_http(cast("HttpClient", Failing(RuntimeError("boom"))), [])
    outcome = await http.create(request("http://127.0.0.1:1"), taken)
    assert outcome == Unknown("answer lost: unexpected RuntimeError")


async def test_the_reason_for_not_sending_is_told() -> None:
    http = provider_http(cast("HttpClient", Failing(NotSent("the name is not known"))), [])
    rejected = Rejected("NOT_SENT", "the name is not known", sent=False)
    assert await http.create(request("http://127.0.0.1:1"), taken) == rejected
    asked = await http.ask(request("http://127.0.0.1:1"), lambda _: Unknown("never read"))
    assert asked == Unknown("not sent: the name is not known")


async def test_a_capture_is_redacted(http: ProviderHttp, loopback: Loopback, captured: list[CapturedExchange]) -> None:
    await http.create(request(loopback.url), taken)
    (exchange,) = captured
    assert (exchange.provider, exchange.channel_id, exchange.operation) == ("x", "x_y", "payout")
    assert (exchange.reference, exchange.method, exchange.status, exchange.failure) == ("WP1", "POST", 200, None)
    assert "s3cret" not in repr(exchange)
    assert "000123456789" not in repr(exchange)
    assert "WP1" in exchange.request_body
    assert exchange.answer_headers["content-type"] == "application/json"


async def test_a_capture_without_an_answer_says_why(http: ProviderHttp, captured: list[CapturedExchange]) -> None:
    await http.create(request(await refused_url()), taken)
    (exchange,) = captured
    assert exchange.status is None
    assert exchange.failure is not None
    assert exchange.failure.startswith("NotSent: ")
    assert (exchange.answer_body, exchange.answer_headers) == ("", {})


async def test_captured_bodies_are_bounded(
    http: ProviderHttp, loopback: Loopback, captured: list[CapturedExchange]
) -> None:
    await http.create(request(loopback.url, b"x " * 500_000), taken)
    assert len(captured[0].request_body) < 20_000


async def test_a_capture_hook_that_fails_changes_nothing(client: HttpClient, loopback: Loopback) -> None:
    def hook(_: CapturedExchange) -> None:
        raise RuntimeError("queue is full")

    policy = HttpPolicy(timeout_seconds=20, https_only=False)
    http = ProviderHttp(client, provider="x", channel_id="x_y", policy=policy, capture_hook=hook)
    assert await http.create(request(loopback.url), taken) is TAKEN


async def test_calls_are_counted_by_outcome(http: ProviderHttp, loopback: Loopback) -> None:
    labels = {"provider": "x", "operation": "payout", "outcome": "Accepted"}
    before = REGISTRY.get_sample_value("wisipay_provider_calls_total", labels) or 0
    await http.create(request(loopback.url), taken)
    assert REGISTRY.get_sample_value("wisipay_provider_calls_total", labels) == before + 1


async def test_no_log_line_holds_a_secret_or_an_address_with_its_query(
    http: ProviderHttp, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[Mapping[str, object]] = []

    class Recorder:
        def info(self, event: str, **fields: object) -> None:
            lines.append({"event": event, **fields})

        debug = info

    monkeypatch.setattr(module, "_logger", Recorder())
    await http.create(request(loopback.url), taken)
    assert [line["event"] for line in lines] == ["provider.http.request", "provider.http.response"]
    assert lines[1]["status"] == 200
    assert lines[1]["transaction_id"] == "WP1"
    assert "s3cret" not in repr(lines)
