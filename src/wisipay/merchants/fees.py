"""What a payment costs: the fee of the tier that an amount falls in, and the rules a list of tiers keeps.

Decides rounding (half up to the paisa, once per component: percentage part, then tax) and overlap of tiers.
Must never use a float, do I/O, or fall back to a neighbouring tier: no tier for an amount is an answer of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from wisipay.core.money import Paise, share_ppm
from wisipay.merchants.model import PPM_PER_PERCENT, FeeCharge, FeeStrategy, FeeTier

_PERCENTAGE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?", re.ASCII)
_FULL_PPM = 100 * PPM_PER_PERCENT


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee and the tax on it, both in paise and never negative."""

    charge_paise: Paise
    tax_paise: Paise

    @property
    def total_paise(self) -> Paise:
        """What the payment costs altogether."""
        return Paise(self.charge_paise + self.tax_paise)


def fee_for(tiers: Sequence[FeeTier], amount: Paise) -> Fee | None:
    """Give the fee for an amount in paise, or None when no tier covers it (PAY_1105)."""
    tier = tier_for(tiers, amount)
    return None if tier is None else _charge(tier.charge, amount)


def tier_for(tiers: Sequence[FeeTier], amount: Paise) -> FeeTier | None:
    """Give the tier that covers an amount in paise, or None."""
    for tier in tiers:
        if tier.from_paise <= amount and (tier.to_paise is None or amount <= tier.to_paise):
            return tier
    return None


def _charge(charge: FeeCharge, amount: Paise) -> Fee:
    percentage_part = share_ppm(amount, charge.percentage_ppm)
    fee = _combine(charge.strategy, charge.flat_paise, percentage_part)
    return Fee(charge_paise=fee, tax_paise=share_ppm(fee, charge.tax_ppm))


def _combine(strategy: FeeStrategy, flat: Paise, percentage_part: Paise) -> Paise:
    if strategy is FeeStrategy.MAX:
        return max(flat, percentage_part)
    if strategy is FeeStrategy.MIN:
        return min(flat, percentage_part)
    return Paise(flat + percentage_part)


def overlaps(first: FeeTier, second: FeeTier) -> bool:
    """Whether some amount would fall in both tiers."""
    return _reaches(first, second.from_paise) and _reaches(second, first.from_paise)


def _reaches(tier: FeeTier, amount: Paise) -> bool:
    return tier.to_paise is None or amount <= tier.to_paise


def parse_percentage(text: str) -> int:
    """Turn "1.5" (percent, at most four decimals, at most 100) into 15000 parts per million, or raise ValueError."""
    if not _PERCENTAGE.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not a percentage: give digits with at most four decimals, for example 1.5")
    ppm = int(Decimal(text.strip()) * PPM_PER_PERCENT)
    if ppm > _FULL_PPM:
        raise ValueError(f"{text!r} is more than 100 percent")
    return ppm


def percentage_text(ppm: int) -> str:
    """Turn 15000 parts per million into "1.5"."""
    return f"{(Decimal(ppm) / PPM_PER_PERCENT).normalize():f}"
