"""`wisipay jobs`: given-up jobs listed without personal data, and queued again."""

from __future__ import annotations

import json
import sys

import pytest

from support import system
from wisipay.core import jobs
from wisipay.core.config import Settings
from wisipay.core.database import Pool


@pytest.fixture
def _stores(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/")
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))


@pytest.mark.usefixtures("_stores")
async def test_given_up_job_is_listed_redacted_and_queued_again(database: Pool) -> None:
    async with database.acquire() as connection:
        job_id = await jobs.enqueue(connection, "report", {"email": "someone@example.com", "month": "2026-01"})
        await connection.execute("UPDATE pgqueuer SET status = 'failed' WHERE id = $1", job_id)
    listed = [json.loads(line) for line in _wisipay("list").stdout.splitlines()]
    assert [letter["id"] for letter in listed] == [job_id]
    assert listed[0]["payload"]["month"] == "2026-01"
    assert "someone@example.com" not in json.dumps(listed)
    replayed = [json.loads(line) for line in _wisipay("replay", str(job_id), "999999999").stdout.splitlines()]
    assert replayed == [{"job_id": job_id, "queued": True}, {"job_id": 999999999, "queued": False}]
    assert _wisipay("list").stdout == ""


@pytest.mark.usefixtures("_stores")
def test_nothing_named_and_wrong_limit_are_said() -> None:
    assert "Name at least one job" in _wisipay("replay", status=2).stderr
    assert "--limit: got 0, wants a number from 1 to 1000" in _wisipay("list", "--limit", "0", status=2).stderr


def _wisipay(*arguments: str, status: int = 0) -> system.Done:
    done = system.run(sys.executable, "-m", "wisipay", "jobs", *arguments, check=False)
    assert done.returncode == status, done.stderr
    return done
