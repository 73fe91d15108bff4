"""Names of accounts, the chart of accounts, and balances derived from counters."""

from dataclasses import replace

import pytest

from support.books import BANK, WALLET
from wisipay import ledger
from wisipay.ledger import Account, AccountSpec, AccountType


def test_an_account_is_named_by_type_entity_id_and_purpose() -> None:
    assert ledger.merchant_account("MER1", "PAYIN").id == "LIABILITY:MERCHANT:MER1:PAYIN"
    assert ledger.account_id(AccountType.ASSET, "PROVIDER", "axis_wisi", "PAYOUT") == "ASSET:PROVIDER:axis_wisi:PAYOUT"


@pytest.mark.parametrize("part", ["", "MER:1"])
def test_a_part_of_a_name_is_neither_empty_nor_holds_a_colon(part: str) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        ledger.account_id(AccountType.ASSET, "MERCHANT", part, "PAYIN")


@pytest.mark.parametrize(("stripes", "floor"), [(0, None), (2, 0)])
def test_only_accounts_without_a_floor_are_striped(stripes: int, floor: int | None) -> None:
    with pytest.raises(ValueError, match="stripes"):
        replace(BANK, stripes=stripes, min_balance=floor)


def test_the_chart_of_accounts_is_the_specification() -> None:
    every = [*ledger.merchant_accounts("M"), *ledger.channel_accounts("C"), ledger.legal_entity_account("L")]
    assert [spec.id for spec in [*every, *ledger.SYSTEM_ACCOUNTS]] == [
        "LIABILITY:MERCHANT:M:PAYIN",
        "LIABILITY:MERCHANT:M:PAYOUT",
        "LIABILITY:MERCHANT:M:HOLD",
        "ASSET:PROVIDER:C:PAYIN",
        "ASSET:PROVIDER:C:PAYOUT",
        "EXPENSE:PROVIDER:C:EXPENSE",
        "ASSET:LEGAL_ENTITY:L:BANK",
        "INCOME:SYSTEM:WISIPAY:INCOME",
        "OFF_BALANCE:SYSTEM:WISIPAY:WORLD",
        "LIABILITY:SYSTEM:WISIPAY:GST",
    ]


@pytest.mark.parametrize("kind", AccountType)
def test_balances_have_the_sign_of_the_normal_side(kind: AccountType) -> None:
    account = Account.opened(AccountSpec(kind, "TEST", "1", "CASH"))
    account.debits_posted, account.credits_posted = 100, 30
    account.debits_pending, account.credits_pending = 20, 7
    debit_normal = kind in {AccountType.ASSET, AccountType.EXPENSE, AccountType.OFF_BALANCE}
    assert account.balance == (70 if debit_normal else -70)
    assert account.pending_balance == (83 if debit_normal else -83)
    assert account.available == (63 if debit_normal else -90)


def test_a_merchant_cannot_be_drawn_below_zero_and_a_channel_can() -> None:
    assert WALLET.min_balance == 0
    assert BANK.min_balance is None
