"""The pure types of routing: what is known of a payment, of a channel at this moment, and what was decided.

Money is paise, minutes count from midnight IST. Must never do I/O or read a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from wisipay.core.money import Paise
from wisipay.merchants import FeeStrategy, FeeTier, RuleAction, ServiceKind

_CHOICE: Final[dict[FeeStrategy, Callable[[int, int], int]]] = {FeeStrategy.MAX: max, FeeStrategy.MIN: min}

ANY_AMOUNT: Final = 1 << 62
"""More paise than any payment is of."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What routing goes by in a payment.

    `ifsc` and `vpa_handle` (with its @) are empty where the payment has none; `fields` are the parts of the order that
    hold something; `reference_length` is that of our longest reference for it. `seed` decides what chance decides: the
    same facts, channels and rules always give the same decision.
    """

    merchant_id: str
    kind: ServiceKind
    mode: str
    amount_paise: Paise
    minute: int
    seed: str
    ifsc: str = ""
    vpa_handle: str = ""
    fields: frozenset[str] = frozenset()
    reference_length: int = 0


@dataclass(frozen=True, slots=True)
class ToldFloat:
    """What a provider said that it holds for a channel's payouts, in paise, when those had added up to `used_paise`."""

    balance_paise: int
    used_paise: int
    told_at: datetime


Price: TypeAlias = tuple[int, int, int, int, int, Callable[[int, int], int] | None]
"""A fee tier: first and last amount, flat part, share and tax in parts per million, which of the parts; None: both."""

PlainPrice: TypeAlias = tuple[int, int, int]
"""Flat part, share and tax in parts per million: both parts are taken, whatever the amount."""


@dataclass(frozen=True, slots=True)
class Place:
    """A channel as it stands at this moment for one kind and mode of payment.

    `objection` holds against every payment, empty where there is none. `caution` is one that nothing better to be had
    outweighs: a channel that is held for bad health. Amounts outside `least_paise` to `most_paise` do not fit, nor
    those above `room_paise` (what its limits still hold) and `float_paise` (what the provider still has of ours).
    `tiers` are the provider's fees; `has_gaps`: some amounts between the first and the last have none.
    `expected` and `spread` are of the share of payments that go well, less what waiting is worth, in thousandths.
    `on_trial`: a payment may try whether it is well again.
    """

    channel_id: str
    objection: str = ""
    caution: str = ""
    least_paise: int = 0
    most_paise: int = ANY_AMOUNT
    whole_rupees: bool = False
    needs: frozenset[str] = frozenset()
    reference_max: int = 1_000
    tiers: tuple[FeeTier, ...] = ()
    has_gaps: bool = False
    room_paise: int = ANY_AMOUNT
    float_paise: int = ANY_AMOUNT
    expected: float = 0
    spread: float = 0
    on_trial: bool = False
    ceiling_paise: int = field(init=False)
    is_choosy: bool = field(init=False)
    prices: tuple[Price, ...] = field(init=False)
    plain_price: PlainPrice | None = field(init=False)

    def __post_init__(self) -> None:
        # Worked out once, since every payment asks: the lowest of the upper ends, whether to look closer, fees.
        object.__setattr__(self, "ceiling_paise", min(self.most_paise, self.room_paise, self.float_paise))
        object.__setattr__(self, "is_choosy", self.whole_rupees or self.has_gaps)
        prices = tuple(map(_price, self.tiers))
        object.__setattr__(self, "prices", prices)
        object.__setattr__(self, "plain_price", _plain(prices, self.least_paise, self.ceiling_paise))


def _plain(prices: tuple[Price, ...], least: int, most: int) -> PlainPrice | None:
    """Return the price of a channel that has the same one for every amount that it takes."""
    if len(prices) != 1:
        return None
    first, last, flat, ppm, tax_ppm, choice = prices[0]
    return (flat, ppm, tax_ppm) if first <= least and most <= last and choice is None else None


def _price(tier: FeeTier) -> Price:
    charge, last = tier.charge, ANY_AMOUNT if tier.to_paise is None else tier.to_paise
    return tier.from_paise, last, charge.flat_paise, charge.percentage_ppm, charge.tax_ppm, _CHOICE.get(charge.strategy)


@dataclass(frozen=True, slots=True)
class Decision:
    """The channels to try, in order, and why.

    The first `chosen` of `ranked` are those of the rule (or, without one, of the merchant's route), put in order `by`;
    the others are fallbacks. `scores` go with them, where the order has any: thousandths of expected success, or paise
    of cost. `skipped` are pairs of channel and reason; `left` channels would do as well and stand behind the ranked
    ones. `note` tells of chance, trial or want of anything better.
    """

    ranked: tuple[str, ...]
    chosen: int
    by: RuleAction
    scores: tuple[int, ...]
    skipped: tuple[tuple[str, str], ...]
    left: int
    rule_id: int | None
    note: str = ""

    def reason(self, place: int) -> str:
        """Say in a few words why the channel stands at this place of the order."""
        if place >= self.chosen:
            return "fallback"
        if self.rule_id is None:
            return "fallback" if place else "primary"
        return f"rule {self.rule_id} by {self.by}, place {place + 1}"

    def record(self) -> dict[str, Any]:
        """Return what is stored with the payment, from which `explaining` tells the reasons; empty values left out."""
        kept = {
            "rule": self.rule_id,
            "by": self.by.value,
            "ranked": list(self.ranked),
            "chosen": self.chosen,
            "scores": list(self.scores),
            "skipped": [list(each) for each in self.skipped],
            "left": self.left,
            "note": self.note,
        }
        return {name: value for name, value in kept.items() if value or name == "chosen"}
