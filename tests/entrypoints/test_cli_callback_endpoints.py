"""An operator keeps a merchant's endpoints and proves what was sent, from the command line."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from support.callback_events import event
from support.command_line import Run, command_line
from support.endpoints import states, write
from support.merchant_endpoint import merchant_endpoint
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.errors import BadRequest
from wisipay.merchants import Author, UnknownMerchant, create_merchant


@pytest.fixture
def wisipay(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("PRIVATE_ADDRESSES_ALLOWED", "true")
    return command_line(settings, monkeypatch, capsys)


@pytest.fixture
async def merchant_id(database: Pool) -> str:
    async with database.acquire() as conn:
        author = Author("test", datetime.now(UTC))
        return await create_merchant(conn, author, name="Shop", email="ops@shop.example", merchant_id="SHOP")


async def _add(wisipay: Run, merchant_id: str, url: str, *more: str) -> tuple[str, str]:
    """Return the id and the secret that were printed."""
    printed = await wisipay("callbacks", "endpoint", "add", merchant_id, url, *more)
    found = re.search(r"added endpoint (CEP\w+): .*\nsecret CES\w+: (whsec_\S+)\n", printed)
    assert found is not None, printed
    return found[1], found[2]


async def test_an_endpoint_is_kept_from_its_first_day_to_its_last(
    database: Pool, merchant_id: str, wisipay: Run
) -> None:
    with pytest.raises(UnknownMerchant):
        await wisipay("callbacks", "endpoint", "add", "NOBODY", "https://shop.example/")
    url = "https://shop.example/callbacks"
    endpoint_id, secret = await _add(wisipay, merchant_id, url, "--events", "payin.success", "payout.*")
    rotated = await wisipay("callbacks", "endpoint", "rotate", endpoint_id, "--overlap-hours", "2")
    assert secret not in rotated
    changed = json.loads(await wisipay("callbacks", "endpoint", "change", endpoint_id, "--description", "books"))
    assert (changed["url"], changed["events"], changed["description"]) == (url, "payin.success, payout.*", "books")
    await wisipay("callbacks", "endpoint", "disable", endpoint_id, "--reason", "ticket 7")
    listed = json.loads(await wisipay("callbacks", "endpoint", "list", merchant_id))
    assert [(each["id"], each["disabled_reason"]) for each in listed["endpoints"]] == [(endpoint_id, "ticket 7")]
    await write(database, event(merchant_id=merchant_id))
    assert "0 deliveries go on" in await wisipay("callbacks", "endpoint", "enable", endpoint_id)
    shown = await wisipay("callbacks", "endpoint", "show", endpoint_id)
    assert secret not in shown
    kept = json.loads(shown)
    assert ([len(kept["secrets"]), kept["deliveries"]]) == [2, {"SWITCHED_OFF": 1}]
    assert [each["what"] for each in kept["happened"]] == ["ENABLED", "DISABLED", "CHANGED", "ROTATED", "ADDED"]
    again = ("callbacks", "replay-endpoint", endpoint_id, "--since", "2026-01-01")
    assert json.loads(await wisipay(*again, "--until", "2026-01-02", "--state", "SWITCHED_OFF")) == {"due": 1}
    assert await states(database, endpoint_id) == ["WAITING"]
    await wisipay("callbacks", "endpoint", "remove", endpoint_id)
    assert json.loads(await wisipay("callbacks", "endpoint", "list", merchant_id))["endpoints"] == []
    authors = await database.fetch("SELECT DISTINCT actor FROM audit_log WHERE entity_type = 'callback_endpoint'")
    assert [row["actor"].partition(":")[0] for row in authors] == ["cli"]


async def test_a_ping_reaches_the_endpoint_and_shows_its_answer(merchant_id: str, wisipay: Run) -> None:
    async with merchant_endpoint() as serving:
        endpoint_id, secret = await _add(wisipay, merchant_id, serving.url)
        told = json.loads(await wisipay("callbacks", "endpoint", "test", endpoint_id))
        (got,) = serving.received
    assert Webhook(secret).verify(got.body.decode(), got.headers)["endpointId"] == endpoint_id
    assert (told["status"], told["answer"]) == (200, "thank you")


async def test_a_proof_is_printed_verified_and_found_changed(database: Pool, wisipay: Run, tmp_path: Path) -> None:
    sent = event()
    await write(database, sent)
    printed = await wisipay("callbacks", "proof", str(sent.event_id))
    proof = json.loads(printed)
    assert proof["record"]["event"]["webhookId"] == str(sent.event_id)
    keys = json.loads(await wisipay("callbacks", "proof-key"))
    assert keys == {proof["keyId"]: proof["publicKey"]}
    file = tmp_path / "proof.json"
    file.write_text(printed)
    assert "unchanged" in await wisipay("callbacks", "verify-proof", str(file))
    file.write_text(printed.replace("SUCCESS", "FAILED"))
    with pytest.raises(BadRequest, match="changed since"):
        await wisipay("callbacks", "verify-proof", str(file))
