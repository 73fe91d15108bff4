"""NOTIFY, heard over reconnections."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support import backends, stores
from support.proxy import Proxy, Trouble
from support.waiting import until
from wisipay.core import listener as listener_module
from wisipay.core.database import Pool
from wisipay.core.listener import Listener


@pytest.fixture(autouse=True)
def _short_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "_RECONNECT_GAP_SECONDS", 0.01)


@pytest.fixture
async def listener(database_url: str) -> AsyncIterator[Listener]:
    async with Listener(database_url, application_name="test listener") as listening:
        yield listening


async def test_a_notification_is_heard_with_its_payload(database: Pool, listener: Listener) -> None:
    heard: list[str] = []
    await listener.listen("news", heard.append)
    await database.execute("SELECT pg_notify('news', 'hello')")
    await until(lambda: heard == ["hello"])


async def test_everyone_who_listens_to_a_channel_hears_it(database: Pool, listener: Listener) -> None:
    heard: list[tuple[str, str]] = []
    await listener.listen("news", lambda payload: heard.append(("first", payload)))
    await listener.listen("news", lambda payload: heard.append(("second", payload)))
    await listener.listen("other", lambda payload: heard.append(("third", payload)))
    await database.execute("SELECT pg_notify('news', 'hello')")
    await until(lambda: heard == [("first", "hello"), ("second", "hello")])


async def test_channels_named_before_the_start_are_heard(database: Pool, database_url: str) -> None:
    heard: list[str] = []
    listener = Listener(database_url)
    await listener.listen("news", heard.append)
    async with listener:
        await database.execute("SELECT pg_notify('news', 'hello')")
        await until(lambda: heard == ["", "hello"])


async def test_a_lost_connection_is_replaced_and_everyone_told_to_look(database: Pool, listener: Listener) -> None:
    heard: list[str] = []
    await listener.listen("news", heard.append)
    await backends.terminate(database, "test listener")
    await until(lambda: heard == [""])
    await database.execute("SELECT pg_notify('news', 'again')")
    await until(lambda: heard == ["", "again"])


async def test_a_connection_that_goes_silent_is_noticed(
    database_url: str, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "_CONNECT_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(listener_module, "_PROBE_GAP_SECONDS", 0.01)
    heard: list[str] = []
    async with Proxy(database_url) as proxy, Listener(proxy.url) as listener:
        await listener.listen("news", heard.append)
        proxy.inflict(Trouble.PARTITION)
        await database.execute("SELECT pg_notify('news', 'lost')")
        await until(lambda: not listener.is_connected)
        proxy.mend()
        await until(lambda: "" in heard)
        await database.execute("SELECT pg_notify('news', 'hello')")
        await until(lambda: "hello" in heard)


async def test_a_channel_named_while_the_connection_is_silent_is_heard_later(
    database_url: str, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "_CONNECT_TIMEOUT_SECONDS", 0.5)
    heard: list[str] = []
    async with Proxy(database_url) as proxy, Listener(proxy.url) as listener:
        proxy.inflict(Trouble.PARTITION)
        await listener.listen("news", heard.append)
        proxy.mend()
        await until(lambda: heard == [""])
        await database.execute("SELECT pg_notify('news', 'hello')")
        await until(lambda: heard == ["", "hello"])


async def test_a_server_that_is_away_at_the_start_is_waited_for(run_stores: stores.Stores, database: Pool) -> None:
    heard: list[str] = []
    await database.execute("DROP DATABASE IF EXISTS late")
    listener = Listener(stores.database_at(run_stores.postgres_url, "late"))
    await listener.listen("news", heard.append)
    async with listener:
        assert heard == []
        await stores.create_database(run_stores, "late", migrated=False)
        await until(lambda: heard == [""])
    await database.execute("DROP DATABASE late WITH (FORCE)")


async def test_one_bad_callback_does_not_silence_the_others(database: Pool, listener: Listener) -> None:
    heard: list[str] = []

    def fail(_payload: str) -> None:
        raise RuntimeError("bad callback")

    await listener.listen("news", fail)
    await listener.listen("news", heard.append)
    await database.execute("SELECT pg_notify('news', 'hello')")
    await until(lambda: heard == ["hello"])


async def test_after_the_stop_nothing_is_heard(database: Pool, database_url: str) -> None:
    heard: list[str] = []
    async with Listener(database_url, application_name="test listener") as listener:
        await listener.listen("news", heard.append)
    await database.execute("SELECT pg_notify('news', 'hello')")
    await until(lambda: _is_gone(database))
    assert heard == []


async def _is_gone(database: Pool) -> bool:
    return await backends.count(database, "test listener") == 0


async def test_stopping_what_never_started_is_harmless(database_url: str) -> None:
    await Listener(database_url).stop()
