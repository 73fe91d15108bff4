"""Starts the provider simulator as a real process on a free port and talks HTTP to it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from support.system import measured_environment

API_KEY = "dev-key"
_START_SECONDS = 60
_STOP_SECONDS = 30
_CALL_SECONDS = 10


@dataclass(frozen=True)
class Heard:
    """One answer; `body` is the parsed JSON, None when it was not JSON."""

    status: int
    text: str
    body: Any
    headers: Mapping[str, str]


@dataclass
class Simulator:
    """One running simulator."""

    url: str
    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, content: object = None, **headers: str) -> Heard:
        """Send a request with the API key and read the answer; errors of the connection are raised."""
        named = {
            "Authorization": f"Bearer {API_KEY}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        data = content if isinstance(content, bytes) else None if content is None else json.dumps(content).encode()
        async with self.session.request(
            method, self.url + path, data=data, headers=named, allow_redirects=False
        ) as answer:
            text = await answer.text()
            try:
                body = json.loads(text)
            except ValueError:
                body = None
            return Heard(answer.status, text, body, {name.lower(): value for name, value in answer.headers.items()})

    async def payout(
        self, reference: str, remarks: str = "", callback_url: str = "", fields: Mapping[str, object] | None = None
    ) -> Heard:
        """Ask for a payout of 100.00."""
        content = {
            "ref_id": reference,
            "amount": "100.00",
            "currency": "INR",
            "mode": "IMPS",
            "beneficiary": {
                "name": "Asha Rao",
                "account_number": "000123456789",
                "ifsc": "HDFC0000001",
                "bank_name": "HDFC Bank",
                "vpa": None,
                "phone": None,
            },
            "callback_url": callback_url,
            "remarks": remarks,
        }
        return await self.call("POST", "/dummy/v1/payouts", content | dict(fields or {}))

    async def payin(
        self, reference: str, remarks: str = "", callback_url: str = "", fields: Mapping[str, object] | None = None
    ) -> Heard:
        """Ask for a collection of 100.00."""
        content = {
            "ref_id": reference,
            "amount": "100.00",
            "currency": "INR",
            "mode": "UPI",
            "customer": {"name": "Asha Rao", "email": "asha@example.com", "phone": "9999999999"},
            "callback_url": callback_url,
            "redirect_url": "https://shop.example.com/back",
            "remarks": remarks,
        }
        return await self.call("POST", "/dummy/v1/payins", content | dict(fields or {}))

    async def status(self, kind: str, reference: str) -> str:
        """Return the status that a status check tells."""
        heard = await self.call("GET", f"/dummy/v1/{kind}s/{reference}")
        return str(heard.body["data"]["status"])

    async def summary(self) -> dict[str, Any]:
        """Return the running totals."""
        return dict((await self.call("GET", "/control/summary")).body)

    async def stop(self) -> int:
        """End the process with SIGTERM and return its exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(_STOP_SECONDS):
            return await self.process.wait()

    async def kill(self) -> None:
        """End the process with SIGKILL."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def running_simulator(*options: str) -> AsyncIterator[Simulator]:
    """Run a simulator with options beyond host and port; stopped at the end whatever happened."""
    process = await start_process("--port", "0", *options)
    timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(force_close=True)) as session:
        try:
            assert process.stdout is not None
            async with asyncio.timeout(_START_SECONDS):
                started = json.loads(await process.stdout.readline())
            yield Simulator(url=started["url"], process=process, session=session)
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it in good order, so that what ran of it is measured; by force when it takes long."""
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.communicate()


async def start_process(*options: str, **environment: str) -> asyncio.subprocess.Process:
    """Start the simulator's process with its output in pipes."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "wisipay_simulator",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", **measured_environment(), **environment},
    )
