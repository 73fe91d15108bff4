"""The configuration of one service of a merchant or of a channel: switch, limits, allowlist, callback address.

Decides which values go together. Must never touch fees or routing, which have rules of their own.
"""

from dataclasses import dataclass
from typing import Final

from asyncpg import Record
from msgspec import UNSET, UnsetType

from wisipay.core.database import Connection
from wisipay.core.money import Paise
from wisipay.merchants.author import Author
from wisipay.merchants.errors import InvalidValue, UnknownChannel, UnknownMerchant
from wisipay.merchants.model import SERVICE_KINDS, Limits, ServiceKind
from wisipay.merchants.names import checked_callback_url
from wisipay.merchants.settings import changed_only, checked_entries
from wisipay.merchants.store import QUERIES

_NO_LIMITS: Final = Limits()
_TPS_MAX: Final = 1_000_000
_PAISE_MAX: Final = 10**17
_COLUMNS: Final = (
    "is_active",
    "tps",
    "min_paise",
    "max_paise",
    "daily_paise",
    "monthly_paise",
    "ip_allowlist",
    "ip_allowlist_enabled",
    "callback_url",
    "poll_immediately",
)


@dataclass(frozen=True, slots=True)
class ServiceOwner:
    """Whose service it is: exactly one of the two is given."""

    merchant_id: str | None = None
    channel_id: str | None = None

    @property
    def entity(self) -> tuple[str, str]:
        """Type and id for the audit log."""
        return ("merchant", self.merchant_id) if self.merchant_id else ("channel", self.channel_id or "")

    def unknown(self) -> UnknownMerchant | UnknownChannel:
        """Give the error for an owner that does not exist."""
        return UnknownMerchant(self.merchant_id) if self.merchant_id else UnknownChannel(self.channel_id or "")


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """What to set; UNSET leaves a value as it is, None takes a limit (or the callback address) away."""

    is_active: bool | UnsetType = UNSET
    tps: int | UnsetType | None = UNSET
    min_paise: Paise | UnsetType | None = UNSET
    max_paise: Paise | UnsetType | None = UNSET
    daily_paise: Paise | UnsetType | None = UNSET
    monthly_paise: Paise | UnsetType | None = UNSET
    ip_allowlist: tuple[str, ...] | UnsetType = UNSET
    ip_allowlist_enabled: bool | UnsetType = UNSET
    callback_url: str | UnsetType | None = UNSET
    poll_immediately: bool | UnsetType = UNSET


async def create_services(
    conn: Connection, author: Author, owner: ServiceOwner, *, is_active: bool, limits: Limits = _NO_LIMITS
) -> None:
    """Give a new merchant or channel its two services; of the limits, rate and daily use are set."""
    for kind in SERVICE_KINDS:
        await conn.execute(
            QUERIES["insert_service"],
            owner.merchant_id,
            owner.channel_id,
            kind,
            is_active,
            limits.tps,
            limits.daily_paise,
            author.moment,
        )


async def change_service(
    conn: Connection,
    author: Author,
    owner: ServiceOwner,
    kind: ServiceKind,
    change: ServiceChange,
    *,
    https_only: bool = False,
) -> None:
    """Change a service's configuration; raises InvalidValue, UnknownMerchant or UnknownChannel.

    `https_only` refuses plain-text callback addresses (production).
    """
    async with conn.transaction():
        row = await lock_service(conn, owner, kind)
        before = {column: row[column] for column in _COLUMNS}
        after = before | _given(change, https_only=https_only)
        _check(after)
        await conn.execute(QUERIES["update_service"], row["id"], *(after[column] for column in _COLUMNS), author.moment)
        await author.record(conn, f"{owner.entity[0]}.{kind}.change", owner.entity, *changed_only(before, after))


async def lock_service(conn: Connection, owner: ServiceOwner, kind: ServiceKind) -> Record:
    """Read a service's row and keep other changes of it waiting; raises UnknownMerchant or UnknownChannel."""
    row = await conn.fetchrow(QUERIES["lock_service"], owner.merchant_id, owner.channel_id, kind)
    if row is None:
        raise owner.unknown()
    return row


def _given(change: ServiceChange, *, https_only: bool) -> dict[str, object]:
    given: dict[str, object] = {
        column: getattr(change, column) for column in _COLUMNS if getattr(change, column) is not UNSET
    }
    if not isinstance(change.ip_allowlist, UnsetType):
        given["ip_allowlist"] = checked_entries(change.ip_allowlist, "ipWhitelist")
    if isinstance(change.callback_url, str):
        given["callback_url"] = checked_callback_url(change.callback_url, https_only=https_only)
    return given


def _check(values: dict[str, object]) -> None:
    _within("tps", values["tps"], 1, _TPS_MAX)
    for column, field, lowest in (
        ("min_paise", "minAmount", 0),
        ("max_paise", "maxAmount", 1),
        ("daily_paise", "dailyLimit", 0),
        ("monthly_paise", "monthlyLimit", 0),
    ):
        _within(field, values[column], lowest, _PAISE_MAX)
    least, most = values["min_paise"], values["max_paise"]
    if isinstance(least, int) and isinstance(most, int) and least > most:
        raise InvalidValue("minAmount", "must not be above maxAmount")


def _within(field: str, value: object, lowest: int, highest: int) -> None:
    if isinstance(value, int) and not lowest <= value <= highest:
        raise InvalidValue(field, f"must be between {lowest} and {highest}, or none")
