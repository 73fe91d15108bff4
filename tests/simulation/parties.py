"""Who takes part in a history: merchants with their fees and limits, channels with their habits, and how to find them.

Values only, and the directory that hands them out. The fee is worked out here a second time, from the specification's
words and not from the product's code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wisipay.core.money import Paise
from wisipay.merchants import (
    ApiSecret,
    Channel,
    FeeCharge,
    FeeStrategy,
    FeeTier,
    Limits,
    Merchant,
    MerchantStatus,
    ProviderType,
    RoutingBook,
    RoutingRule,
    ServiceConfig,
)
from wisipay.providers import Capabilities

_CREATED_AT = datetime(2025, 1, 1, tzinfo=UTC)
_MODES = frozenset({"UPI", "IMPS"})

FUNDS = {"MER-A": 900_000, "MER-B": 600_000, "MER-C": 0}
"""What each merchant can pay out at the start, in paise."""

AMOUNTS = (100_000, 99_999, 50_000, 250_001, 10_000, 7, 400_000)
"""Amounts that merchants ask for, in paise; the odd ones make the rounding of fees visible."""


BENEFICIARY = {
    "name": "Asha Rao",
    "email": "asha@example.com",
    "phone": "9999999999",
    "accountNumber": "000123456789",
    "ifsc": "HDFC0000001",
}
WRONG_BENEFICIARY = BENEFICIARY | {"ifsc": "HDFC1000001"}
"""One whose bank cannot be: the fifth character of an IFSC is a nought."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a channel's provider deals with us."""

    signs: bool
    answers_status: bool
    not_found_is_definite: bool
    one_address: bool
    """It calls one webhook address for all its legal entities."""

    @property
    def capabilities(self) -> Capabilities:
        """What its adapter would say of it."""
        return Capabilities(_MODES, _MODES, self.answers_status, self.signs, self.not_found_is_definite, 30)


HABITS = {
    "alpha": Habits(signs=True, answers_status=True, not_found_is_definite=True, one_address=True),
    "beta": Habits(signs=False, answers_status=True, not_found_is_definite=False, one_address=False),
    "gamma": Habits(signs=True, answers_status=False, not_found_is_definite=False, one_address=False),
}


def _tiers(charge: FeeCharge, small: FeeCharge) -> tuple[FeeTier, ...]:
    return FeeTier(Paise(0), Paise(9_999), small), FeeTier(Paise(10_000), None, charge)


_FREE = FeeCharge(Paise(0), 0)
_SUM = _tiers(FeeCharge(Paise(1_000), 10_000), _FREE)
_MAX = _tiers(FeeCharge(Paise(1_500), 12_500, strategy=FeeStrategy.MAX), _FREE)
_MIN = _tiers(FeeCharge(Paise(2_000), 17_300, 180_000, FeeStrategy.MIN), _FREE)
_COST = _tiers(FeeCharge(Paise(300), 2_000), _FREE)


def _service(tiers: tuple[FeeTier, ...], routing: tuple[str, ...], merchant_id: str, **limits: int) -> ServiceConfig:
    return ServiceConfig(
        is_active=True,
        tiers=tiers,
        limits=Limits(
            daily_paise=Paise(limits["daily"]) if limits else None,
            monthly_paise=Paise(limits["monthly"]) if limits else None,
        ),
        callback_url=f"http://{merchant_id.lower()}.example/callback",
        routing=routing,
    )


def _merchant(merchant_id: str, payin: ServiceConfig, payout: ServiceConfig) -> Merchant:
    return Merchant(
        id=merchant_id,
        name=merchant_id,
        display_name=merchant_id,
        email="merchant@example.com",
        status=MerchantStatus.ACTIVE,
        is_onboarded=True,
        secrets=(ApiSecret(id="secret", value=b"a-secret-of-the-merchant-0123456", created_at=_CREATED_AT),),
        secret_enabled=True,
        v2_only=False,
        legacy_hash_enabled=True,
        payin=payin,
        payout=payout,
    )


MERCHANTS = (
    _merchant(
        "MER-A",
        _service(_SUM, ("alpha_north", "beta_north", "alpha_south"), "MER-A"),
        _service(_SUM, ("alpha_north", "alpha_south", "beta_north", "gamma_north"), "MER-A"),
    ),
    _merchant(
        "MER-B",
        _service(_MAX, ("alpha_south", "gamma_north"), "MER-B", daily=700_000, monthly=900_000),
        _service(_MAX, ("alpha_south", "beta_north"), "MER-B", daily=500_000, monthly=450_000),
    ),
    _merchant(
        "MER-C",
        _service(_MIN, ("beta_north", "alpha_north"), "MER-C"),
        _service(_MIN, ("gamma_north", "alpha_north"), "MER-C"),
    ),
)


def _channel(provider_id: str, legal_entity_id: str, *, daily: int | None = None) -> Channel:
    limits = Limits(daily_paise=None if daily is None else Paise(daily))
    service = ServiceConfig(is_active=True, tiers=_COST, limits=limits)
    return Channel(
        id=f"{provider_id}_{legal_entity_id}",
        provider_id=provider_id,
        legal_entity_id=legal_entity_id,
        provider_name=provider_id,
        provider_type=ProviderType.BANK if HABITS[provider_id].one_address else ProviderType.GATEWAY,
        adapter=provider_id,
        is_active=True,
        is_paused=False,
        payin=service,
        payout=replace(service, poll_immediately=provider_id == "alpha"),
    )


CHANNELS = (
    _channel("alpha", "north"),
    _channel("alpha", "south", daily=600_000),
    _channel("beta", "north"),
    _channel("gamma", "north", daily=450_000),
)
CAPABILITIES = {each.id: HABITS[each.provider_id].capabilities for each in CHANNELS}


class People:
    """The directory of merchants and channels, as payments, webhooks and callbacks look them up."""

    def __init__(self) -> None:
        self.merchants = {each.id: each for each in MERCHANTS}
        self.by_channel = {each.id: each for each in CHANNELS}
        self.rules: tuple[RoutingRule, ...] = ()
        self._routing_book = RoutingBook(self.by_channel)

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """Return a merchant."""
        return self.merchants.get(merchant_id)

    async def routing_book(self) -> RoutingBook:
        """Give channels and rules as they are now."""
        return self._routing_book

    async def channel(self, channel_id: str) -> Channel | None:
        """Return a channel."""
        return self.by_channel.get(channel_id)

    async def channels(self) -> list[Channel]:
        """Return every channel."""
        return list(self.by_channel.values())

    def pause(self, channel_id: str, *, paused: bool) -> None:
        """Take a channel out of routing, or back into it."""
        self._put(replace(self.by_channel[channel_id], is_paused=paused))

    def mend(self) -> None:
        """Make every channel what it was at the beginning."""
        for channel in CHANNELS:
            self._put(channel)

    def reroute(self, rules: tuple[RoutingRule, ...]) -> None:
        """Put rules in force, in the stead of those before."""
        self.rules = rules
        self._routing_book = RoutingBook(self.by_channel, rules)

    def _put(self, channel: Channel) -> None:
        self.by_channel = self.by_channel | {channel.id: channel}
        self._routing_book = RoutingBook(self.by_channel, self.rules)


def fee_and_tax(service: ServiceConfig, amount_paise: int) -> tuple[int, int]:
    """Return fee and tax as the specification words them: half up to the paisa, once per component."""
    charge = next(
        tier.charge
        for tier in service.tiers
        if tier.from_paise <= amount_paise and (tier.to_paise is None or amount_paise <= tier.to_paise)
    )
    share = _half_up(amount_paise * charge.percentage_ppm)
    fee = {
        FeeStrategy.SUM: charge.flat_paise + share,
        FeeStrategy.MAX: max(charge.flat_paise, share),
        FeeStrategy.MIN: min(charge.flat_paise, share),
    }[charge.strategy]
    return fee, _half_up(fee * charge.tax_ppm)


def _half_up(millionths: int) -> int:
    return (millionths + 500_000) // 1_000_000
