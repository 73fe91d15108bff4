"""Transfers between accounts: shape, status, floors, and the scope of a book."""

from datetime import timedelta
from uuid import uuid4

import pytest

from support.books import (
    BANK,
    DOLLARS,
    INCOME,
    NOW,
    OVERDRAFT,
    SECOND_WALLET,
    WALLET,
    accepted,
    hold,
    lines,
    new_book,
    rejection,
    transfer,
)
from wisipay import ledger
from wisipay.ledger import AccountStatus, Book, Line, Rejection, Transfer
from wisipay.ledger.model import MAX_AMOUNT, MAX_LINES


def balance(book: Book, spec: ledger.AccountSpec) -> int:
    account = book.account(spec.id)
    assert account is not None
    return account.balance


def funded(amount: int = 100) -> Book:
    book = new_book()
    accepted(book.apply(transfer(BANK, WALLET, amount), NOW))
    return book


def test_a_payin_credits_merchant_fee_and_tax_out_of_the_gross() -> None:
    book = new_book()
    payin = Transfer(uuid4(), (Line(BANK.id, 1000), Line(WALLET.id, -976), Line(INCOME.id, -24)))
    assert book.apply(payin, NOW) == ledger.Accepted(payin.entry_id)
    assert [balance(book, spec) for spec in (BANK, WALLET, INCOME)] == [1000, 976, 24]
    assert [entry.command for entry in book.added] == [payin]
    assert {account.id for account in book.changed} == {BANK.id, WALLET.id, INCOME.id}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ((), Rejection.TOO_FEW_LINES),
        ((Line(BANK.id, 1),), Rejection.TOO_FEW_LINES),
        ((Line(BANK.id, 1),) * (MAX_LINES + 1), Rejection.TOO_MANY_LINES),
        ((Line(BANK.id, 0), Line(WALLET.id, 0)), Rejection.ZERO_AMOUNT),
        (lines(BANK, WALLET, MAX_AMOUNT + 1), Rejection.AMOUNT_TOO_LARGE),
        ((Line(BANK.id, 5), Line(WALLET.id, -4)), Rejection.UNBALANCED),
        ((Line(BANK.id, 5), Line("ASSET:NO:SUCH:ACCOUNT", -5)), Rejection.UNKNOWN_ACCOUNT),
        (lines(DOLLARS, WALLET, 5), Rejection.CURRENCY_MISMATCH),
        (lines(WALLET, BANK, 1), Rejection.INSUFFICIENT_FUNDS),
    ],
)
def test_a_refused_transfer_says_why_and_leaves_no_trace(given: tuple[Line, ...], reason: Rejection) -> None:
    book = new_book()
    assert rejection(book.apply(Transfer(uuid4(), given), NOW)) is reason
    assert not book.added
    assert not list(book.changed)


def test_a_transfer_may_draw_an_account_to_its_floor_and_no_further() -> None:
    book = funded(100)
    assert rejection(book.apply(transfer(WALLET, BANK, 101), NOW)) is Rejection.INSUFFICIENT_FUNDS
    accepted(book.apply(transfer(WALLET, BANK, 100), NOW))
    accepted(book.apply(transfer(BANK, OVERDRAFT, 50), NOW))
    assert rejection(book.apply(transfer(BANK, OVERDRAFT, 1), NOW)) is Rejection.INSUFFICIENT_FUNDS


def test_the_floor_is_asked_of_the_net_of_a_posted_entry() -> None:
    book = new_book()
    both_ways = Transfer(uuid4(), (Line(WALLET.id, 5), Line(WALLET.id, -7), Line(BANK.id, 2)))
    accepted(book.apply(both_ways, NOW))
    assert balance(book, WALLET) == 2


def test_a_late_success_may_pass_the_floor_and_only_the_floor() -> None:
    book = new_book()
    accepted(book.apply(transfer(WALLET, BANK, 40, allow_below_floor=True), NOW))
    assert balance(book, WALLET) == -40
    accepted(book.apply(transfer(BANK, WALLET, 10), NOW))
    account = book.account(WALLET.id)
    assert account is not None
    account.status = AccountStatus.FROZEN
    forced = transfer(WALLET, BANK, 1, allow_below_floor=True)
    assert rejection(book.apply(forced, NOW)) is Rejection.ACCOUNT_FROZEN


@pytest.mark.parametrize(
    ("status", "inflow", "outflow"),
    [
        (AccountStatus.ACTIVE, None, None),
        (AccountStatus.FROZEN, Rejection.ACCOUNT_FROZEN, Rejection.ACCOUNT_FROZEN),
        (AccountStatus.LOCKED_INFLOW, Rejection.ACCOUNT_LOCKED_INFLOW, None),
        (AccountStatus.LOCKED_OUTFLOW, None, Rejection.ACCOUNT_LOCKED_OUTFLOW),
    ],
)
@pytest.mark.parametrize("spec", [WALLET, BANK])
def test_the_status_closes_an_account_by_direction(
    spec: ledger.AccountSpec, status: AccountStatus, inflow: Rejection | None, outflow: Rejection | None
) -> None:
    book = funded(100)
    account = book.account(spec.id)
    assert account is not None
    account.status = status
    other = INCOME
    into = lines(spec, other, 1) if spec is BANK else lines(other, spec, 1)
    out = lines(other, spec, 1) if spec is BANK else lines(spec, other, 1)
    for given, reason in ((into, inflow), (out, outflow)):
        result = book.apply(Transfer(uuid4(), given), NOW)
        assert (result.reason if isinstance(result, ledger.Rejected) else None) is reason


def test_the_time_of_an_accounts_lines_never_goes_back() -> None:
    book = funded()
    accepted(book.apply(transfer(BANK, WALLET, 1), NOW - timedelta(minutes=1)))
    accepted(book.apply(transfer(DOLLARS, DOLLARS, 1, currency="USD"), NOW - timedelta(minutes=1)))
    assert [entry.posted_at - NOW for entry in book.added] == [timedelta(), timedelta(), timedelta(minutes=-1)]


def test_only_a_hold_can_have_a_time_out() -> None:
    with pytest.raises(ValueError, match="only a pending transfer"):
        transfer(BANK, WALLET, 1, timeout_at=NOW)


def test_neighbours_of_a_refused_transfer_are_not_disturbed() -> None:
    book = funded(10)
    results = [book.apply(transfer(WALLET, SECOND_WALLET, 6), NOW) for _ in range(2)]
    accepted(results[0])
    assert rejection(results[1]) is Rejection.INSUFFICIENT_FUNDS
    accepted(book.apply(transfer(WALLET, SECOND_WALLET, 4), NOW))
    accepted(book.apply(hold(SECOND_WALLET, BANK, 10), NOW))


def test_a_book_never_decides_on_what_it_was_not_loaded_with() -> None:
    known = transfer(BANK, WALLET, 1, idempotency_key="k")
    account = ledger.Account.opened(BANK)
    scope = ledger.Wanted(frozenset({BANK.id}), frozenset({known.entry_id}))
    book = Book([account], scope=scope)
    assert book.account(BANK.id) is account
    assert book.entry(known.entry_id) is None
    for reach in (
        lambda: book.apply(known, NOW),
        lambda: book.apply(transfer(BANK, WALLET, 1), NOW),
        lambda: book.apply(transfer(BANK, WALLET, 1), NOW),
        lambda: book.account(WALLET.id),
        lambda: book.entry(uuid4()),
        lambda: book.apply(ledger.Void(known.entry_id, uuid4()), NOW),
        lambda: book.apply_linked([ledger.Reverse(known.entry_id, uuid4())], NOW),
    ):
        with pytest.raises(ledger.NotLoadedError):
            reach()


def test_a_book_that_knows_a_hold_without_its_accounts_says_so() -> None:
    taken = funded()
    accepted(taken.apply(held := hold(WALLET, BANK, 5), NOW))
    void = ledger.Void(uuid4(), held.entry_id)
    with pytest.raises(ledger.NotLoadedError):
        Book([], taken.added, ledger.wanted_by([void])).apply(void, NOW)
