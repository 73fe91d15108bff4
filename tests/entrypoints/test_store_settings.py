"""Where an instance or a command finds its stores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wisipay.core.config import SettingsError
from wisipay.core.embedded import process
from wisipay.core.embedded.records import Record, write_record
from wisipay.entrypoints.store_settings import settings_with_database, settings_with_stores

_GIVEN = {"DATABASE_URL": "postgresql://a:b@h/d", "REDIS_URL": "redis://h", "MONGODB_URI": "mongodb://h"}
_HOMES = {"postgres": _GIVEN["DATABASE_URL"], "valkey": _GIVEN["REDIS_URL"], "mongodb": _GIVEN["MONGODB_URI"]}


def test_given_addresses_are_used(tmp_path: Path) -> None:
    settings = settings_with_stores({**_GIVEN, "DATA_DIR": str(tmp_path)})
    assert settings.database_url == _GIVEN["DATABASE_URL"]


def test_running_embedded_stores_are_found(tmp_path: Path) -> None:
    myself = process.identify(os.getpid())
    assert myself is not None
    for home, url in _HOMES.items():
        (tmp_path / home).mkdir()
        write_record(tmp_path / home, Record(myself, url, ()))
    settings = settings_with_stores({"DATA_DIR": str(tmp_path)})
    assert (settings.database_url, settings.redis_url, settings.mongodb_uri) == tuple(_HOMES.values())


def test_dead_store_and_unreadable_record_are_no_address(tmp_path: Path) -> None:
    for home, url in _HOMES.items():
        (tmp_path / home).mkdir()
        write_record(tmp_path / home, Record(process.ProcessIdentity(os.getpid(), "an earlier boot/1"), url, ()))
    (tmp_path / "valkey" / "server.json").write_text("{")
    with pytest.raises(SettingsError) as raised:
        settings_with_stores({"DATA_DIR": str(tmp_path)})
    assert [line.partition(":")[0] for line in raised.value.lines] == ["DATABASE_URL", "REDIS_URL", "MONGODB_URI"]


def test_what_asks_nothing_but_the_database_needs_no_address_of_another_store(tmp_path: Path) -> None:
    given = {"DATABASE_URL": _GIVEN["DATABASE_URL"], "DATA_DIR": str(tmp_path)}
    settings = settings_with_database(given)
    assert (settings.database_url, settings.redis_url) == (_GIVEN["DATABASE_URL"], "")
    with pytest.raises(SettingsError) as raised:
        settings_with_database({"DATA_DIR": str(tmp_path)})
    assert [line.partition(":")[0] for line in raised.value.lines] == ["DATABASE_URL"]
