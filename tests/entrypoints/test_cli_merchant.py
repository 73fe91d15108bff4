"""The commands for merchants and providers, run as an operator runs them, on the real database."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from support.command_line import Run, command_line
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.merchants import AlreadyExists, Directory, InvalidValue, UnknownMerchant

CREDENTIALS = {"baseUrl": "http://127.0.0.1:4002", "apiKey": "the-key-of-the-channel"}


@pytest.fixture
def run(
    database: Pool,  # noqa: ARG001 - the commands find the same database, emptied
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a runner of command lines that gives what they print."""
    return command_line(settings, monkeypatch, capsys)


@pytest.fixture
def credentials_file(tmp_path: Path) -> str:
    """Return the path of a file with the credentials of a dummy channel."""
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(CREDENTIALS))
    return str(file)


def _secret_in(output: str) -> str:
    line = next(line for line in output.splitlines() if line.startswith("secret KEY"))
    return line.partition(": ")[2]


async def test_a_merchant_is_made_ready_from_the_command_line(
    run: Run, database: Pool, settings: Settings, credentials_file: str
) -> None:
    await run("provider", "create", "Dummy")
    await run("provider", "legal-entity", "Demo", "--identifier", "AAACD1234E")
    created = await run("provider", "channel", "dummy", "demo", "--credentials", credentials_file)
    assert "dummy_demo" in created
    output = await run("merchant", "create", "Shop", "ops@shop.example", "--merchant-id", "shop", "--onboard")
    await run("merchant", "set-routing", "shop", "payin", "dummy_demo")
    await run("merchant", "add-fee", "shop", "payin", "--flat", "10", "--percentage", "1.5", "--to-amount", "-1")
    await run(
        *("merchant", "set-service", "shop", "payin", "--active", "--tps", "50", "--daily-limit", "none"),
        *("--max-amount", "2000.50", "--callback-url", "https://shop.example/callback"),
        *("--allow-ip", "203.0.113.7", "--allow-ip", "2001:db8::/32", "--allowlist"),
    )
    merchant = await Directory(database, SecretBox.from_settings(settings)).merchant("shop")
    assert merchant is not None
    assert merchant.is_onboarded
    assert merchant.secrets[0].value.decode() == _secret_in(output)
    assert merchant.payin.is_active
    assert merchant.payin.routing == ("dummy_demo",)
    assert (merchant.payin.limits.tps, merchant.payin.limits.daily_paise) == (50, None)
    assert merchant.payin.limits.max_paise == 200_050
    assert merchant.payin.ip_allowlist == ("203.0.113.7", "2001:db8::/32")
    assert merchant.payin.ip_allowlist_enabled
    (tier,) = merchant.payin.tiers
    assert (tier.from_paise, tier.to_paise) == (0, None)
    assert (tier.charge.flat_paise, tier.charge.percentage_ppm, tier.charge.tax_ppm) == (1000, 15_000, 180_000)


async def test_onboarding_opens_the_merchants_accounts(run: Run, database: Pool) -> None:
    await run("merchant", "create", "Shop", "ops@shop.example", "--merchant-id", "shop")
    assert await _accounts(database, "%:shop:%") == 0
    await run("merchant", "onboard", "shop")
    assert await _accounts(database, "%:shop:%") == 3


async def test_a_channel_gets_its_accounts(run: Run, database: Pool) -> None:
    await run("provider", "create", "Dummy", "--type", "GATEWAY", "--no-payout")
    await run(
        *("provider", "legal-entity", "Demo", "--identifier", "AAACD1234E"),
        *("--account", "123456789012", "hdfc0001234", "HDFC Bank", "Demo Ltd"),
    )
    await run("provider", "channel", "dummy", "demo")
    assert await _accounts(database, "%:dummy_demo:%") == 3
    (entity,) = json.loads(await run("provider", "legal-entities"))
    assert entity["bank_account"]["ifsc"] == "HDFC0001234"
    (provider,) = json.loads(await run("provider", "list"))
    assert (provider["type"], provider["does_payin"], provider["does_payout"]) == ("GATEWAY", True, False)


async def _accounts(database: Pool, pattern: str) -> int:
    count: int = await database.fetchval("SELECT count(*) FROM ledger_accounts WHERE id LIKE $1", pattern)
    return count


async def test_what_is_shown_holds_no_secret(run: Run, credentials_file: str) -> None:
    secret = _secret_in(await run("merchant", "create", "Shop", "a@shop.example", "--merchant-id", "shop", "--onboard"))
    newer = _secret_in(await run("merchant", "rotate-secret", "shop", "--overlap-hours", "1"))
    await run("provider", "create", "Dummy")
    await run("provider", "legal-entity", "Demo", "--identifier", "AAACD1234E")
    await run("provider", "channel", "dummy", "demo", "--credentials", credentials_file)
    shown = await run("merchant", "show", "shop") + await run("provider", "channels") + await run("merchant", "list")
    for value in (secret, newer, CREDENTIALS["apiKey"]):
        assert value not in shown
    keys = json.loads(await run("merchant", "show", "shop"))["keys"]
    assert [key["retiresAt"] is None for key in keys] == [True, False]


async def test_merchants_are_listed_page_by_page(run: Run) -> None:
    for number in range(3):
        await run("merchant", "create", f"Shop {number}", f"{number}@shop.example", "--merchant-id", f"shop{number}")
    await run("merchant", "set", "shop1", "--status", "INACTIVE", "--v2-only", "--legacy-hash", "--no-secret")
    page = await run("merchant", "list", "--after", "shop0", "--limit", "1")
    assert page == "shop1\tINACTIVE\tnot onboarded\tShop 1\t1@shop.example\n"
    shown = json.loads(await run("merchant", "show", "shop1"))
    assert (shown["isV2Only"], shown["isLegacyHashEnabled"], shown["isKeyEnabled"]) == (True, True, False)


async def test_a_service_is_described_in_rupees_and_percent(run: Run) -> None:
    await run("merchant", "create", "Shop", "a@shop.example", "--merchant-id", "shop")
    fee = ("--from-amount", "1", "--to-amount", "1000", "--percentage", "0.25", "--strategy", "max")
    await run("merchant", "add-fee", "shop", "payout", *fee)
    payout = json.loads(await run("merchant", "show", "shop"))["payout"]
    assert (payout["dailyLimit"], payout["tps"], payout["minAmount"]) == ("5000000.00", 5, None)
    (shown,) = payout["fees"]
    assert shown == {
        "fromAmount": "1.00",
        "toAmount": "1000.00",
        "flat": "0.00",
        "percentage": "0.25",
        "taxRate": "18",
        "strategy": "MAX",
    }
    await run("merchant", "remove-fee", "shop", "payout", "--from-amount", "1")
    await run("merchant", "set-service", "shop", "payout", "--callback-url", "none", "--no-poll-immediately")
    assert json.loads(await run("merchant", "show", "shop"))["payout"]["fees"] == []


async def test_a_channel_is_configured_from_the_command_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, database: Pool, settings: Settings
) -> None:
    await run("provider", "create", "Dummy")
    await run("provider", "legal-entity", "Demo", "--identifier", "AAACD1234E", "--gstin", "29AAACD1234E1Z5")
    await run("provider", "channel", "dummy", "demo")
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(CREDENTIALS).encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    await run("provider", "set-credentials", "dummy_demo", "-")
    await run("provider", "set", "dummy_demo", "--paused", "--no-active")
    await run("provider", "set-service", "dummy_demo", "payin", "--poll-immediately", "--tps", "9")
    await run("provider", "add-fee", "dummy_demo", "payin", "--flat", "2")
    (shown,) = json.loads(await run("provider", "channels"))
    assert (shown["isActive"], shown["isPaused"]) == (False, True)
    assert (shown["payin"]["tps"], shown["payin"]["pollImmediately"]) == (9, True)
    assert len(shown["payin"]["fees"]) == 1
    await run("provider", "remove-fee", "dummy_demo", "payin", "--from-amount", "0")
    directory = Directory(database, SecretBox.from_settings(settings))
    assert await directory.credentials("dummy_demo") == ("dummy", CREDENTIALS)
    channel = await directory.channel("dummy_demo")
    assert channel is not None
    assert channel.payin.tiers == ()


async def test_a_refused_command_leaves_nothing_behind(run: Run, database: Pool) -> None:
    await run("merchant", "create", "Shop", "a@shop.example", "--merchant-id", "shop", "--onboard")
    with pytest.raises(AlreadyExists):
        await run("merchant", "create", "Other", "a@shop.example", "--merchant-id", "other", "--onboard")
    with pytest.raises(AlreadyExists, match="rotate"):
        await run("merchant", "onboard", "shop")
    with pytest.raises(UnknownMerchant):
        await run("merchant", "show", "other")
    assert await database.fetchval("SELECT count(*) FROM merchants_secrets") == 1
    actor = await database.fetchval("SELECT DISTINCT actor FROM audit_log")
    assert actor.startswith("cli:")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("merchant", "set-service", "shop", "payin", "--tps", "many"), "tps"),
        (("merchant", "set-service", "shop", "payin", "--max-amount", "1.005"), "maxAmount"),
        (("merchant", "add-fee", "shop", "payin", "--percentage", "101"), "percentage"),
        (("merchant", "add-fee", "shop", "payin", "--to-amount", "-2"), "toAmount"),
        (("provider", "create", "Nobody", "--adapter", "nobody"), "adapter"),
        (("provider", "set-credentials", "a_b", "/nonexistent/file"), "credentials"),
    ],
)
async def test_a_value_that_cannot_be_read_is_named(run: Run, arguments: tuple[str, ...], field: str) -> None:
    await run("merchant", "create", "Shop", "a@shop.example", "--merchant-id", "shop")
    with pytest.raises(InvalidValue) as refusal:
        await run(*arguments)
    assert set(refusal.value.details) == {field}


@pytest.mark.parametrize("content", ["", "[]", '{"apiKey": 1}', "\x00"])
async def test_a_credentials_file_holds_texts_by_name(run: Run, tmp_path: Path, content: str) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(content)
    with pytest.raises(InvalidValue, match="JSON object"):
        await run("provider", "set-credentials", "a_b", str(file))


async def test_credentials_that_do_not_fit_the_adapter_are_refused_without_their_values(
    run: Run, tmp_path: Path
) -> None:
    await run("provider", "create", "Dummy")
    await run("provider", "legal-entity", "Demo", "--identifier", "AAACD1234E")
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"apiKey": "the-secret-value", "nonsense": "x"}))
    with pytest.raises(InvalidValue) as refusal:
        await run("provider", "channel", "dummy", "demo", "--credentials", str(file))
    told: Any = refusal.value.message
    assert "baseUrl" in told
    assert "nonsense" in told
    assert "the-secret-value" not in told
