"""The endpoints of docs/integrate/callbacks.md, each run as it stands, with authentic and with forged callbacks."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from support.callback_events import event
from support.ports import free_port
from support.source_file import REPOSITORY
from support.waiting import until
from wisipay.callbacks.signing import SignedCallback, sign

PAGE = (REPOSITORY / "docs" / "integrate" / "callbacks.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^### ([^\n]+)\n\n(?:[^`\n][^\n]*\n\n)?```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
RUNNERS = {
    "Python, with the SDK": (sys.executable, "endpoint.py"),
    "Python, with standardwebhooks": (sys.executable, "endpoint.py"),
    "Node": ("node", "endpoint.js"),
    "Node, old scheme": ("node", "endpoint.js"),
    "PHP": ("php", "-S", "127.0.0.1:PORT", "endpoint.php"),
}
OLD = "Node, old scheme"
SECRET = "a secret as it was shown"


def test_every_program_of_the_page_is_run() -> None:
    assert list(PROGRAMS) == list(RUNNERS)


@asynccontextmanager
async def listening(language: str, folder: Path) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """Run an endpoint; yield its address and what it prints."""
    port = free_port()
    command = [word.replace("PORT", str(port)) for word in RUNNERS[language]]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed, so the {language} endpoint of docs/integrate is unproven")
    (folder / command[-1]).write_text(PROGRAMS[language], encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "WISIPAY_SECRET": SECRET,
            "PYTHONPATH": str(REPOSITORY / "sdk" / "src"),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: _answers(port), timeout_seconds=30)
        assert process.stdout is not None
        yield f"http://127.0.0.1:{port}/", process.stdout
    finally:
        process.kill()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _forgeries(authentic: SignedCallback, language: str) -> list[SignedCallback]:
    changed = SignedCallback(authentic.headers, authentic.body.replace(b"SUCCESS", b"FAILED "))
    other_key = sign(event(), [b"another"], "RUPEES", datetime.now(UTC))
    unsigned = SignedCallback({"content-type": "application/json"}, authentic.body)
    old = sign(event(), [SECRET.encode()], "RUPEES", datetime.now(UTC) - timedelta(minutes=6))
    return [changed, other_key, unsigned] + ([] if language == OLD else [old])


@pytest.mark.parametrize("language", RUNNERS)
async def test_the_endpoint_takes_what_is_authentic_and_nothing_else(language: str, tmp_path: Path) -> None:
    told = event()
    authentic = sign(told, [SECRET.encode()], "RUPEES", datetime.now(UTC))
    async with listening(language, tmp_path) as (url, printed), aiohttp.ClientSession() as session:
        for forged in _forgeries(authentic, language):
            async with session.post(url, data=forged.body, headers=forged.headers) as answer:
                assert answer.status == 401
        async with session.post(url, data=authentic.body, headers=authentic.headers) as answer:
            assert answer.status in {200, 204}
        line = await asyncio.wait_for(printed.readline(), 30)
    assert line.decode().split() == [str(told.event_id), told.order_id, "SUCCESS"]
