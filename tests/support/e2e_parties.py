"""Merchants and channels for the end-to-end scenarios, so that no scenario opens another one's circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from support.e2e_scenarios import Scenario
from wisipay import ledger
from wisipay.core.clock import utc_now
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection
from wisipay.core.ids import new_uuid7
from wisipay.core.money import Paise
from wisipay.merchants import (
    SERVICE_KINDS,
    Author,
    FeeCharge,
    FeeTier,
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
    set_routing,
)
from wisipay.payments import open_channel_accounts, open_merchant_accounts

FUNDS_PAISE = 100_000_000
_FAILURES_PER_LANE = 4
"""One fewer than a circuit bears in a row."""
_WEBHOOK_SECRET = "dummy-webhook-secret"


@dataclass(frozen=True)
class Lane:
    """A merchant with channels of its own, and the scenarios that it plays."""

    merchant_id: str
    secret: str
    scenarios: tuple[Scenario, ...]


def lanes_of(scenarios: Sequence[Scenario]) -> list[list[Scenario]]:
    """Share scenarios out so that no channel meets as many failures of one kind as open its circuit."""
    lanes = [[each] for each in scenarios if each.alone or each.poor]
    for fallback in (False, True):
        kinds = [
            [each for each in scenarios if each.kind == kind and each.fallback is fallback and not each.alone]
            for kind in SERVICE_KINDS
        ]
        rows = [[each for each in row if not each.poor] for row in kinds]
        lanes += [
            [each for row in rows for each in row[start : start + _FAILURES_PER_LANE]]
            for start in range(0, max(map(len, rows)), _FAILURES_PER_LANE)
        ]
    return lanes


class Founder:
    """Makes lanes in a database."""

    def __init__(self, conn: Connection, settings: Settings) -> None:
        self._conn = conn
        self._settings = settings
        self._box = SecretBox.from_settings(settings)
        self._author = Author("e2e", utc_now(), reason="end-to-end test")

    async def found(self, scenarios: Sequence[Scenario], prefix: str) -> list[Lane]:
        """Make every lane in one transaction."""
        async with self._conn.transaction():
            entity_id = await self.legal_entity(prefix)
            return [
                await self._lane(entity_id, f"{prefix}{number}", tuple(lane))
                for number, lane in enumerate(lanes_of(scenarios))
            ]

    async def _lane(self, entity_id: str, name: str, scenarios: tuple[Scenario, ...]) -> Lane:
        count = 2 if scenarios[0].fallback else 1
        url = self._settings.simulator_url or ""
        route = [await self.channel(entity_id, f"{name}{'ab'[number]}", url) for number in range(count)]
        funds_paise = 0 if scenarios[0].poor else FUNDS_PAISE
        secret = await self.merchant(name, dict.fromkeys(SERVICE_KINDS, route), url, funds_paise)
        return Lane(name, secret, scenarios)

    async def legal_entity(self, prefix: str) -> str:
        """Make the owner of channels; return its id."""
        return await create_legal_entity(self._conn, self._author, name=f"{prefix} Owner", identifier="AAACE1234E")

    async def merchant(
        self, name: str, routes: Mapping[ServiceKind, Sequence[str]], callbacks_base_url: str, funds_paise: int
    ) -> str:
        """Make a merchant whose id is its name and who may pay in and out; return its secret."""
        await create_merchant(
            self._conn, self._author, name=name, email=f"{name.lower()}@example.com", merchant_id=name
        )
        secret = await onboard_merchant(self._conn, self._box, self._author, name)
        await change_merchant(self._conn, self._author, name, MerchantChange(status=MerchantStatus.ACTIVE))
        for kind, route in routes.items():
            owner = ServiceOwner(merchant_id=name)
            url = f"{callbacks_base_url}/merchant/{name}/callbacks"
            service = ServiceChange(is_active=True, tps=None, daily_paise=None, callback_url=url)
            await change_service(self._conn, self._author, owner, kind, service)
            tier = FeeTier(Paise(1), None, FeeCharge(Paise(500), 10_000))
            await add_tier(self._conn, self._author, owner, kind, tier)
            await set_routing(self._conn, self._author, name, kind, route)
        await open_merchant_accounts(self._conn, name)
        if funds_paise:
            await self._fund(name, funds_paise)
        return secret.value

    async def channel(
        self,
        entity_id: str,
        name: str,
        provider_url: str,
        *,
        adapter: str = "dummy",
        credentials: Mapping[str, str] | None = None,
    ) -> str:
        """Make a provider at that address, and our channel to it; return the channel's id."""
        provider_id = await create_provider(
            self._conn, self._author, name=name, provider_type=ProviderType.GATEWAY, adapter=adapter
        )
        dummy = {"baseUrl": provider_url, "apiKey": f"key-of-{name}", "webhookSecret": _WEBHOOK_SECRET}
        channel_id = await create_channel(
            self._conn,
            self._box,
            self._author,
            provider_id=provider_id,
            legal_entity_id=entity_id,
            credentials=credentials or dummy,
        )
        await open_channel_accounts(self._conn, channel_id, entity_id)
        return channel_id

    async def _fund(self, merchant_id: str, funds_paise: int) -> None:
        account = ledger.merchant_account(merchant_id, "PAYOUT").id
        lines = (ledger.Line(ledger.WORLD.id, funds_paise), ledger.Line(account, -funds_paise))
        await ledger.apply(self._conn, [ledger.Transfer(entry_id=new_uuid7(), lines=lines)], utc_now())
