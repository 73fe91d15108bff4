"""The commands of routing and of providers' health, run as an operator runs them, on the real database."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from support.command_line import Run, command_line
from wisipay.core.clock import in_ist, utc_now
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.errors import NotFound
from wisipay.entrypoints.seed import seed
from wisipay.merchants import InvalidValue, UnknownChannel, UnknownMerchant

ASKED = ("routing", "dry-run", "--merchant", "MER-1", "--service", "payout", "--amount", "500", "--mode", "IMPS")


@pytest.fixture
async def run(
    database: Pool,
    redis: Redis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a runner of command lines over the seed's merchants and channels; it gives what they print."""
    del database, redis
    await seed(settings)
    return command_line(settings, monkeypatch, capsys)


async def test_rules_are_added_shown_tried_and_removed(run: Run, database: Pool) -> None:
    assert "  1. dummy_demo" in await run(*ASKED)
    added = await run(
        *("routing", "add", "payout", "weight", "dummy2_demo:3", "dummy_demo:0", "--mode", "IMPS", "--bank", "hdfc"),
        *("--from-amount", "100", "--to-amount", "1000", "--from-time", "00:00", "--to-time", "24:00"),
        *("--priority", "5", "--reason", "cheaper"),
    )
    number = added.split()[-1]
    (rule,) = json.loads(await run("routing", "rules", "--merchant", "MER-1"))
    assert (rule["id"], rule["banks"], rule["weights"]) == (int(number), ["HDFC"], [3, 0])
    assert (rule["from_amount"], rule["to_time"]) == ("100.00", "24:00")
    tried = await run(*ASKED, "--ifsc", "hdfc0000001")
    assert f"channels of rule {number}, split by weight\n  1. dummy2_demo\n  2. dummy_demo" in tried
    assert "the merchant's route" in await run(*ASKED, "--ifsc", "ICIC0000001")
    assert "removed" in await run("routing", "remove", number, "--reason", "dearer")
    assert json.loads(await run("routing", "rules")) == []
    reasons = await database.fetch("SELECT reason FROM audit_log WHERE action LIKE 'routing%' ORDER BY happened_at")
    assert [row["reason"] for row in reasons] == ["cheaper", "dearer"]


async def test_a_channel_is_paused_with_a_reason_and_resumed(run: Run) -> None:
    assert "paused channel dummy_demo" in await run("provider", "pause", "dummy", "--reason", "their support asked")
    tried = await run(*ASKED, "--ifsc", "HDFC0000001")
    assert "skipped dummy_demo: paused by an operator: their support asked" in tried
    lines = json.loads(await run("provider", "health"))
    (line,) = [each for each in lines if (each["channel"], each["service"]) == ("dummy_demo", "payout")]
    assert (line["paused"], line["standing"], line["circuitOpen"]) == ("their support asked", "open", False)
    await run("provider", "pause", "dummy2_demo", "--reason", "as well")
    with pytest.raises(SystemExit):
        await run(*ASKED)
    await run("provider", "resume", "dummy_demo", "--reason", "well again")
    assert "  1. dummy_demo" in await run(*ASKED)


async def test_a_dry_run_of_a_payout_tells_of_the_beneficiarys_branch(run: Run, settings: Settings) -> None:
    told = await run(*ASKED, "--ifsc", "sbin0000300")
    assert "SBIN0000300: State Bank of India; reached by IMPS, NEFT, RTGS, UPI\n" in told
    assert settings.bank_directory_file is None
    with pytest.raises(SystemExit):
        await run(*ASKED, "--ifsc", "SBIN1")


async def test_windows_hours_and_floats_are_set_and_seen_by_a_dry_run(run: Run) -> None:
    tomorrow = in_ist(utc_now() + timedelta(days=1))
    begins, ends = tomorrow.strftime("%Y-%m-%dT10:00"), tomorrow.strftime("%Y-%m-%dT11:00")
    await run("provider", "maintenance", "dummy_demo", begins, ends, "--reason", "upgrade")
    (window,) = json.loads(await run("provider", "windows"))
    assert (window["channel"], window["from"]) == ("dummy_demo", f"{begins} IST")
    during = tomorrow.strftime("%Y-%m-%dT10:30")
    assert "skipped dummy_demo: in maintenance" in await run(*ASKED, "--at", during)
    await run("provider", "end-window", str(window["id"]))
    await run("provider", "hours", "dummy_demo", "payout", "IMPS", "--from-to", "07:00", "10:00")
    assert "skipped dummy_demo: takes IMPS from 07:00 to 10:00" in await run(*ASKED, "--at", during)
    await run("provider", "hours", "dummy_demo", "payout", "IMPS")
    await run("provider", "float", "dummy_demo", "100", "--reserve", "10")
    lines = json.loads(await run("provider", "health"))
    assert [line["statedFloat"] for line in lines if line["statedFloat"]] == ["100.00"]
    await run("provider", "float", "dummy_demo", "none")
    assert "  1. dummy_demo" in await run(*ASKED, "--at", during, "--vpa", "asha@ybl")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("routing explain WSP01", NotFound),
        ("routing dry-run --merchant nobody --service payin --amount 5 --mode UPI", UnknownMerchant),
        ("routing dry-run --merchant MER-1 --service payin --amount 5 --mode UPI --at soon", InvalidValue),
        ("routing add payin weight dummy_demo:3 dummy2_demo", InvalidValue),
        ("routing add payin weight dummy_demo:x", InvalidValue),
        ("provider pause nobody --reason x", UnknownChannel),
        ("provider pause dummy --reason=", InvalidValue),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(run: Run, words: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await run(*words.split())
