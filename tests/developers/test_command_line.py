"""`wisipay-dev` against a running instance: keys from the environment, callbacks to a local port, the log, a resend."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from support.merchant_endpoint import merchant_endpoint
from support.merchants import ReadyMerchant
from wisipay.merchants import gate
from wisipay.sandbox.worker import SandboxWorker
from wisipay_sdk import Wisipay, verify_callback
from wisipay_sdk.cli import trigger
from wisipay_sdk.cli.forwarding import Forwarder
from wisipay_sdk.cli.listen import Bookmark, listen
from wisipay_sdk.cli.main import main


@pytest.fixture(autouse=True)
def _keys(
    served: str,
    merchants: tuple[ReadyMerchant, ReadyMerchant],
    sender: SandboxWorker,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    del sender
    monkeypatch.setattr(gate, "SANDBOX_TPS", 1_000)
    monkeypatch.setattr(gate, "DEVELOPER_TPS", 1_000)
    monkeypatch.setattr(trigger, "_LOOK_SECONDS", 0.1)
    keys = {"WISIPAY_URL": served, "WISIPAY_MERCHANT": merchants[0].id, "WISIPAY_SECRET": merchants[0].secret}
    for name, value in (keys | {"XDG_STATE_HOME": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command to its end; return what it said."""
    await asyncio.to_thread(main, arguments)
    return capsys.readouterr().out


class _Enough(Exception):  # noqa: N818 - ends a listener that never ends
    pass


async def test_a_developers_ten_minutes(
    capsys: pytest.CaptureFixture[str],
    merchants: tuple[ReadyMerchant, ReadyMerchant],
    served: str,
    tmp_path: Path,
) -> None:
    told = await run(capsys, "trigger", "insufficient-balance")
    assert "answered 402: PAY_1205" in told
    assert "that is all" in told
    told = await run(capsys, "trigger", "at-once", "--order-id", "ORDER-1")
    assert "answered 200: SUCCESS UAT_PAYIN_" in told
    event_id = told.partition("callback SUCCESS")[2].split()[0]
    assert "no callback URL is configured" in told

    mark = Bookmark(tmp_path / "mark")
    secret = merchants[0].secret
    async with merchant_endpoint() as endpoint:

        def forward() -> None:
            """Listen until the bookmark was written once."""
            with (
                Wisipay(served, merchant_id=merchants[0].id, secret=secret, sandbox=True) as client,
                Forwarder(f"{endpoint.url}/payin") as forwarder,
            ):
                listen(client, forwarder, _Once(mark.path), after="0", resume=False)

        with pytest.raises(_Enough):
            await asyncio.to_thread(forward)
        (received,) = await endpoint.wait_for(1)
        assert verify_callback(received.headers, received.body, secret).event_id == event_id
        assert mark.read() is not None
        assert "ORDER-1 SUCCESS" in capsys.readouterr().out
        assert "-> 200 in" in await run(capsys, "resend", event_id, "--forward-to", f"{endpoint.url}/payin")
        await endpoint.wait_for(2)

    assert "goes out again" in await run(capsys, "resend", event_id)
    assert "PAY_1205" in await run(capsys, "logs", "tail", "--status", "4xx", "--bodies")
    lines = (await run(capsys, "logs", "tail", "--order-id", "ORDER-1", "--json")).splitlines()
    assert {json.loads(each)["order_id"] for each in lines} == {"ORDER-1"}
    with pytest.raises(SystemExit):
        await run(capsys, "resend", "none")


class _Once(Bookmark):
    def write(self, cursor: str) -> None:
        super().write(cursor)
        raise _Enough
