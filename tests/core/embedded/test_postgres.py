"""The embedded PostgreSQL: durable, private, reused, and mended after a crash."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from support import system
from wisipay.core.embedded import EmbeddedStoreError, Running, postgres, process

Port = Callable[[], int]


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process of someone else."""
    with system.start("sleep", "300") as sleeping:
        yield sleeping
        sleeping.kill()


async def _value(running: Running, sql: str) -> object:
    connection = await asyncpg.connect(running.url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def _mapped(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text()


async def _kill(running: Running) -> None:
    process.send(running.identity, signal.SIGKILL)
    assert not await process.wait_until_gone([running.identity], 5)


async def test_commits_are_durable_and_statements_are_measured(data_dir: Path, free_port: Port) -> None:
    running = await postgres.start(data_dir, free_port())
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await _value(running, f"SHOW {setting}") == "on"
    assert await _value(running, "SHOW shared_preload_libraries") == "pg_stat_statements"
    assert await _value(running, "SHOW server_encoding") == "UTF8"
    assert await _value(running, "SHOW timezone") == "UTC"
    assert int(str(await _value(running, "SHOW max_connections"))) == 200
    assert await _value(running, "SELECT current_database()") == "wisipay"
    await postgres.stop(running)
    assert not running.is_alive()


async def test_running_server_is_reused(data_dir: Path, free_port: Port) -> None:
    port = free_port()
    first = await postgres.start(data_dir, port)
    second = await postgres.start(data_dir, port)
    assert (first.reused, second.reused) == (False, True)
    assert second.pid == first.pid
    assert second.url == first.url


async def test_starting_twice_at_once_gives_one_server(data_dir: Path, free_port: Port) -> None:
    port = free_port()
    first, second = await asyncio.gather(postgres.start(data_dir, port), postgres.start(data_dir, port))
    assert first.pid == second.pid


async def test_committed_data_survives_a_kill(data_dir: Path, free_port: Port) -> None:
    port = free_port()
    first = await postgres.start(data_dir, port)
    await _value(first, "CREATE TABLE kept AS SELECT 7 AS number")
    await _kill(first)
    second = await postgres.start(data_dir, port)
    assert not second.reused
    assert await _value(second, "SELECT number FROM kept") == 7


async def test_killed_server_leaves_nothing_outside_its_folder(data_dir: Path, free_port: Port) -> None:
    running = await postgres.start(data_dir, free_port())
    assert str(data_dir / "postgres" / "data" / "pg_dynshmem") in _mapped(running.pid)
    connection = await asyncpg.connect(running.url)
    try:
        await connection.execute("SET debug_parallel_query = on")  # a query in a worker has segments of its own
        assert await connection.fetchval("SELECT count(*) FROM pg_class") > 0
        mapped = _mapped(connection.get_server_pid())
    finally:
        await connection.close()
    assert "/dev/shm/PostgreSQL" not in mapped  # noqa: S108 - nothing is written there


async def test_server_nobody_wrote_down_is_stopped_and_replaced(data_dir: Path, free_port: Port) -> None:
    first = await postgres.start(data_dir, free_port())
    (data_dir / "postgres" / "server.json").unlink()
    second = await postgres.start(data_dir, first.port)
    assert not first.is_alive()
    assert second.is_alive()


async def test_server_moves_to_another_port(data_dir: Path, free_port: Port) -> None:
    first = await postgres.start(data_dir, free_port())
    second = await postgres.start(data_dir, free_port())
    assert not first.is_alive()
    assert await _value(second, "SELECT 1") == 1


async def test_children_of_a_killed_server_with_a_query_running_are_ended(data_dir: Path, free_port: Port) -> None:
    first = await postgres.start(data_dir, free_port())
    connection = await asyncpg.connect(first.url)
    busy = asyncio.create_task(connection.execute("SELECT pg_sleep(60)"))
    await asyncio.sleep(0)
    await _kill(first)
    second = await postgres.start(data_dir, first.port)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await busy
    assert await _value(second, "SELECT 1") == 1


async def test_stranger_with_the_process_id_of_a_dead_server_is_left_alone(
    data_dir: Path, free_port: Port, stranger: subprocess.Popen[bytes]
) -> None:
    first = await postgres.start(data_dir, free_port())
    await _kill(first)
    home = data_dir / "postgres"
    record = json.loads((home / "server.json").read_text())
    (home / "server.json").write_text(json.dumps({**record, "pid": stranger.pid}))
    lock_file = home / "data" / "postmaster.pid"
    lock_file.write_text(lock_file.read_text().replace(str(first.pid), str(stranger.pid), 1))
    second = await postgres.start(data_dir, first.port)
    assert second.pid != stranger.pid
    assert stranger.poll() is None


async def test_two_servers_side_by_side(data_dir: Path, free_port: Port) -> None:
    first = await postgres.start(data_dir / "one", free_port())
    second = await postgres.start(data_dir / "two", free_port())
    await postgres.stop(first)
    assert await _value(second, "SELECT 1") == 1


async def test_half_made_cluster_of_a_killed_run_is_made_again(data_dir: Path, free_port: Port) -> None:
    unfinished = data_dir / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    running = await postgres.start(data_dir, free_port())
    assert await _value(running, "SELECT 1") == 1
    assert not unfinished.exists()


async def test_password_is_asked_for_and_kept_private(data_dir: Path, free_port: Port) -> None:
    running = await postgres.start(data_dir, free_port())
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host="127.0.0.1", port=running.port, user="wisipay", password="guess", database="wisipay")
    for name in ("password", "server.json"):
        assert (data_dir / "postgres" / name).stat().st_mode & 0o077 == 0
    password = (data_dir / "postgres" / "password").read_text().strip()
    assert password not in repr(running)
    assert password not in "\n".join(process.arguments_of(running.pid))


async def test_lost_password_is_one_clear_line(data_dir: Path, free_port: Port) -> None:
    running = await postgres.start(data_dir, free_port())
    (data_dir / "postgres" / "password").write_text("another\n")
    with pytest.raises(EmbeddedStoreError, match="refuses the password kept in the data folder") as raised:
        await postgres.start(data_dir, running.port)
    assert "\n" not in str(raised.value)


async def test_server_that_cannot_start_says_why(data_dir: Path, free_port: Port) -> None:
    running = await postgres.start(data_dir, free_port())
    await postgres.stop(running)
    (data_dir / "postgres" / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedStoreError, match=r"stopped while starting: .*FATAL.*incompatible.*log: ") as raised:
        await postgres.start(data_dir, running.port)
    assert "\n" not in str(raised.value)


async def test_as_root_it_runs_as_someone_else_even_below_a_closed_folder(data_dir: Path, free_port: Port) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root drops its privileges")
    running = await postgres.start(data_dir, free_port())
    status = system.status_of(running.pid)
    assert "0" not in status["Uid"]
    assert status["Groups"] == []


async def test_as_root_it_runs_in_a_folder_that_others_can_reach(open_data_dir: Path, free_port: Port) -> None:
    running = await postgres.start(open_data_dir, free_port())
    assert await _value(running, "SHOW data_directory") == str(open_data_dir / "postgres" / "data")
    await _kill(running)
    assert (await postgres.start(open_data_dir, running.port)).is_alive()
