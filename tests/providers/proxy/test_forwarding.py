"""An operator's request reaches listed hosts only, once, and is audited before a byte leaves, without its secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from support.loopback import Fault, Loopback, WireAnswer, running_loopback
from support.merchants import NOW
from wisipay.core.database import Pool
from wisipay.core.http_client import HttpClient
from wisipay.merchants import Author
from wisipay.providers import ProviderProxy, ProxyPolicy, ProxyRefused, ProxyRequest, known_hosts

WHY = Author("cli:asha", NOW, reason="ticket 17")


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(200, b'{"token":"s3cret-answer","account_number":"000123456789","utr":"U1"}'))
        yield loopback


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield client


def proxy_to(
    url: str, pool: Pool, client: HttpClient, *, https_only: bool = False, timeout_seconds: float = 20
) -> ProviderProxy:
    place = url.partition("://")[2]
    return ProviderProxy(pool, client, ProxyPolicy(frozenset({place}), https_only, timeout_seconds))


async def audited(pool: Pool) -> dict[str, str]:
    rows = await pool.fetch("SELECT action, actor, reason, entity_id, state_after::text AS state FROM audit_log")
    assert {(each["actor"], each["reason"]) for each in rows} <= {("cli:asha", "ticket 17")}
    return {each["action"]: msgspec.json.encode(each["state"]).decode() for each in rows}


async def test_the_answer_is_shown_whole_and_kept_without_secrets(
    database: Pool, client: HttpClient, loopback: Loopback
) -> None:
    headers = {"Authorization": "Bearer s3cret-key-0123456789"}
    request = ProxyRequest("POST", f"{loopback.url}/status?api_token=s3cret-token", headers, b'{"apiKey":"s3cret"}')
    answer = await proxy_to(loopback.url, database, client).send(WHY, request)
    assert (answer.status, answer.is_cut, answer.failure) == (200, False, None)
    assert "s3cret-answer" in answer.body
    (sent,) = loopback.received
    assert (sent.method, sent.body) == ("POST", b'{"apiKey":"s3cret"}')
    kept = await audited(database)
    assert set(kept) == {"provider.proxy", "provider.proxy_answer"}
    assert "/status" in kept["provider.proxy"]
    assert "utr" in kept["provider.proxy_answer"]
    assert "s3cret" not in str(kept)
    assert "000123456789" not in str(kept)


async def test_what_was_not_sent_and_what_was_lost_are_told_apart(
    database: Pool, client: HttpClient, loopback: Loopback
) -> None:
    loopback.will_answer(WireAnswer(fault=Fault.CLOSES_UNANSWERED))
    proxy = proxy_to(loopback.url, database, client)
    lost = await proxy.send(WHY, ProxyRequest("GET", loopback.url, {}, None))
    assert (lost.status, (lost.failure or "").partition(":")[0]) == (None, "answer lost")
    async with HttpClient(private_addresses_allowed=False) as public:
        proxy = proxy_to(loopback.url, database, public)
        refused = await proxy.send(WHY, ProxyRequest("GET", loopback.url, {}, None))
    assert refused.failure == "not sent: the address is not public"
    assert len(loopback.received) == 1


async def test_a_large_answer_is_cut(
    database: Pool, client: HttpClient, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisipay.providers.proxy.forwarding.ANSWER_BYTES_MAX", 10)
    answer = await proxy_to(loopback.url, database, client).send(WHY, ProxyRequest("GET", loopback.url, {}, None))
    assert (len(answer.body), answer.is_cut) == (10, True)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://evil.example/x", "evil.example is not a provider's host"),
        ("https://api.razorpay.com@evil.example/x", "not in the address"),
        ("https://user:pass@127.0.0.1:9/x", "not in the address"),
        ("https://api.razorpay.com:8443/x", "api.razorpay.com:8443 is not"),
        ("http://api.razorpay.com/x", "not https"),
        ("file:///etc/passwd", "not an http or https"),
        ("https://api.razorpay.com\\.evil.example/", "is not"),
    ],
)
async def test_other_hosts_are_refused_and_nothing_is_written(
    database: Pool, client: HttpClient, url: str, told: str
) -> None:
    proxy = ProviderProxy(database, client, ProxyPolicy(known_hosts(), https_only=True, timeout_seconds=1))
    with pytest.raises(ProxyRefused, match=told):
        await proxy.send(WHY, ProxyRequest("GET", url, {}, None))
    assert await audited(database) == {}


async def test_a_request_needs_a_reason(database: Pool, client: HttpClient, loopback: Loopback) -> None:
    with pytest.raises(ProxyRefused, match="say why"):
        await proxy_to(loopback.url, database, client).send(
            Author("cli:asha", NOW, reason=" "), ProxyRequest("GET", loopback.url, {}, None)
        )
    assert loopback.received == []


def test_the_hosts_of_all_adapters_are_known() -> None:
    assert {"api.razorpay.com", "api.cashfree.com", "b2b.payprime.in", "banking.mytpipay.com"} <= known_hosts()
    assert all("/" not in host and ":" not in host for host in known_hosts())
