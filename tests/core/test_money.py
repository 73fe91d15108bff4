"""Money: texts and shares of it, exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.money import Paise, divide_half_up, parse_rupees, rupees_text, share_ppm

paise = st.integers(min_value=-(10**18), max_value=10**18)


@given(paise)
def test_what_is_written_is_read_back(amount: int) -> None:
    assert parse_rupees(rupees_text(amount)) == amount


@given(st.integers(min_value=-(10**17), max_value=10**17))
def test_whole_rupees_are_a_hundred_paise_each(rupees: int) -> None:
    assert parse_rupees(rupees) == parse_rupees(str(rupees)) == rupees * 100


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0", 0), ("1.5", 150), ("1.05", 105), ("-0.05", -5), ("-12.3", -1230), ("007", 700), ("0.00", 0)],
)
def test_rupees_are_read(text: str, amount: int) -> None:
    assert parse_rupees(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1.", ".5", "1.005", "1e3", "1,000", "+1", "--1", "1.5\n", "\u0661", "NaN", "1" * 19, "0x1"],
)
def test_doubtful_rupees_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rupees"):
        parse_rupees(text)


@pytest.mark.parametrize("value", [1.5, True, None, b"1"])
def test_values_that_are_never_money_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="rupees"):
        parse_rupees(value)  # type: ignore[arg-type]  # the point of the test


@given(st.integers(), st.integers().filter(bool))
def test_division_goes_to_the_nearest_and_a_half_away_from_zero(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    rounded = divide_half_up(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    if abs(rounded - exact) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


def test_division_by_zero_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        divide_half_up(1, 0)


@given(paise, st.integers(min_value=0, max_value=1_000_000))
def test_a_share_lies_between_nothing_and_all_and_mirrors_for_refunds(amount: int, ppm: int) -> None:
    share = share_ppm(Paise(amount), ppm)
    assert 0 <= abs(share) <= abs(amount)
    assert share_ppm(Paise(-amount), ppm) == -share


@pytest.mark.parametrize(
    ("amount", "ppm", "share"),
    [(10_000, 20_000, 200), (125, 20_000, 3), (124, 20_000, 2), (150, 180_000, 27), (1, 500_000, 1), (0, 10_000, 0)],
)
def test_shares_are_rounded_half_up(amount: int, ppm: int, share: int) -> None:
    assert share_ppm(Paise(amount), ppm) == share
