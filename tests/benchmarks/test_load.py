"""The load generator is honest: each request is counted once, from the moment it was due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.load import Job, Load, Phase
from benchmarks.orders import Sender

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
COUNTS = b'{"callbacks":{"events":0,"verified":0}}'
SUMMARY = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(COUNTS), COUNTS)


class Server(asyncio.Protocol):
    """Answers every `refuse_every`th request with a refusal, after a delay, in pieces of a few bytes."""

    delay_seconds = 0.0
    refuse_every = 1_000_000
    received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if data.startswith(b"GET"):
            self.transport.write(SUMMARY)
            return
        Server.received += 1
        answer = REFUSAL if Server.received % Server.refuse_every == 0 else OK
        for number, place in enumerate(range(0, len(answer), 40)):
            loop.call_later(Server.delay_seconds + number / 1000, self.transport.write, answer[place : place + 40])


@asynccontextmanager
async def _server() -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("delay_seconds", 0.0), ("refuse_every", 1_000_000), ("received", 0)):
        monkeypatch.setattr(Server, name, value)


def _job(port: int, *phases: Phase, connections: int = 2) -> Job:
    return Job(
        kind="payin",
        run="T",
        ports=[port],
        senders=[Sender("MER-1", "secret")],
        phases=list(phases),
        connections=connections,
        simulator_port=port,
    )


async def test_a_stall_is_seen_by_everyone_who_would_have_met_it() -> None:
    """The server takes half a second and two connections are open: whoever comes opens another, or waits from due."""
    Server.delay_seconds = 0.5
    async with _server() as port:
        outcome = await Load(_job(port, Phase("all", 0.5, 100.0))).run()
    (told,) = outcome.phases
    assert told.accepted == Server.received > 20
    assert told.p50_ms >= 500
    assert outcome.connections > 2


async def test_each_phase_has_its_own_answers_and_refusals_are_told_apart() -> None:
    Server.refuse_every = 2
    async with _server() as port:
        outcome = await Load(_job(port, Phase("slow", 0.3, 50.0), Phase("fast", 0.3, 500.0))).run()
    slow, fast = outcome.phases
    assert sum(slow.statuses.values()) < sum(fast.statuses.values())
    assert sum(told.statuses[200] + told.statuses[503] for told in outcome.phases) == Server.received
    assert fast.retry_after == fast.statuses[503]
    assert fast.refused_p99_ms > 0


async def test_a_closed_loop_has_one_request_per_connection_and_heeds_retry_after() -> None:
    Server.refuse_every = 10
    async with _server() as port:
        outcome = await Load(_job(port, Phase("all", 0.4), connections=3)).run()
    (told,) = outcome.phases
    assert told.statuses[503] <= 3
    assert outcome.connections == 3
    assert told.accepted + told.statuses[503] == Server.received
