"""`wisipay ledger`: what an operator is told, and the exit status that says the same to a machine."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import date
from pathlib import Path

import pytest

from support import system
from support.books import BANK, NOW, WALLET, transfer
from support.sealed_books import TRANSFER, fill, tamper
from wisipay import ledger
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.entrypoints import ledger_heads
from wisipay.ledger import seals


@pytest.fixture
def folder(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of heads; commands find the test's stores and a key of their own."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/")
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    for line in _wisipay("heads", "--new-key").stdout.splitlines():
        monkeypatch.setenv(*line.split("="))
    monkeypatch.setenv("LEDGER_HEADS_DIR", str(tmp_path / "heads"))
    return tmp_path / "heads"


async def test_books_are_sealed_published_verified_and_exported(database: Pool, folder: Path, tmp_path: Path) -> None:
    async with database.acquire() as connection:
        await fill(connection)
    assert "records sealed in 1 blocks; the chain ends at position" in _wisipay("seal").stdout
    assert json.loads(_wisipay("seal", "--json").stdout)["records"] == 0
    head = json.loads(_wisipay("heads", "--publish", "--json").stdout)
    assert _names(folder) == [seals.file_name(1, date.fromisoformat(head["day"]))]
    assert head["head"] in _wisipay("heads").stdout
    assert " sealed records, 2 published heads, 0 differences; " in _wisipay("verify").stdout
    _wisipay("export", "--output", str(tmp_path / "journal"))
    assert (tmp_path / "journal").read_text(encoding="utf-8") == _wisipay("export").stdout


async def test_what_differs_is_named_and_exit_status_is_one(database: Pool, folder: Path) -> None:
    async with database.acquire() as connection:
        await fill(connection)
        await seals.seal(connection, NOW)
        _wisipay("heads", "--publish")
        await tamper(connection, "UPDATE ledger_entries SET narration = 'other' WHERE id = $1", TRANSFER)
        await tamper(connection, "UPDATE ledger_balances SET credits_posted = credits_posted + 1")
    first, *_, last = _wisipay("verify", "--json", status=1).stdout.splitlines()
    assert json.loads(first) | {"message": ""} == {
        "check": "sealed_record_changed", "subject": "ENTRY", "id": str(TRANSFER), "message": "",
    }  # fmt: skip
    assert json.loads(last)["differences"] > 2
    assert len(_wisipay("verify", "--limit", "2", status=1).stdout.splitlines()) == 3
    assert f"sealed_record_changed: ENTRY {TRANSFER}: " in _wisipay("verify", "--limit", "1", status=1).stdout
    async with database.acquire() as connection:
        await connection.execute(
            "INSERT INTO ledger_archives (name, ends_at, manifest_sha256) VALUES ('2020_01', '2020-01-31 18:30Z', '')"
        )
    assert "MONTH 2020_01: is archived, and no folder" in _wisipay("verify", "--limit", "1", status=1).stdout
    assert "--archives: 2020_01: " in _wisipay("export", "--archives", str(folder), status=2).stderr
    (folder / _names(folder)[0]).unlink()
    assert "is in the audit log and not in the folder" in _wisipay("heads", status=1).stdout


async def test_what_cannot_be_found_out_has_a_status_of_its_own(
    database: Pool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--limit: got 0" in _wisipay("verify", "--limit", "0", status=2).stderr
    assert "--output: " in _wisipay("export", "--output", str(folder / "no" / "folder"), status=2).stderr
    async with database.acquire() as connection:
        await fill(connection)
        await seals.seal(connection, NOW)
        # A year that no calendar has: not a difference that could be named, and not a clean bill either.
        await tamper(connection, "UPDATE ledger_entries SET timeout_at = '20000-01-01' WHERE timeout_at IS NOT NULL")
    assert "Traceback" in _wisipay("verify", status=2).stderr
    await asyncio.to_thread(folder.write_bytes, b"")  # a file where the folder should be
    assert "LEDGER_HEADS_DIR: " in _wisipay("heads", "--publish", status=2).stderr
    monkeypatch.delenv("LEDGER_SIGNING_KEY")
    assert "are needed to publish" in _wisipay("heads", "--publish", status=2).stderr
    monkeypatch.delenv("LEDGER_PUBLIC_KEY")
    assert "LEDGER_PUBLIC_KEY is needed" in _wisipay("verify", status=2).stderr
    monkeypatch.delenv("LEDGER_HEADS_DIR")
    assert "LEDGER_HEADS_DIR is not set" in _wisipay("heads", status=2).stderr
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    assert _wisipay("verify", status=2).stderr


async def test_a_head_is_published_once_a_day(database: Pool, settings: Settings, tmp_path: Path) -> None:
    private, _public = seals.new_head_key()
    own = settings.model_copy(update={"ledger_heads_dir": tmp_path, "ledger_signing_key": private})
    async with database.acquire() as connection:
        assert await ledger_heads.publish_daily(connection, settings, NOW) is None
        await ledger.open_accounts(connection, [BANK, WALLET])
        async with connection.transaction():
            await ledger.apply(connection, [transfer(BANK, WALLET, 1)], NOW)
        await seals.seal(connection, NOW)
        statement = await ledger_heads.publish_daily(connection, own, NOW)
        assert await ledger_heads.publish_daily(connection, own, NOW) is None
        assert await ledger_heads.heads_of_audit(connection) == [statement]


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _wisipay(*arguments: str, status: int = 0) -> system.Done:
    done = system.run(sys.executable, "-m", "wisipay", "ledger", *arguments, check=False)
    assert done.returncode == status, done.stderr + done.stdout
    return done
