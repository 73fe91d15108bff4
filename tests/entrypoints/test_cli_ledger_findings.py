"""`wisipay ledger findings` and `wisipay ledger days`: listed, acknowledged and corrected, with who and why."""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from typing import Any

import pytest

from support import system
from support.ledger_history import START, TOP_UP, WALLET, write_history
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.ledger import checks

LATER = START + timedelta(days=9)


@pytest.fixture
def _stores(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/")
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))


def wisipay(*arguments: str, status: int = 0) -> system.Done:
    done = system.run(sys.executable, "-m", "wisipay", "ledger", *arguments, check=False)
    assert done.returncode == status, done.stderr
    return done


def lines(done: system.Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


async def actions(database: Pool) -> dict[str, str]:
    rows = await database.fetch("SELECT action, reason FROM audit_log")
    return {row["action"]: row["reason"] for row in rows}


@pytest.mark.usefixtures("_stores")
async def test_findings_are_listed_and_acknowledged_with_a_reason(database: Pool) -> None:
    async with database.acquire() as connection:
        await write_history(connection)
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute("DELETE FROM ledger_keys WHERE entry_id = $1", TOP_UP)
        assert [each.found async for each in checks.check_new(connection, LATER) if each.found] == [1]
    (listed,) = lines(wisipay("findings", "list"))
    assert (listed["check"], listed["subject_id"], listed["acknowledged_by"]) == ("keys", str(TOP_UP), None)
    known = wisipay("findings", "acknowledge", str(listed["id"]), "999", "--reason", "a test took it")
    assert lines(known) == [
        {"finding": listed["id"], "acknowledged": True},
        {"finding": 999, "acknowledged": False},
    ]
    (listed,) = lines(wisipay("findings", "list", "--also-gone"))
    assert listed["acknowledged_by"].startswith("cli:")
    assert (await actions(database))["ledger.acknowledge"] == listed["note"] == "a test took it"


@pytest.mark.usefixtures("_stores")
async def test_daily_balances_are_corrected_with_a_reason(database: Pool) -> None:
    async with database.acquire() as connection:
        await write_history(connection)
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                "DELETE FROM ledger_daily_balances WHERE day = $1",
                date(2026, 1, 30),
            )
            await connection.execute(
                "UPDATE ledger_daily_balances SET debits = debits + 1, closing = closing + 1 WHERE day = $1",
                date(2026, 2, 1),
            )
    corrected = lines(wisipay("days", "correct", WALLET.id, "2026-01-01", "--reason", "a test changed it"))
    assert [(each["day"], each["before"] is None) for each in corrected] == [("2026-02-01", False)]
    assert (await actions(database))["ledger.correct_day"] == "a test changed it"
    assert lines(wisipay("days", "correct", WALLET.id, "2026-01-01", "--reason", "again")) == []


@pytest.mark.usefixtures("_stores")
def test_what_is_missing_is_said() -> None:
    assert "Name at least one finding" in wisipay("findings", "acknowledge", "--reason", "x", status=2).stderr
    assert "say why" in wisipay("days", "correct", WALLET.id, "2026-01-01", "--reason", " ", status=2).stderr
    assert (
        "There is no account" in wisipay("days", "correct", "A:B:C:D", "2026-01-01", "--reason", "x", status=2).stderr
    )
