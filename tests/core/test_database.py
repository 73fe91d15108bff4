"""The pool as every slice gets it, and a server that is not there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from uuid import UUID

import asyncpg
import pytest

from support import stores
from wisipay.core.config import Settings
from wisipay.core.database import DatabaseUnavailable, Pool, connect_pool, wait_until_ready


async def test_json_is_passed_as_python_values(database: Pool) -> None:
    value = {"amount": 12_345, "text": "ünïcode", "nested": [None, True, {"a": 1}]}
    assert await database.fetchval("SELECT $1::jsonb", value) == value
    assert await database.fetchval("SELECT $1::json", value) == value
    assert await database.fetchval("SELECT $1::jsonb[]", [value, None, 1]) == [value, None, 1]
    assert await database.fetchval("SELECT $1::jsonb ->> 'text'", value) == "ünïcode"


async def test_json_is_left_as_text_for_those_who_ask(settings: Settings) -> None:
    pool = await connect_pool(settings, application_name="test", max_size=1, plain_json=True)
    assert await pool.fetchval("""SELECT '{"a": 1}'::jsonb""") == '{"a": 1}'
    await pool.close()


async def test_a_session_speaks_utc_and_waits_for_nothing_without_a_bound(database: Pool) -> None:
    names = ["TimeZone", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name"]
    values = [await database.fetchval("SELECT current_setting($1)", name) for name in names]
    assert values == ["UTC", "30s", "10s", "1min", "wisipay tests"]


async def test_a_pool_is_no_larger_than_asked_for(settings: Settings) -> None:
    pool = await connect_pool(settings, application_name="test", max_size=3)
    assert pool.get_max_size() == 3
    await pool.close()


async def test_a_connection_goes_back_to_the_pool_without_a_round_trip(settings: Settings) -> None:
    pool = await connect_pool(settings, application_name="test", max_size=1)
    said: list[str] = []
    async with pool.acquire() as conn:
        conn.add_query_logger(lambda query: said.append(query.query))
    assert await pool.fetchval("SELECT 1") == 1
    await pool.close()
    assert said == ["SELECT 1"]


async def test_a_transaction_that_its_holder_left_open_is_rolled_back(settings: Settings) -> None:
    pool = await connect_pool(settings, application_name="test", max_size=1)
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    async with pool.acquire() as conn:
        await conn.execute("BEGIN; CREATE TABLE left_open (number integer)")
    asyncio.get_running_loop().set_exception_handler(None)
    assert await pool.fetchval("SELECT to_regclass('left_open')") is None
    await pool.close()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def nobody_there(_url: str) -> str:
    return f"postgresql://user:hunter2@127.0.0.1:{unused_port()}/db"


def no_such_database(url: str) -> str:
    return stores.database_at(url, "no_such_database")


def not_a_port(_url: str) -> str:
    return "postgresql://user:hunter2@host:port/db"


@pytest.mark.parametrize(
    ("unusable", "words"),
    [
        (nobody_there, "PostgreSQL at 127.0.0.1:"),
        (no_such_database, 'database "no_such_database" does not exist'),
        (not_a_port, "the address in DATABASE_URL"),
    ],
)
async def test_an_unusable_server_is_named_with_the_remedy_and_without_the_password(
    database_url: str, unusable: Callable[[str], str], words: str
) -> None:
    settings = Settings(database_url="postgresql://x").model_copy(update={"database_url": unusable(database_url)})
    with pytest.raises(DatabaseUnavailable) as caught:
        await connect_pool(settings, application_name="test")
    assert words in str(caught.value)
    assert "DATABASE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_server_that_is_ready_is_not_waited_for(database_url: str) -> None:
    await wait_until_ready(database_url, timeout_seconds=0)


async def test_the_wait_for_a_server_has_an_end() -> None:
    with pytest.raises(DatabaseUnavailable):
        await wait_until_ready(nobody_there(""), timeout_seconds=0.3)


async def test_a_server_that_refuses_us_is_not_waited_for(database_url: str) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(DatabaseUnavailable, match="does not exist"):
            await wait_until_ready(no_such_database(database_url), timeout_seconds=60)


async def test_the_error_of_a_query_is_not_hidden(database: Pool) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await database.execute("SELECT 1 / 0")


LEFT_BEHIND = UUID("018f0000-0000-7000-8000-000000000001")


@pytest.mark.parametrize("_run", [1, 2])
async def test_every_table_is_empty_before_a_test(database: Pool, _run: int) -> None:
    assert await database.fetchval("SELECT count(*) FROM pgqueuer") == 0
    await database.execute(
        "INSERT INTO pgqueuer (priority, status, entrypoint, queue_manager_id) VALUES (0, 'failed', 'left behind', $1)",
        LEFT_BEHIND,
    )
