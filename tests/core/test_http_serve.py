"""Starting and draining a real process."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.waiting import until
from wisipay.core.http_client import AnswerLost, HttpAnswer, HttpClient, NotSent

APP = Path(__file__).with_name("served_app.py")
_START_SECONDS = 60  # a busy machine imports slowly


@dataclass
class Instance:
    process: asyncio.subprocess.Process
    url: str
    gate: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    def events(self) -> list[str]:
        return [str(line["event"]) for line in self.lines]

    async def collect(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))

    async def is_healthy(self, client: HttpClient) -> bool:
        with contextlib.suppress(NotSent, AnswerLost):  # who connects as it closes its port is hung up on
            return (await client.request("GET", f"{self.url}/health", timeout_seconds=5)).status == 200
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield client


@pytest.fixture
async def instance(tmp_path: Path, client: HttpClient) -> AsyncIterator[Instance]:
    port, gate = free_port(), tmp_path / "gate"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(APP), str(port), str(gate)),
        stdout=asyncio.subprocess.PIPE,
    )
    instance = Instance(process, f"http://127.0.0.1:{port}", gate)
    collecting = asyncio.create_task(instance.collect())
    try:
        await until(lambda: instance.is_healthy(client), timeout_seconds=_START_SECONDS)
        yield instance
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await collecting


async def answered(task: asyncio.Task[HttpAnswer]) -> tuple[int, bytes]:
    answer = await task
    return answer.status, answer.body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains(instance: Instance, client: HttpClient, number: signal.Signals) -> None:
    under_way = asyncio.create_task(client.request("GET", f"{instance.url}/slow", timeout_seconds=60))
    await until(lambda: "slow.started" in instance.events())
    instance.process.send_signal(number)

    async def refuses() -> bool:
        async with HttpClient(private_addresses_allowed=True) as newcomer:
            return not await instance.is_healthy(newcomer)

    await until(refuses)
    assert not under_way.done()
    assert "hook.stopped" not in instance.events()
    instance.gate.touch()
    assert await answered(under_way) == (200, b"finished")
    assert await asyncio.wait_for(instance.process.wait(), 30) == 0
    await until(lambda: "service.stopped" in instance.events())
    assert instance.events().index("http.request") < instance.events().index("hook.stopped")


async def test_an_idle_instance_stops_at_once_although_a_client_keeps_its_connection(
    instance: Instance,
    client: HttpClient,
) -> None:
    assert await instance.is_healthy(client)
    instance.process.terminate()
    assert await asyncio.wait_for(instance.process.wait(), 30) == 0


async def test_a_busy_port_is_one_clear_line(instance: Instance, tmp_path: Path) -> None:
    port = instance.url.rpartition(":")[2]
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, str(APP), port, str(tmp_path / "other")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(second.communicate(), _START_SECONDS)
    assert second.returncode == 1
    assert output == b""
    assert errors.decode() == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use. Stop what holds it, or choose another port.\n"
    )
