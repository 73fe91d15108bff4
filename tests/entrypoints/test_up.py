"""`wisipay up` as a person and a script meet it: ready file, stop, kill, a second one, two side by side."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support import system
from support.waiting import until
from wisipay.core.embedded import process
from wisipay.core.embedded.records import read_record

PortBase = Callable[[], int]

_FAKE_UP = Path(__file__).with_name("fake_up.py")
_START_SECONDS = 100

pytestmark = pytest.mark.timeout(300)


class Installation:
    """One data folder with its ports, on which `up` is run again and again."""

    def __init__(self, data_dir: Path, port_base: int) -> None:
        self.data_dir = data_dir
        self.ready_file = data_dir / "ready.json"
        self.port_base = port_base
        self.up: subprocess.Popen[bytes] | None = None

    async def start(self) -> dict[str, Any]:
        self.ready_file.unlink(missing_ok=True)
        self.up = system.start(sys.executable, _FAKE_UP, self.data_dir, str(self.port_base), self.ready_file)
        await until(self._ready_or_dead, timeout_seconds=_START_SECONDS)
        assert self.up.poll() is None
        content: dict[str, Any] = json.loads(self.ready_file.read_text())
        return content

    def stop(self, number: signal.Signals) -> int:
        assert self.up is not None
        self.up.send_signal(number)
        return self.up.wait(timeout=60)

    def instances(self) -> list[process.ProcessIdentity]:
        return process.running_with(f"WISIPAY_UP_DATA={self.data_dir}")

    def store_pids(self) -> set[int]:
        records = [read_record(self.data_dir / store) for store in ("postgres", "valkey", "mongodb")]
        return {record.identity.pid for record in records if record is not None and process.is_alive(record.identity)}

    def _ready_or_dead(self) -> bool:
        return self.ready_file.exists() or (self.up is not None and self.up.poll() is not None)


@pytest.fixture
def installation(data_dir: Path, port_base: PortBase) -> Iterator[Installation]:
    made = Installation(data_dir, port_base())
    yield made
    if made.up is not None and made.up.poll() is None:
        made.stop(signal.SIGKILL)


async def test_ready_file_tells_where_everything_is_until_it_is_stopped(installation: Installation) -> None:
    ready = await installation.start()
    base = installation.port_base
    assert ready["api"] == {"url": f"http://127.0.0.1:{base}"}
    assert ready["payment"] == {"url": f"http://127.0.0.1:{base + 1}"}
    assert ready["simulator"] == {"url": f"http://127.0.0.1:{base + 2}"}
    assert ready["worker"] == {"metrics_url": f"http://127.0.0.1:{base + 5}/metrics"}
    assert ready["redis"]["url"].endswith(f"127.0.0.1:{base + 7}/0")
    assert ready["mongodb"]["url"].startswith(f"mongodb://127.0.0.1:{base + 8}/")
    assert set(ready["merchants"][0]) == {"id", "secret", "payin_callback_url", "payout_callback_url"}
    assert installation.ready_file.stat().st_mode & 0o077 == 0
    connection = await asyncpg.connect(ready["postgres"]["url"])
    assert await connection.fetchval("SELECT count(*) > 0 FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert installation.stop(signal.SIGTERM) == 0
    assert not installation.ready_file.exists()
    assert installation.instances() == []
    assert installation.store_pids() == set()


async def test_killed_supervisor_leaves_nothing_that_the_next_run_cannot_handle(installation: Installation) -> None:
    await installation.start()
    stores = installation.store_pids()
    assert len(stores) == 3
    installation.stop(signal.SIGKILL)
    orphans = installation.instances()
    assert len(orphans) == 2
    await installation.start()
    assert not any(map(process.is_alive, orphans))
    assert installation.store_pids() == stores
    assert installation.stop(signal.SIGINT) == 0
    assert installation.store_pids() == set()


async def test_after_killing_everything_the_next_run_starts(installation: Installation) -> None:
    ready = await installation.start()
    connection = await asyncpg.connect(ready["postgres"]["url"])
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    await connection.close()
    installation.stop(signal.SIGKILL)
    for pid in (*installation.store_pids(), *(orphan.pid for orphan in installation.instances())):
        os.kill(pid, signal.SIGKILL)
    ready = await installation.start()
    connection = await asyncpg.connect(ready["postgres"]["url"])
    assert await connection.fetchval("SELECT number FROM kept") == 7
    await connection.close()
    assert installation.stop(signal.SIGTERM) == 0


async def test_killed_simulator_is_started_again_and_told_its_merchants(installation: Installation) -> None:
    await installation.start()
    seeded = installation.data_dir / "seeded"
    assert seeded.read_text() == "x"
    victim = next(
        one for one in installation.instances() if str(installation.port_base + 2) in process.arguments_of(one.pid)
    )
    os.kill(victim.pid, signal.SIGKILL)
    await until(lambda: seeded.read_text() == "xx")
    assert installation.stop(signal.SIGTERM) == 0


async def test_killed_store_is_started_again(installation: Installation) -> None:
    await installation.start()
    before = read_record(installation.data_dir / "valkey")
    assert before is not None
    os.kill(before.identity.pid, signal.SIGKILL)
    await until(lambda: (now := read_record(installation.data_dir / "valkey")) and now.identity != before.identity)
    assert installation.stop(signal.SIGTERM) == 0


async def test_second_one_on_the_same_folder_and_one_on_the_same_ports_are_refused(
    installation: Installation, tmp_path: Path
) -> None:
    await installation.start()
    base = str(installation.port_base)
    ready_file = tmp_path / "ready.json"
    second = system.run(sys.executable, _FAKE_UP, installation.data_dir, base, ready_file, check=False)
    assert second.returncode == 1
    assert f"in use by another `wisipay up` or `wisipay demo` (process {installation.up and installation.up.pid})" in (
        second.stderr
    )
    third = system.run(sys.executable, _FAKE_UP, tmp_path / "data", base, ready_file, check=False)
    assert third.returncode == 1
    assert f"Port {installation.port_base + 1} for payment is already used by another program" in third.stderr
    assert "Traceback" not in second.stderr + third.stderr
    assert not ready_file.exists()
    assert installation.stop(signal.SIGTERM) == 0


async def test_two_side_by_side(installation: Installation, port_base: PortBase) -> None:
    await installation.start()
    other = Installation(installation.data_dir / "other", port_base())
    other.data_dir.mkdir()
    await other.start()
    assert other.stop(signal.SIGTERM) == 0
    assert len(installation.store_pids()) == 3
    assert len(installation.instances()) == 2
    assert installation.stop(signal.SIGTERM) == 0


async def test_stopping_while_it_starts_leaves_nothing(installation: Installation) -> None:
    installation.up = system.start(
        sys.executable, _FAKE_UP, installation.data_dir, str(installation.port_base), installation.ready_file
    )
    await until((installation.data_dir / "postgres" / "server.json").exists, timeout_seconds=_START_SECONDS)
    assert installation.stop(signal.SIGTERM) == 0
    assert installation.store_pids() == set()
    assert installation.instances() == []
