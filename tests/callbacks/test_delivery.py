"""One attempt against a real endpoint on the loopback, whatever that endpoint does."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from aiohttp import web

from support.callback_events import event
from support.merchant_endpoint import MerchantEndpoint, merchant_endpoint
from support.parties import SECRET, Merchants, merchant
from wisipay.callbacks import AttemptOutcome, CallbackEvent
from wisipay.callbacks import delivery as delivery_module
from wisipay.callbacks.delivery import ANSWER_KEPT_BYTES, Delivery
from wisipay.callbacks.model import Attempt, ClaimedCallback
from wisipay.core.clock import SystemClock
from wisipay.core.http_client import HttpClient


@pytest.fixture
async def endpoint() -> AsyncIterator[MerchantEndpoint]:
    async with merchant_endpoint() as serving:
        yield serving


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as opened:
        yield opened


async def _attempt(
    client: HttpClient, sent: CallbackEvent, merchants: Merchants | None = None, *, https_only: bool = False
) -> Attempt:
    delivery = Delivery(merchants or Merchants(), client, SystemClock(), unit="RUPEES", https_only=https_only)
    attempt, _verdict = await delivery.attempt(ClaimedCallback(sent, 0, uuid4()))
    return attempt


async def test_v1_signature_is_over_the_exact_bytes_on_the_wire(client: HttpClient, endpoint: MerchantEndpoint) -> None:
    sent = event(url=f"{endpoint.url}/cb", utr="UTR-\u20b9")
    attempt = await _attempt(client, sent)
    assert (attempt.outcome, attempt.http_status, attempt.answer) == (AttemptOutcome.DELIVERED, 200, b"thank you")
    (received,) = endpoint.received
    signed = received.body + b"|" + received.headers["x-timestamp"].encode()
    assert received.headers["x-signature"] == hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    assert received.event_id == str(sent.event_id)
    age_ms = datetime.now(UTC).timestamp() * 1000 - int(received.headers["x-timestamp"])
    assert 0 <= age_ms < 60_000


async def test_the_url_configured_now_goes_before_that_of_the_event(
    client: HttpClient, endpoint: MerchantEndpoint
) -> None:
    moved = Merchants(merchant(callback_url=f"{endpoint.url}/new"))
    attempt = await _attempt(client, event(url="http://127.0.0.1:1/old"), moved)
    assert attempt.url == f"{endpoint.url}/new"
    assert [received.path for received in endpoint.received] == ["/new"]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_refusal_is_kept_with_status_and_answer(
    client: HttpClient, endpoint: MerchantEndpoint, status: int
) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="no")

    endpoint.answer = refuse
    attempt = await _attempt(client, event(url=endpoint.url))
    assert (attempt.outcome, attempt.http_status) == (AttemptOutcome.RETRY, status)
    assert (attempt.answer, attempt.error) == (b"no", f"answered {status}")


async def test_a_redirect_is_not_followed(client: HttpClient, endpoint: MerchantEndpoint) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": f"{endpoint.url}/elsewhere"})

    endpoint.answer = redirect
    attempt = await _attempt(client, event(url=f"{endpoint.url}/cb"))
    assert (attempt.outcome, attempt.http_status) == (AttemptOutcome.RETRY, 307)
    assert [received.path for received in endpoint.received] == ["/cb"]


async def test_an_answer_that_never_ends_is_cut_and_counts_by_its_status(
    client: HttpClient, endpoint: MerchantEndpoint
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 4096)

    endpoint.answer = endless
    attempt = await _attempt(client, event(url=endpoint.url))
    assert attempt.outcome is AttemptOutcome.DELIVERED
    assert attempt.answer == b"x" * ANSWER_KEPT_BYTES


async def test_an_answer_that_does_not_come_in_time_is_a_failure(
    client: HttpClient, endpoint: MerchantEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    monkeypatch.setattr(delivery_module, "TIMEOUT_SECONDS", 0.2)
    endpoint.answer = hang
    attempt = await _attempt(client, event(url=endpoint.url))
    assert (attempt.outcome, attempt.http_status) == (AttemptOutcome.RETRY, None)
    assert "timed out" in (attempt.error or "")


async def test_a_broken_connection_is_a_failure(client: HttpClient, endpoint: MerchantEndpoint) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    endpoint.answer = hang_up
    assert (await _attempt(client, event(url=endpoint.url))).outcome is AttemptOutcome.RETRY


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "not a url", "http://"])
async def test_a_url_that_leads_nowhere_is_a_failure(client: HttpClient, url: str) -> None:
    attempt = await _attempt(client, event(url=url))
    assert (attempt.outcome, attempt.http_status) == (AttemptOutcome.RETRY, None)
    assert attempt.error


async def test_private_addresses_are_refused_unless_allowed(endpoint: MerchantEndpoint) -> None:
    async with HttpClient(private_addresses_allowed=False) as guarded:
        attempt = await _attempt(guarded, event(url=endpoint.url))
    assert attempt.outcome is AttemptOutcome.RETRY
    assert attempt.error == "the address is not public"
    assert endpoint.received == []


async def test_production_sends_over_https_only(client: HttpClient, endpoint: MerchantEndpoint) -> None:
    attempt = await _attempt(client, event(url=endpoint.url), https_only=True)
    assert attempt.error == "the callback URL is not https"
    assert endpoint.received == []


async def test_what_cannot_be_sent_as_things_stand_is_tried_again(client: HttpClient) -> None:
    unknown = await _attempt(client, event(), Merchants(strict=True))
    assert (unknown.outcome, unknown.error) == (AttemptOutcome.RETRY, "the merchant is not known")
    keyless = await _attempt(client, event(), Merchants(merchant(secrets=())))
    assert keyless.error == "the merchant has no API secret to sign with"
    nowhere = await _attempt(client, event(url=None))
    assert nowhere.error == "no callback URL is configured"
