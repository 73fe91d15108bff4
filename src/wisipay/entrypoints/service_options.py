"""The options of a service's configuration and fees, as the command line takes them for merchants and channels alike.

Decides how texts become values: amounts in rupees, rates in percent, `none` for "no limit". Must never decide whether a
value is acceptable: the use cases do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from cyclopts import Parameter
from msgspec import UNSET, UnsetType

from wisipay.core.money import Paise, parse_rupees, rupees_text
from wisipay.merchants import (
    FeeCharge,
    FeeStrategy,
    FeeTier,
    InvalidValue,
    Limits,
    ServiceChange,
    ServiceConfig,
    parse_percentage,
    percentage_text,
)

_NONE: Final = "none"
_NO_UPPER_END: Final = "-1"

Value = TypeVar("Value")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What to set of a service; what is not given stays as it is."""

    active: bool | None = None
    """Whether the service is open."""
    tps: Annotated[str | None, Parameter(help="Requests a second, or none.")] = None
    min_amount: Annotated[str | None, Parameter(help="Rupees, or none.")] = None
    max_amount: Annotated[str | None, Parameter(help="Rupees, or none.")] = None
    daily_limit: Annotated[str | None, Parameter(help="Rupees per Indian day, or none.")] = None
    monthly_limit: Annotated[str | None, Parameter(help="Rupees per Indian month, or none.")] = None
    poll_immediately: bool | None = None
    """Whether the status is asked for at once, without the first wait."""

    def change(self) -> ServiceChange:
        """Give the change these options ask for; raises InvalidValue."""
        return ServiceChange(
            is_active=UNSET if self.active is None else self.active,
            tps=_optional("tps", self.tps, int),
            min_paise=_optional("minAmount", self.min_amount, parse_rupees),
            max_paise=_optional("maxAmount", self.max_amount, parse_rupees),
            daily_paise=_optional("dailyLimit", self.daily_limit, parse_rupees),
            monthly_paise=_optional("monthlyLimit", self.monthly_limit, parse_rupees),
            poll_immediately=UNSET if self.poll_immediately is None else self.poll_immediately,
        )


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class FeeOptions:
    """One fee tier."""

    from_amount: Annotated[str, Parameter(help="Rupees; the first amount of the tier.")] = "0"
    to_amount: Annotated[str, Parameter(help="Rupees; the last amount of the tier, -1 for no upper end.")] = "-1"
    flat: Annotated[str, Parameter(help="Rupees.")] = "0"
    percentage: Annotated[str, Parameter(help="Percent of the amount, such as 1.5.")] = "0"
    tax_rate: Annotated[str, Parameter(help="Percent of the fee.")] = "18"
    strategy: Annotated[FeeStrategy, Parameter(help="How flat and percentage are put together.")] = FeeStrategy.SUM

    def tier(self) -> FeeTier:
        """Give the tier these options describe; raises InvalidValue."""
        no_end = self.to_amount == _NO_UPPER_END
        charge = FeeCharge(
            flat_paise=_read("flat", self.flat, parse_rupees),
            percentage_ppm=_read("percentage", self.percentage, parse_percentage),
            tax_ppm=_read("taxRate", self.tax_rate, parse_percentage),
            strategy=self.strategy,
        )
        return FeeTier(
            from_paise=amount_from("fromAmount", self.from_amount),
            to_paise=None if no_end else amount_from("toAmount", self.to_amount),
            charge=charge,
        )


def amount_from(field: str, text: str) -> Paise:
    """Read an amount in rupees; raises InvalidValue."""
    return _read(field, text, parse_rupees)


def _optional(field: str, text: str | None, read: Callable[[str], Value]) -> Value | UnsetType | None:
    if text is None:
        return UNSET
    return None if text == _NONE else _read(field, text, read)


def _read(field: str, text: str, read: Callable[[str], Value]) -> Value:
    try:
        return read(text)
    except ValueError as error:
        raise InvalidValue(field, f"{text!r} cannot be read: {error}") from error


def described_service(service: ServiceConfig) -> dict[str, object]:
    """Give a service's configuration as a person reads it: amounts in rupees, rates in percent."""
    return {
        "isActive": service.is_active,
        **_described_limits(service.limits),
        "ipWhitelist": service.ip_allowlist,
        "isIpWhitelistEnabled": service.ip_allowlist_enabled,
        "callbackUrl": service.callback_url,
        "pollImmediately": service.poll_immediately,
        "routing": service.routing,
        "fees": [_described_tier(tier) for tier in service.tiers],
    }


def _described_limits(limits: Limits) -> dict[str, object]:
    return {
        "tps": limits.tps,
        "minAmount": _rupees(limits.min_paise),
        "maxAmount": _rupees(limits.max_paise),
        "dailyLimit": _rupees(limits.daily_paise),
        "monthlyLimit": _rupees(limits.monthly_paise),
    }


def _described_tier(tier: FeeTier) -> dict[str, object]:
    return {
        "fromAmount": _rupees(tier.from_paise),
        "toAmount": _NO_UPPER_END if tier.to_paise is None else _rupees(tier.to_paise),
        "flat": _rupees(tier.charge.flat_paise),
        "percentage": percentage_text(tier.charge.percentage_ppm),
        "taxRate": percentage_text(tier.charge.tax_ppm),
        "strategy": tier.charge.strategy,
    }


def _rupees(paise: Paise | None) -> str | None:
    return None if paise is None else rupees_text(paise)
