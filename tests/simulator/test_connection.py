"""The simulator's own HTTP: kept connections, several requests at once, and callers that are not HTTP."""

import asyncio
import re

from support.simulator import Simulator

HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


async def test_a_connection_is_kept_and_pipelined_requests_are_answered_in_order(simulator: Simulator) -> None:
    missing = HEALTH.replace(b"/health", b"/missing")
    heard = await _exchange(simulator, HEALTH + missing + HEALTH.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    assert re.findall(rb"HTTP/1.1 (\d{3})", heard) == [b"200", b"404", b"200"]
    assert b"connection: close" in heard


async def test_what_is_not_http_is_refused_and_closed(simulator: Simulator) -> None:
    assert (await _exchange(simulator, b"SSH-2.0-OpenSSH\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_a_caller_who_waits_to_be_asked_for_the_body_is_asked(simulator: Simulator) -> None:
    head = b"POST /control/reset HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n"
    head += b"connection: close\r\n\r\n"
    heard = await _exchange(simulator, head, b"{}")
    assert heard.startswith(b"HTTP/1.1 100 Continue")
    assert b"HTTP/1.1 200 OK" in heard


async def test_a_chunked_body_is_read(simulator: Simulator) -> None:
    head = b"PATCH /control/faults HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    heard = await _exchange(simulator, head, b'f\r\n{"timeout_ms":3\r\n2\r\n3}\r\n0\r\n\r\n')
    assert b'"timeout_ms":33' in heard


async def test_too_many_requests_at_once_end_the_connection(simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/faults", {"latency": 1000})
    get = b"GET /dummy/v1/payouts/X HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n\r\n"
    assert await _exchange(simulator, get * 100) == b""


async def _exchange(simulator: Simulator, *parts: bytes) -> bytes:
    host, port = simulator.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    heard = b""
    try:
        async with asyncio.timeout(30):
            for part in parts[:-1]:
                writer.write(part)
                if b"100-continue" in part:
                    heard += await reader.readuntil(b"\r\n\r\n")
            writer.write(parts[-1])
            heard += await reader.read(-1)
    except ConnectionResetError:
        return heard
    finally:
        writer.close()
    return heard
