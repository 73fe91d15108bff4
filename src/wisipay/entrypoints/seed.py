"""The first merchants, channels and accounts of a development installation.

Two merchants (the first with a funded payout account), one legal entity, and two providers that both speak the dummy
protocol to the simulator, the second as fallback of the first; on demand two that speak another one, which then come
first for what they can do. Run again, it changes nothing. Never for production.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from wisipay import ledger
from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection, close_pool, connect_pool
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.entrypoints.simulated import Simulated, simulated
from wisipay.merchants import (
    SERVICE_KINDS,
    Author,
    Directory,
    FeeCharge,
    FeeTier,
    Merchant,
    MerchantChange,
    MerchantStatus,
    ProviderType,
    ServiceChange,
    ServiceKind,
    ServiceOwner,
    add_tier,
    change_merchant,
    change_service,
    create_channel,
    create_legal_entity,
    create_merchant,
    create_provider,
    onboard_merchant,
    read_channels,
    set_routing,
)
from wisipay.payments import open_channel_accounts, open_merchant_accounts, open_system_accounts
from wisipay.providers import capabilities_of, check_credentials

MERCHANTS: Final = ("MER-1", "MER-2")
DUMMY: Final = "dummy"
LEGAL_ENTITY: Final = "Demo"
LEGAL_ENTITY_ID: Final = "demo"
CHANNELS: Final = ("dummy_demo", "dummy2_demo")
FUNDS_PAISE: Final = 100_000_000_000_000
"""A thousand crore rupees, so that no load test runs out of money."""

_FUNDING_ENTRY: Final = UUID("01900000-0000-7000-8000-000000000001")
_SIMULATOR_URL: Final = "http://127.0.0.1:4002"
_RUPEE: Final = 100

_MERCHANT_TIERS: Final[dict[ServiceKind, tuple[FeeTier, ...]]] = {
    "payin": (
        FeeTier(Paise(1), Paise(1000 * _RUPEE), FeeCharge(Paise(0), 15_000)),
        FeeTier(Paise(1000 * _RUPEE + 1), None, FeeCharge(Paise(10 * _RUPEE), 10_000)),
    ),
    "payout": (FeeTier(Paise(1), None, FeeCharge(Paise(5 * _RUPEE), 0)),),
}
_CHANNEL_TIERS: Final[dict[ServiceKind, FeeTier]] = {
    "payin": FeeTier(Paise(1), None, FeeCharge(Paise(0), 5_000)),
    "payout": FeeTier(Paise(1), None, FeeCharge(Paise(2 * _RUPEE), 0)),
}


async def seed(settings: Settings, adapter: str | None = None) -> list[dict[str, Any]]:
    """Make what is missing; return each merchant's id, secret and callback addresses, as the ready file has them.

    With an `adapter`, payments are routed through it where it does their kind, and through the dummy otherwise; without
    one they are where they were, at first the dummy.
    """
    box = SecretBox.from_settings(settings)
    pool = await connect_pool(settings, application_name="wisipay seed", max_size=2)
    try:
        directory = Directory(pool, box)
        if await directory.merchant(MERCHANTS[0]) is None:
            async with pool.acquire() as conn, conn.transaction():
                await _make_everything(conn, box, settings)
            directory.invalidate()
        found = [merchant for name in MERCHANTS if (merchant := await directory.merchant(name)) is not None]
        if adapter is not None:
            async with pool.acquire() as conn, conn.transaction():
                await _route_through(conn, box, settings, adapter, found)
    finally:
        await close_pool(pool)
    await _introduce(settings, found, {DUMMY, adapter or DUMMY})
    return [_shown(merchant) for merchant in found]


async def _make_everything(conn: Connection, box: SecretBox, settings: Settings) -> None:
    author = Author("seed", SystemClock().now(), reason="development installation")
    await open_system_accounts(conn)
    legal_entity_id = await create_legal_entity(conn, author, name=LEGAL_ENTITY, identifier="AAACD1234E")
    for channel_id in CHANNELS:
        await _make_channel(conn, box, author, settings, DUMMY, channel_id, legal_entity_id)
    for merchant_id in MERCHANTS:
        await _make_merchant(conn, box, author, settings, merchant_id)
    await _fund(conn, MERCHANTS[0])


def channels_of(adapter: str) -> tuple[str, str]:
    """Return the ids of the two channels that speak an adapter's protocol."""
    return f"{adapter}_{LEGAL_ENTITY_ID}", f"{adapter}2_{LEGAL_ENTITY_ID}"


async def _route_through(
    conn: Connection, box: SecretBox, settings: Settings, adapter: str, merchants: list[Merchant]
) -> None:
    """Have both merchants' payments go through an adapter's channels, which are made where they are missing."""
    author = Author("seed", SystemClock().now(), reason="development installation")
    known = await read_channels(conn)
    for channel_id in channels_of(adapter):
        if channel_id not in known:
            await _make_channel(conn, box, author, settings, adapter, channel_id, LEGAL_ENTITY_ID)
    capabilities = capabilities_of(adapter, _simulated(settings, adapter, channels_of(adapter)[0]).credentials)
    for merchant in merchants:
        for kind in SERVICE_KINDS:
            wanted = channels_of(adapter) if capabilities.modes(kind) else CHANNELS
            if tuple(merchant.service(kind).routing) != wanted:
                await set_routing(conn, author, merchant.id, kind, wanted)


def _simulated(settings: Settings, adapter: str, channel_id: str) -> Simulated:
    return simulated(adapter, settings.simulator_url or _SIMULATOR_URL, channel_id)


async def _make_channel(
    conn: Connection,
    box: SecretBox,
    author: Author,
    settings: Settings,
    adapter: str,
    channel_id: str,
    legal_entity_id: str,
) -> None:
    name = channel_id.removesuffix(f"_{LEGAL_ENTITY_ID}").capitalize()
    provider_id = await create_provider(conn, author, name=name, provider_type=ProviderType.GATEWAY, adapter=adapter)
    await create_channel(
        conn,
        box,
        author,
        provider_id=provider_id,
        legal_entity_id=legal_entity_id,
        credentials=_simulated(settings, adapter, channel_id).credentials,
        check=check_credentials,
    )
    for kind, tier in _CHANNEL_TIERS.items():
        await add_tier(conn, author, ServiceOwner(channel_id=channel_id), kind, tier)
    await open_channel_accounts(conn, channel_id, legal_entity_id)


async def _make_merchant(
    conn: Connection, box: SecretBox, author: Author, settings: Settings, merchant_id: str
) -> None:
    number = merchant_id.removeprefix("MER-")
    await create_merchant(
        conn, author, name=f"Demo Shop {number}", email=f"shop{number}@example.com", merchant_id=merchant_id
    )
    await onboard_merchant(conn, box, author, merchant_id)
    await change_merchant(conn, author, merchant_id, MerchantChange(status=MerchantStatus.ACTIVE))
    owner = ServiceOwner(merchant_id=merchant_id)
    callback_url = f"{settings.simulator_url}/merchant/{merchant_id}/callbacks" if settings.simulator_url else None
    for kind in SERVICE_KINDS:
        change = ServiceChange(is_active=True, tps=None, daily_paise=None, callback_url=callback_url)
        await change_service(conn, author, owner, kind, change)
        for tier in _MERCHANT_TIERS[kind]:
            await add_tier(conn, author, owner, kind, tier)
        await set_routing(conn, author, merchant_id, kind, CHANNELS)
    await open_merchant_accounts(conn, merchant_id)


async def _fund(conn: Connection, merchant_id: str) -> None:
    account = ledger.merchant_account(merchant_id, "PAYOUT").id
    deposit = ledger.Transfer(
        entry_id=_FUNDING_ENTRY,
        lines=(ledger.Line(ledger.WORLD.id, FUNDS_PAISE), ledger.Line(account, -FUNDS_PAISE)),
        narration="Opening deposit of the development installation",
    )
    (result,) = await ledger.apply(conn, [deposit], SystemClock().now())
    if not isinstance(result, ledger.Accepted):
        raise RuntimeError(f"the opening deposit was refused: {result}")  # noqa: TRY004 - a refusal, not a wrong type


async def _introduce(settings: Settings, merchants: list[Merchant], adapters: set[str]) -> None:
    """Tell the simulator which secrets sign the callbacks it gets and the webhooks it sends."""
    if settings.simulator_url is None:
        return
    async with HttpClient(private_addresses_allowed=True) as client:
        for merchant in merchants:
            secrets = {"secrets": [secret.value.decode() for secret in merchant.secrets]}
            await _put(client, f"{settings.simulator_url}/control/merchants/{merchant.id}", secrets)
        for name, channel in [(each, channel) for each in adapters for channel in channels_of(each)]:
            known = _simulated(settings, name, channel)
            account = {"api_key": known.api_key, "webhook_secret": known.webhook_secret}
            for kind in SERVICE_KINDS:
                url = f"{settings.app_base_url}/webhook/{kind}/{channel.removesuffix(f'_{LEGAL_ENTITY_ID}')}"
                account[f"{kind}_webhook_url"] = f"{url}/{LEGAL_ENTITY_ID}"
            await _put(client, f"{settings.simulator_url}/control/accounts/{channel}", account)


async def _put(client: HttpClient, url: str, body: dict[str, Any]) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.request("PUT", url, headers=headers, body=msgspec.json.encode(body), timeout_seconds=10)
    if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
        raise RuntimeError(f"the simulator answered {answer.status} to {url}")


def _shown(merchant: Merchant) -> dict[str, Any]:
    return {
        "id": merchant.id,
        "secret": merchant.secrets[0].value.decode(),
        "payin_callback_url": merchant.payin.callback_url,
        "payout_callback_url": merchant.payout.callback_url,
    }
