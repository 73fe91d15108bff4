"""Fees: the example of the contract, strategies, tiers, rounding and percentages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.money import Paise
from wisipay.merchants import Fee, FeeCharge, FeeStrategy, FeeTier, fee_for, parse_percentage, percentage_text
from wisipay.merchants.fees import overlaps

SUM = FeeCharge(Paise(1000), 10_000)


def _tier(start: int, end: int | None, charge: FeeCharge = SUM) -> FeeTier:
    return FeeTier(Paise(start), None if end is None else Paise(end), charge)


def test_a_thousand_rupees_at_ten_flat_and_one_percent_cost_twenty_and_tax() -> None:
    fee = fee_for([_tier(0, None)], Paise(100_000))
    assert fee == Fee(Paise(2000), Paise(360))
    assert fee.total_paise == 2360
    assert 100_000 - fee.total_paise == 97_640


@pytest.mark.parametrize(
    ("strategy", "charge_paise"), [(FeeStrategy.SUM, 2500), (FeeStrategy.MAX, 1500), (FeeStrategy.MIN, 1000)]
)
def test_each_strategy_puts_flat_and_percentage_together_its_own_way(strategy: FeeStrategy, charge_paise: int) -> None:
    charge = FeeCharge(Paise(1000), 10_000, strategy=strategy)
    fee = fee_for([_tier(0, None, charge)], Paise(150_000))
    assert fee is not None
    assert fee.charge_paise == charge_paise


def test_each_component_is_rounded_half_up_once() -> None:
    charge = FeeCharge(Paise(0), 5_000)
    assert fee_for([_tier(0, None, charge)], Paise(100)) == Fee(Paise(1), Paise(0))
    assert fee_for([_tier(0, None, charge)], Paise(99)) == Fee(Paise(0), Paise(0))
    three = FeeCharge(Paise(3), 0, tax_ppm=500_000)
    assert fee_for([_tier(0, None, three)], Paise(100)) == Fee(Paise(3), Paise(2))


def test_the_tier_is_the_one_whose_ends_include_the_amount() -> None:
    low, high = FeeCharge(Paise(100), 0), FeeCharge(Paise(200), 0)
    tiers = [_tier(100, 999, low), _tier(1000, None, high)]
    charged = [fee and fee.charge_paise for fee in (fee_for(tiers, Paise(amount)) for amount in (99, 100, 999, 1000))]
    assert charged == [None, 100, 100, 200]


def test_no_tiers_give_no_fee() -> None:
    assert fee_for([], Paise(100)) is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 100), (101, 200), False),
        ((0, 100), (100, 200), True),
        ((0, None), (100, 200), True),
        ((300, None), (100, 200), False),
        ((0, None), (100, None), True),
    ],
)
def test_tiers_overlap_when_they_share_an_amount(
    first: tuple[int, int | None], second: tuple[int, int | None], *, expected: bool
) -> None:
    assert overlaps(_tier(*first), _tier(*second)) is expected
    assert overlaps(_tier(*second), _tier(*first)) is expected


@pytest.mark.parametrize(
    ("text", "ppm"), [("0", 0), ("1", 10_000), (" 1.5 ", 15_000), ("0.0001", 1), ("100", 1_000_000)]
)
def test_a_percentage_is_read_exactly(text: str, ppm: int) -> None:
    assert parse_percentage(text) == ppm


@pytest.mark.parametrize("text", ["", "-1", "1.00001", "1e2", "100.0001", "1%", "٣"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="percent"):
        parse_percentage(text)


@given(st.integers(min_value=0, max_value=1_000_000))
def test_a_percentage_is_written_as_it_is_read(ppm: int) -> None:
    assert parse_percentage(percentage_text(ppm)) == ppm
