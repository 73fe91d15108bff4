"""The pure types of the parties: merchants, their services, and the channels payments are routed through.

Decides the shapes that every other slice reads. Money is integer paise, shares are parts per million,
times are aware UTC.
Must never do I/O, read a clock, or hold a secret in a form that prints itself.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from wisipay.core.money import Paise

ServiceKind = Literal["payin", "payout"]
SERVICE_KINDS: tuple[ServiceKind, ServiceKind] = ("payin", "payout")

PPM_PER_PERCENT = 10_000


class MerchantStatus(StrEnum):
    """Whether a merchant may use the API at all."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class ProviderType(StrEnum):
    """A gateway is contracted per legal entity; a bank calls one webhook address for all of them."""

    BANK = "BANK"
    GATEWAY = "GATEWAY"


class FeeStrategy(StrEnum):
    """How the flat and the percentage part of a fee are put together."""

    SUM = "SUM"
    MAX = "MAX"
    MIN = "MIN"


@dataclass(frozen=True, slots=True)
class FeeCharge:
    """What one tier charges: a flat part, a share of the amount, and tax on the two together."""

    flat_paise: Paise
    percentage_ppm: int
    tax_ppm: int = 18 * PPM_PER_PERCENT
    strategy: FeeStrategy = FeeStrategy.SUM


@dataclass(frozen=True, slots=True)
class FeeTier:
    """The amounts a charge is for, both ends included; `to_paise` None means no upper end."""

    from_paise: Paise
    to_paise: Paise | None
    charge: FeeCharge


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service may use; None means no limit. Days and months are those of IST."""

    tps: int | None = None
    min_paise: Paise | None = None
    max_paise: Paise | None = None
    daily_paise: Paise | None = None
    monthly_paise: Paise | None = None


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """One service (payin or payout) of a merchant or of a channel.

    `routing` holds channel ids, the primary first, then the fallbacks in order; it is empty for channels.
    `ip_allowlist` holds addresses and CIDR ranges as text, already checked when they were set.
    """

    is_active: bool = False
    tiers: tuple[FeeTier, ...] = ()
    limits: Limits = Limits()
    ip_allowlist: tuple[str, ...] = ()
    ip_allowlist_enabled: bool = False
    callback_url: str | None = None
    routing: tuple[str, ...] = ()
    poll_immediately: bool = False


@dataclass(frozen=True, slots=True)
class ApiSecret:
    """One API secret of a merchant, opened; `retires_at` is set once a newer one has taken its place."""

    id: str
    value: bytes = field(repr=False)
    created_at: datetime
    retires_at: datetime | None = None

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether a signature made with this secret is still taken at that moment."""
        return self.retires_at is None or moment < self.retires_at


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant as the hot path needs it; `secrets` are newest first."""

    id: str
    name: str
    display_name: str
    email: str
    status: MerchantStatus
    is_onboarded: bool
    secrets: tuple[ApiSecret, ...]
    secret_enabled: bool
    v2_only: bool
    legacy_hash_enabled: bool
    payin: ServiceConfig
    payout: ServiceConfig
    panel_ip_allowlist: tuple[str, ...] = ()
    panel_ip_allowlist_enabled: bool = False

    @property
    def is_active(self) -> bool:
        """Whether the merchant's status lets it use the API."""
        return self.status is MerchantStatus.ACTIVE

    def service(self, kind: ServiceKind) -> ServiceConfig:
        """Give the configuration of one of the two services."""
        return self.payin if kind == "payin" else self.payout


@dataclass(frozen=True, slots=True)
class Channel:
    """A PLE: one provider contracted by one legal entity; its id is `provider_legalentity`.

    `is_active` already includes the provider's and the legal entity's own switch; `is_paused` is an operator's
    hand on this channel, `pause_reason` what it was put there for.
    """

    id: str
    provider_id: str
    legal_entity_id: str
    provider_name: str
    provider_type: ProviderType
    adapter: str
    is_active: bool
    is_paused: bool
    payin: ServiceConfig
    payout: ServiceConfig
    pause_reason: str | None = None

    def service(self, kind: ServiceKind) -> ServiceConfig:
        """Give the configuration of one of the two services."""
        return self.payin if kind == "payin" else self.payout
