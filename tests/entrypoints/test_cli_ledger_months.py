"""`wisipay ledger months`: made, listed, archived, verified, dropped and restored from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from support import stores, system
from support.books import BANK, SPECS, WALLET, transfer
from wisipay import ledger
from wisipay.core.config import Settings
from wisipay.core.ids import new_uuid7
from wisipay.ledger import months

LONG_AGO = datetime(2024, 1, 10, tzinfo=UTC)


@pytest.fixture
async def own(
    run_stores: stores.Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Return a connection to a database that commands find and that goes with the test: an old month and an entry."""
    name = f"cli_months_{stores.worker_name()}"
    url = await stores.create_database(run_stores, name)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/")
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    connection = await asyncpg.connect(url)
    await ledger.open_accounts(connection, SPECS)
    await months.create_months(connection, LONG_AGO, ahead=1)
    async with connection.transaction():
        await ledger.apply(connection, [transfer(BANK, WALLET, 5, entry_id=new_uuid7(LONG_AGO))], LONG_AGO)
    yield connection
    await connection.close()
    await stores.execute(run_stores.postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_month_goes_and_comes_back(own: asyncpg.Connection[asyncpg.Record], tmp_path: Path) -> None:
    assert len(_wisipay("create", "--ahead", "2").split()) == 3
    listed = [json.loads(line) for line in _wisipay("list").splitlines()]
    assert [each["month"] for each in listed[:2]] == ["2024_01", "2024_02"]
    assert len(listed) == 5
    assert "2024_01 is archived in" in _wisipay("archive", str(tmp_path))
    assert '"archived":"2024_01"' in _wisipay("list")
    assert _wisipay("verify", str(tmp_path)) == "2024_01: 0 differences\n"
    assert _wisipay("archive", str(tmp_path), "--drop") == "2024_01: detached tables dropped\n"
    assert _wisipay("archive", str(tmp_path), "--drop") == ""
    assert _wisipay("restore", str(tmp_path), "2024_01") == "2024_01 is in the database again\n"
    assert await own.fetchval("SELECT count(*) FROM ledger_entries") == 1


async def test_what_differs_is_told_and_what_can_t_be_done_is_refused(
    own: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    assert _wisipay("archive", str(tmp_path), "--age-months", "1000") == "no month is old enough\n"
    for arguments in (("create", "--ahead", "25"), ("archive", str(tmp_path), "--age-months", "1")):
        _wisipay(*arguments, status=2)
    _wisipay("restore", str(tmp_path), "2024_01", status=2)
    _wisipay("archive", str(tmp_path))
    (tmp_path / "2024_01" / "lines.parquet").write_bytes(b"")
    assert "archive_files: MONTH 2024_01" in _wisipay("verify", str(tmp_path), status=1)
    async with own.transaction():
        await ledger.apply(own, [transfer(BANK, WALLET, 5)], datetime(2027, 1, 1, tzinfo=UTC))
    assert "rows_in_default_partition: ledger_entries_default" in _wisipay("list")


def _wisipay(*arguments: str, status: int = 0) -> str:
    done = system.run(sys.executable, "-m", "wisipay", "ledger", "months", *arguments, check=False)
    assert done.returncode == status, done.stderr + done.stdout
    return done.stdout
