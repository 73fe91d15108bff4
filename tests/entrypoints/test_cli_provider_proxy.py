"""`wisipay provider proxy`: where it may go in this installation, and what an operator is shown."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path

import pytest

from support.loopback import WireAnswer, running_loopback
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.errors import AppError
from wisipay.entrypoints.cli_provider_proxy import policy_of, proxy


@pytest.fixture
def _stores(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("database_url", "redis_url", "data_dir", "jwt_secret"):
        monkeypatch.setenv(name.upper(), str(getattr(settings, name)))
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/")
    monkeypatch.setenv("PRIVATE_ADDRESSES_ALLOWED", "true")


@pytest.mark.usefixtures("_stores")
async def test_a_line_of_curl_is_sent_and_its_answer_shown(
    database: Pool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(200, b'{"ok":1}'))
        monkeypatch.setenv("PROVIDER_PROXY_HOSTS", loopback.url.partition("://")[2])
        line = f"curl -X POST {loopback.url}/x -H 'A: b' -d '{{}}'"
        (tmp_path / "line").write_text(line, encoding="utf-8")
        await asyncio.to_thread(proxy, str(tmp_path / "line"), reason="a look")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line.encode())))
        await asyncio.to_thread(proxy, reason="a look")
        assert [each.method for each in loopback.received] == ["POST", "POST"]
    told = capsys.readouterr().out
    assert json.loads(told[: told.index("\n}\n") + 2])["body"] == '{"ok":1}'
    assert await database.fetchval("SELECT count(*) FROM audit_log WHERE reason = 'a look'") == 4


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"\xff")
    for name, told in (("nowhere", "cannot be read"), ("odd", "not UTF-8")):
        with pytest.raises(AppError, match=told):
            proxy(str(tmp_path / name), reason="x")


def test_the_simulator_is_a_host_of_development_only(settings: Settings) -> None:
    with_simulator = settings.model_copy(update={"simulator_url": "http://127.0.0.1:4002/x"})
    assert "127.0.0.1:4002" in policy_of(with_simulator).hosts
    in_production = policy_of(settings.model_copy(update={"wisipay_env": "production"}))
    assert in_production.https_only
    assert "127.0.0.1:4002" not in in_production.hosts
