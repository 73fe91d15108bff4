"""`wisipay reconcile` on the command line, from a mapping to a difference that is resolved."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from support.merchants import NOW, ready_channel
from support.settlement_files import MAPPING, row, write_csv
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.core.errors import AppError
from wisipay.entrypoints.cli_reconcile import app
from wisipay.merchants import Author


class CommandLine:
    """Runs commands as a thread of their own does, and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def say(self, *words: str) -> str:
        """Return what a command prints."""
        self._capsys.readouterr()
        await asyncio.to_thread(app, words, result_action="return_value")
        return self._capsys.readouterr().out

    async def lines(self, *words: str) -> list[dict[str, Any]]:
        """Return the JSON lines that a command prints."""
        return [json.loads(line) for line in (await self.say(*words)).splitlines()]


@pytest.fixture
async def command_line(
    database: Pool,
    redis: Redis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> CommandLine:
    """Return the command line of an installation with one channel."""
    del redis
    for name in ("database_url", "redis_url", "data_dir", "jwt_secret"):
        monkeypatch.setenv(name.upper(), str(getattr(settings, name)))
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/")
    async with database.acquire() as conn, conn.transaction():
        await ready_channel(conn, SecretBox.from_settings(settings), Author("ops", NOW))
    return CommandLine(capsys)


async def test_from_a_mapping_to_a_resolved_difference(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say, lines = command_line.say, command_line.lines
    mapping = tmp_path / "mapping.json"
    mapping.write_bytes(MAPPING)
    assert "version 1" in await say("mapping", "set", "dummy", "payin", str(mapping), "--reason", "their new form")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MAPPING.replace(b"GST", b"Tax"))))
    assert "version 2" in await say("mapping", "set", "dummy", "payin", "-", "--reason", "their newer form")
    shown = json.loads(await say("mapping", "show", "dummy", "payin", "--version", "1"))
    assert shown["mapping"]["columns"]["tax"] == "GST"
    await say("mapping", "set", "dummy", "payin", str(mapping), "--reason", "back again")
    file = write_csv(tmp_path / "day.csv", row("T1"), row("T2", amount="?"), row("T3"))
    words = ("import", str(file), "--channel", "dummy_dummy-owner", "--service", "payin", "--from", "2026-02-05")
    summary = json.loads(await say(*words))
    assert (summary["run"]["state"], summary["differences"], summary["repeated"]) == ("MATCHED", {"EXTRA": 2}, False)
    assert (summary["run"]["file_amount"], summary["run"]["matched_amount"]) == ("2000.00", "0.00")
    assert summary["broken"] == [{"line": 3, "problem": "the amount is not an amount in rupees, or negative"}]
    run_id = str(summary["run"]["id"])
    assert [each["id"] for each in await lines("runs")] == [summary["run"]["id"]]
    assert json.loads(await say("show", run_id)) == summary
    assert json.loads(await say(*words))["repeated"] is True
    first, second = await lines("differences", run_id)
    assert (first["reference"], second["reference"]) == ("T1", "T3")
    told = await lines("resolve", str(first["id"]), "999999", "--action", "accept", "--note", "a test order")
    assert told == [{"difference": first["id"], "decided": True}, {"difference": 999_999, "decided": False}]
    assert await lines("differences", run_id) == [second]
    (resolved, _) = await lines("differences", "--also-resolved", "--kind", "extra")
    assert (resolved["note"], resolved["decided_by"].partition(":")[0]) == ("a test order", "cli")
    assert "withdrawn" in await say("withdraw", run_id, "--reason", "wrong day")


async def test_what_is_wrong_is_said(command_line: CommandLine, tmp_path: Path) -> None:
    file = str(write_csv(tmp_path / "day.csv"))
    scope = ("--service", "payin", "--from", "2026-02-05")
    for words, fault in (
        (("mapping", "set", "dummy", "payin", str(tmp_path / "nowhere"), "--reason", "x"), "cannot be read"),
        (("mapping", "show", "dummy", "payin"), "there is no mapping"),
        (("import", file, "--channel", "nobody", *scope), "no channel"),
        (("import", file, "--channel", "dummy_dummy-owner", *scope, "--to", "2026-02-04"), "before --from"),
        (("withdraw", "1", "--reason", " "), "Say why"),
        (("apply-status", "1", "--note", "x"), "no unresolved difference"),
    ):
        with pytest.raises(AppError, match=fault):
            await command_line.say(*words)
