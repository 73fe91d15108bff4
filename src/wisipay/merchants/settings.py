"""The switches of a merchant: status, secret on or off, v2 only, legacy hash, panel allowlist, shown name.

Decides which of them a change may set together. Must never touch what onboarding or a service's configuration owns.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from asyncpg import Record

from wisipay.access import normalise_entries
from wisipay.core.database import Connection
from wisipay.merchants.author import Author
from wisipay.merchants.errors import InvalidValue, UnknownMerchant
from wisipay.merchants.model import MerchantStatus
from wisipay.merchants.names import checked_name
from wisipay.merchants.store import QUERIES


@dataclass(frozen=True, slots=True)
class MerchantChange:
    """What to set; None leaves a setting as it is."""

    display_name: str | None = None
    status: MerchantStatus | None = None
    is_onboarded: bool | None = None
    secret_enabled: bool | None = None
    v2_only: bool | None = None
    legacy_hash_enabled: bool | None = None
    panel_ip_allowlist: tuple[str, ...] | None = None
    panel_ip_allowlist_enabled: bool | None = None


async def change_merchant(
    conn: Connection, author: Author, merchant_id: str, change: MerchantChange, *, action: str = "merchant.change"
) -> None:
    """Set a merchant's switches; raises UnknownMerchant or InvalidValue."""
    name = None if change.display_name is None else checked_name("displayName", change.display_name)
    allowlist = None if change.panel_ip_allowlist is None else checked_entries(change.panel_ip_allowlist)
    async with conn.transaction():
        before = await lock_merchant(conn, merchant_id)
        (changed,) = await conn.fetch(
            QUERIES["set_merchant"],
            merchant_id,
            name,
            change.status,
            change.is_onboarded,
            change.secret_enabled,
            change.v2_only,
            change.legacy_hash_enabled,
            allowlist,
            change.panel_ip_allowlist_enabled,
            author.moment,
        )
        after = _described(changed)
        await author.record(conn, action, ("merchant", merchant_id), *changed_only(before, after))


async def lock_merchant(conn: Connection, merchant_id: str) -> dict[str, object]:
    """Keep other changes of a merchant waiting, and give its switches by the panel's names; raises UnknownMerchant."""
    row = await conn.fetchrow(QUERIES["lock_merchant"], merchant_id)
    if row is None:
        raise UnknownMerchant(merchant_id)
    return _described(row)


def _described(row: Record) -> dict[str, object]:
    return {
        "displayName": row["display_name"],
        "status": row["status"],
        "isOnboarded": row["is_onboarded"],
        "isKeyEnabled": row["secret_enabled"],
        "isV2Only": row["v2_only"],
        "isLegacyHashEnabled": row["legacy_hash_enabled"],
        "panelIpWhitelist": list(row["panel_ip_allowlist"]),
        "isPanelIpWhitelistEnabled": row["panel_ip_allowlist_enabled"],
    }


def checked_entries(entries: tuple[str, ...], field: str = "panelIpWhitelist") -> list[str]:
    """Bring allowlist entries into their canonical form; raises InvalidValue naming the bad one."""
    try:
        return list(normalise_entries(entries))
    except ValueError as error:
        raise InvalidValue(field, str(error)) from error


def changed_only(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Keep what differs, for the audit log."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
