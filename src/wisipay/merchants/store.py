"""Read merchants and channels from PostgreSQL, whole, as the types of the model.

Decides how rows become types and where secrets are opened. Must never write, cache, or log what it opened.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from asyncpg import Record

from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection
from wisipay.core.sql import load_queries
from wisipay.merchants.model import (
    ApiSecret,
    Channel,
    Merchant,
    MerchantStatus,
    ProviderType,
    ServiceConfig,
    ServiceKind,
)
from wisipay.merchants.routing_types import (
    Maintenance,
    ModeHours,
    RoutingBook,
    RoutingRule,
    RuleAction,
    StatedFloat,
)

QUERIES = load_queries(__file__, "queries.sql")
ROUTING = load_queries(__file__, "routing.sql")

_Services = Mapping[ServiceKind, ServiceConfig]
_NO_SERVICES: _Services = {}
_service_decoder = msgspec.json.Decoder(ServiceConfig)


def secret_place(secret_id: str) -> str:
    """Name the place a sealed API secret belongs to."""
    return f"merchants_secrets/{secret_id}/sealed"


def credentials_place(channel_id: str) -> str:
    """Name the place a channel's sealed credentials belong to."""
    return f"merchants_channel_credentials/{channel_id}/sealed"


async def read_merchants(
    conn: Connection, box: SecretBox, merchant_ids: Sequence[str], now: datetime
) -> dict[str, Merchant]:
    """Read merchants by id, with the secrets that are valid now; unknown ids are left out."""
    rows = await conn.fetch(QUERIES["merchants"], merchant_ids)
    if not rows:
        return {}
    secrets = await _read_secrets(conn, box, merchant_ids, now)
    services = await _read_services(conn, merchant_ids=merchant_ids, channel_ids=[])
    return {row["id"]: _merchant(row, secrets[row["id"]], services.get(row["id"], _NO_SERVICES)) for row in rows}


async def read_merchant_ids(conn: Connection, *, after: str | None, limit: int) -> list[str]:
    """List merchant ids in order, from behind `after`, at most `limit`."""
    return [row["id"] for row in await conn.fetch(QUERIES["merchant_ids"], after, limit)]


async def read_channels(conn: Connection) -> dict[str, Channel]:
    """Read every channel; there are as many as contracts with providers, so hundreds at most."""
    rows = await conn.fetch(QUERIES["channels"])
    services = await _read_services(conn, merchant_ids=[], channel_ids=[row["id"] for row in rows])
    return {row["id"]: _channel(row, services.get(row["id"], _NO_SERVICES)) for row in rows}


async def read_routing_book(conn: Connection) -> RoutingBook:
    """Read all that routing goes by: channels, rules, hours, maintenance that is not over, floats."""
    return RoutingBook(
        channels=await read_channels(conn),
        rules=tuple(map(_rule, await conn.fetch(ROUTING["routing_rules"]))),
        hours=tuple(ModeHours(*row) for row in await conn.fetch(ROUTING["hours"])),
        maintenance=tuple(Maintenance(*row) for row in await conn.fetch(ROUTING["maintenance"])),
        floats={row["channel_id"]: StatedFloat(*row) for row in await conn.fetch(ROUTING["floats"])},
    )


async def read_credentials(conn: Connection, box: SecretBox, channel_id: str) -> tuple[str, Mapping[str, str]] | None:
    """Read a channel's adapter name and opened credentials (empty when none are set); None for an unknown channel."""
    row = await conn.fetchrow(QUERIES["credentials"], channel_id)
    if row is None:
        return None
    if row["sealed"] is None:
        return row["adapter"], {}
    opened = box.open(row["sealed"], aad=credentials_place(channel_id))
    return row["adapter"], msgspec.json.decode(opened, type=dict[str, str])


async def _read_secrets(
    conn: Connection, box: SecretBox, merchant_ids: Sequence[str], now: datetime
) -> Mapping[str, tuple[ApiSecret, ...]]:
    found: dict[str, tuple[ApiSecret, ...]] = defaultdict(tuple)
    for row in await conn.fetch(QUERIES["secrets"], merchant_ids, now):
        value = box.open(row["sealed"], aad=secret_place(row["id"]))
        found[row["merchant_id"]] += (ApiSecret(row["id"], value, row["created_at"], row["retires_at"]),)
    return found


async def _read_services(
    conn: Connection, *, merchant_ids: Sequence[str], channel_ids: Sequence[str]
) -> dict[str, _Services]:
    found: dict[str, dict[ServiceKind, ServiceConfig]] = defaultdict(dict)
    for row in await conn.fetch(QUERIES["services"], merchant_ids, channel_ids):
        found[row["owner_id"]][row["service"]] = _service_decoder.decode(row["document"])
    return dict(found)


def _merchant(row: Record, secrets: tuple[ApiSecret, ...], services: _Services) -> Merchant:
    return Merchant(
        id=row["id"],
        name=row["name"],
        display_name=row["display_name"],
        email=row["email"],
        status=MerchantStatus(row["status"]),
        is_onboarded=row["is_onboarded"],
        secrets=secrets,
        secret_enabled=row["secret_enabled"],
        v2_only=row["v2_only"],
        legacy_hash_enabled=row["legacy_hash_enabled"],
        payin=services.get("payin", ServiceConfig()),
        payout=services.get("payout", ServiceConfig()),
        panel_ip_allowlist=tuple(row["panel_ip_allowlist"]),
        panel_ip_allowlist_enabled=row["panel_ip_allowlist_enabled"],
    )


def _rule(row: Record) -> RoutingRule:
    values = dict(row)
    lists = {name: tuple(values[name]) for name in ("channels", "weights", "modes", "banks")}
    return RoutingRule(**(values | lists | {"action": RuleAction(values["action"])}))


def _channel(row: Record, services: _Services) -> Channel:
    return Channel(
        id=row["id"],
        provider_id=row["provider_id"],
        legal_entity_id=row["legal_entity_id"],
        provider_name=row["provider_name"],
        provider_type=ProviderType(row["provider_type"]),
        adapter=row["adapter"],
        is_active=row["is_active"],
        is_paused=row["is_paused"],
        pause_reason=row["pause_reason"],
        payin=_within_capability(services.get("payin", ServiceConfig()), does_it=row["does_payin"]),
        payout=_within_capability(services.get("payout", ServiceConfig()), does_it=row["does_payout"]),
    )


def _within_capability(service: ServiceConfig, *, does_it: bool) -> ServiceConfig:
    """A service is active only where the provider can do it at all."""
    return service if does_it else replace(service, is_active=False)
