"""The outbound client against real servers on this machine: what is certain, and what is not.

Each server counts the requests that reached it, so that a `NotSent` is checked against what really arrived.
"""

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from support.scripted_server import OK, Server, Streams, answering, call, serving, silent
from support.waiting import until
from wisipay.core.http_client import AnswerLost, HttpClient, NotSent


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield client


async def test_the_request_goes_out_exactly_as_given_and_the_answer_comes_back_whole(client: HttpClient) -> None:
    async with serving(answering(OK)) as server:
        answer = await client.request(
            "POST",
            f"{server.url}/pay%20in?a=%7C|b",
            headers={"content-type": "application/json", "X-Signature": "abc"},
            body=b'{"amount": 1}',
            timeout_seconds=5,
        )
    assert (answer.status, answer.body, answer.headers["x-one"], answer.is_cut) == (200, b"hi", "1, 2", False)
    assert 0 < answer.seconds < 5
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /pay%20in?a=%7C|b HTTP/1.1\r\n")
    assert body == b'{"amount": 1}'
    assert b"\r\ncontent-type: application/json" in head
    assert b"\r\nX-Signature: abc" in head


async def test_a_request_without_a_body_claims_no_content_type(client: HttpClient) -> None:
    async with serving(answering(OK)) as server:
        await client.request("GET", server.url, timeout_seconds=5)
    assert b"content-type" not in server.requests[0].lower()


async def test_connections_are_used_again(client: HttpClient) -> None:
    async with serving(answering(OK)) as server:
        for _ in range(3):
            await call(client, server.url)
    assert (len(server.requests), server.connections) == (3, 1)


@pytest.mark.parametrize("status", [301, 302, 307, 404, 500, 503])
async def test_every_status_is_an_answer_and_no_redirect_is_followed(client: HttpClient, status: int) -> None:
    answer = f"HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
    async with serving(answering(answer)) as server:
        assert (await call(client, server.url, "GET")).status == status
    assert len(server.requests) == 1


async def test_a_refused_connection_is_certain(client: HttpClient) -> None:
    async with serving(answering(OK)) as server:
        pass
    with pytest.raises(NotSent, match="ECONNREFUSED"):
        await call(client, server.url)


async def test_an_unknown_name_is_certain(client: HttpClient) -> None:
    with pytest.raises(NotSent, match="name is not known"):
        await call(client, "http://no-such-host.invalid/")


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "http://", "http://[::", "http://h:99999/", "/pay", "http:///x", "file:///etc/passwd"]
)
async def test_an_address_that_is_none_is_certain(client: HttpClient, url: str) -> None:
    with pytest.raises(NotSent):
        await call(client, url)


async def test_a_failed_tls_handshake_is_certain(client: HttpClient) -> None:
    async with serving(answering(OK)) as server:
        with pytest.raises(NotSent):
            await call(client, server.url.replace("http:", "https:"), timeout_seconds=0.5)
    assert all(b"{}" not in request for request in server.requests)


async def test_a_certificate_we_do_not_trust_is_certain(client: HttpClient, tls: ssl.SSLContext) -> None:
    async with serving(answering(OK), tls) as server:
        with pytest.raises(NotSent, match="TLS"):
            await call(client, server.url)
    assert server.requests == []


async def test_a_certificate_we_trust_is_served(tls: ssl.SSLContext, certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with (
        serving(answering(OK), tls) as server,
        HttpClient(private_addresses_allowed=True, ssl_context=trusting) as client,
    ):
        assert (await call(client, server.url)).status == 200


async def test_time_that_runs_out_while_waiting_for_a_connection_is_certain() -> None:
    async with serving(silent) as server, HttpClient(private_addresses_allowed=True, connections_max=1) as client:
        first = asyncio.create_task(call(client, server.url))
        await until(lambda: len(server.requests) == 1)
        with pytest.raises(NotSent, match="before anything was sent"):
            await call(client, server.url, timeout_seconds=0.1)
        server.release.set()
        with pytest.raises(AnswerLost):
            await first
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
async def test_a_server_that_hangs_up_after_reading_leaves_it_open_and_is_asked_once(
    client: HttpClient, method: str
) -> None:
    async with serving(answering(b"", keep=False)) as server:
        with pytest.raises(AnswerLost, match="closed before the answer"):
            await call(client, server.url, method)
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_kept_connection_that_breaks_leaves_it_open_and_is_not_tried_again(
    client: HttpClient, method: str
) -> None:
    async def once(server: Server, streams: Streams) -> bool:
        if len(server.requests) == 1:
            streams[1].write(OK)
        return len(server.requests) == 1

    async with serving(once) as server:
        await call(client, server.url, method)
        with pytest.raises(AnswerLost):
            await call(client, server.url, method)
    assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "cut short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal", "cut short"),
        (b"HTTP/1.1 200", "closed before"),
        (b"no HTTP at all\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "not HTTP"),
    ],
)
async def test_half_an_answer_leaves_it_open(client: HttpClient, answer: bytes, reason: str) -> None:
    async with serving(answering(answer, keep=False)) as server:
        with pytest.raises(AnswerLost, match=reason):
            await call(client, server.url)


async def test_an_answer_that_takes_too_long_leaves_it_open(client: HttpClient) -> None:
    async with serving(silent) as server:
        with pytest.raises(AnswerLost, match=r"timed out waiting for the answer \(0.1 s\)"):
            await call(client, server.url, timeout_seconds=0.1)
    assert len(server.requests) == 1


async def test_an_answer_that_trickles_in_does_not_stretch_the_time(client: HttpClient) -> None:
    async def trickle(server: Server, streams: Streams) -> bool:
        streams[1].write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not server.release.is_set():
            streams[1].write(b".")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.release.wait(), 0.02)
        return False

    async with serving(trickle) as server:
        with pytest.raises(AnswerLost, match="timed out"):
            await call(client, server.url, timeout_seconds=0.2)


BIG = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000


async def test_an_answer_that_is_too_large_leaves_it_open(client: HttpClient) -> None:
    async with serving(answering(BIG)) as server:
        with pytest.raises(AnswerLost, match="larger than 1024 bytes"):
            await client.request("GET", server.url, timeout_seconds=5, max_bytes=1024)


async def test_an_answer_may_be_cut_where_only_its_beginning_matters(client: HttpClient) -> None:
    async with serving(answering(BIG)) as server:
        answer = await client.request("GET", server.url, timeout_seconds=5, max_bytes=1024, cut_body=True)
        assert (answer.status, answer.body, answer.is_cut) == (200, b"x" * 1024, True)
        answer = await client.request("GET", server.url, timeout_seconds=5, max_bytes=5000)
        assert (len(answer.body), answer.is_cut) == (5000, False)


async def test_a_compressed_bomb_is_measured_unpacked(client: HttpClient) -> None:
    bomb = gzip.compress(b"x" * 3_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    async with serving(answering(head + bomb)) as server:
        with pytest.raises(AnswerLost, match="larger than"):
            await call(client, server.url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"])  # noqa: S104 - nothing is bound
async def test_a_private_address_is_not_connected_to(host: str) -> None:
    async with serving(answering(OK)) as server, HttpClient(private_addresses_allowed=False) as client:
        with pytest.raises(NotSent):
            await call(client, server.url.replace("127.0.0.1", host))
    assert server.connections == 0


async def test_the_reason_of_a_failure_holds_nothing_of_the_request(client: HttpClient) -> None:
    async with serving(answering(b"", keep=False)) as server:
        with pytest.raises(AnswerLost) as caught:
            await call(client, f"{server.url}/Qsecret?token=Qtoken")
    assert "Q" not in str(caught.value)
    assert caught.value.reason == str(caught.value)


async def test_a_cancelled_call_stays_cancelled(client: HttpClient) -> None:
    async with serving(silent) as server:
        task = asyncio.create_task(call(client, server.url))
        await until(lambda: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_outside_its_block_the_client_is_a_programming_error() -> None:
    with pytest.raises(RuntimeError):
        await call(HttpClient(private_addresses_allowed=True), "http://127.0.0.1/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a self-signed certificate for 127.0.0.1, its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def tls(certificate: Path) -> ssl.SSLContext:
    """Return a server's TLS context with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
