"""The embedded MongoDB protocol server: keeps documents, is reused, and never believes a stale process id file."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from wisipay.core.embedded import mongo, process

Port = Callable[[], int]


async def test_documents_survive_a_kill(data_dir: Path, free_port: Port) -> None:
    port = free_port()
    first = await mongo.start(data_dir, port)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(first.url)
    await client.archive.messages.insert_one({"_id": "event", "body": "text"})
    await client.close()
    process.send(first.identity, signal.SIGKILL)
    await process.wait_until_gone([first.identity], 5)
    second = await mongo.start(data_dir, port)
    client = AsyncMongoClient(second.url)
    assert await client.archive.messages.find_one({"_id": "event"}) == {"_id": "event", "body": "text"}
    await client.close()
    assert "messages" not in second.log_file.read_text()


async def test_running_server_is_reused_and_stopped(data_dir: Path, free_port: Port) -> None:
    port = free_port()
    first = await mongo.start(data_dir, port)
    second = await mongo.start(data_dir, port)
    assert second.reused
    assert second.pid == first.pid
    await mongo.stop(second)
    assert not first.is_alive()


async def test_process_id_file_with_a_strangers_id_is_ignored(data_dir: Path, free_port: Port) -> None:
    (data_dir / "mongodb").mkdir()
    (data_dir / "mongodb" / "server.pid").write_text(str(os.getppid()))
    assert (await mongo.start(data_dir, free_port())).is_alive()
