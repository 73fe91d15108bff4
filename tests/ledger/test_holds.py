"""Holds: taken, posted in full or in part, voided, expired."""

from datetime import timedelta
from uuid import uuid4

import pytest

from support.books import BANK, INCOME, NOW, WALLET, accepted, hold, lines, new_book, rejection, transfer
from wisipay import ledger
from wisipay.ledger import AccountStatus, Book, EntryStatus, Expire, Line, Post, Rejection, Transfer, Void


@pytest.fixture
def book() -> Book:
    book = new_book()
    accepted(book.apply(transfer(BANK, WALLET, 100), NOW))
    return book


def take(book: Book, amount: int = 60, **content: object) -> Transfer:
    held = hold(WALLET, BANK, amount, **content)
    accepted(book.apply(held, NOW))
    return held


def figures(book: Book) -> tuple[int, int, int]:
    account = book.account(WALLET.id)
    assert account is not None
    return account.balance, account.pending_balance, account.available


def status(book: Book, held: Transfer) -> EntryStatus:
    entry = book.entry(held.entry_id)
    assert entry is not None
    return entry.status


def test_a_hold_lowers_what_is_available_and_not_the_balance(book: Book) -> None:
    held = take(book, 60)
    assert figures(book) == (100, 40, 40)
    assert status(book, held) is EntryStatus.PENDING
    assert rejection(book.apply(hold(WALLET, BANK, 41), NOW)) is Rejection.INSUFFICIENT_FUNDS


def test_a_pending_inflow_is_not_available_yet(book: Book) -> None:
    accepted(book.apply(hold(BANK, WALLET, 50), NOW))
    assert figures(book) == (100, 150, 100)
    both_ways = Transfer(uuid4(), (Line(WALLET.id, 110), Line(WALLET.id, -20), Line(BANK.id, -90)), pending=True)
    assert rejection(book.apply(both_ways, NOW)) is Rejection.INSUFFICIENT_FUNDS


def test_a_hold_is_posted_in_full(book: Book) -> None:
    held = take(book, 60)
    accepted(book.apply(Post(uuid4(), held.entry_id), NOW))
    assert figures(book) == (40, 40, 40)
    assert status(book, held) is EntryStatus.POSTED


def test_a_hold_is_posted_in_part_and_the_rest_released(book: Book) -> None:
    held = Transfer(uuid4(), (Line(WALLET.id, 60), Line(BANK.id, -50), Line(INCOME.id, -10)), pending=True)
    accepted(book.apply(held, NOW))
    accepted(book.apply(Post(uuid4(), held.entry_id, lines(WALLET, BANK, 45)), NOW))
    assert figures(book) == (55, 55, 55)
    assert rejection(book.apply(Post(uuid4(), held.entry_id), NOW)) is Rejection.ALREADY_RESOLVED


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (lines(WALLET, BANK, 61), Rejection.EXCEEDS_PENDING),
        (lines(WALLET, INCOME, 1), Rejection.EXCEEDS_PENDING),
        (lines(BANK, WALLET, 1), Rejection.EXCEEDS_PENDING),
        ((*lines(WALLET, BANK, 40), *lines(WALLET, BANK, 21)), Rejection.EXCEEDS_PENDING),
        ((Line(WALLET.id, 2), Line(BANK.id, -1)), Rejection.UNBALANCED),
        ((), Rejection.TOO_FEW_LINES),
    ],
)
def test_a_part_is_within_the_hold(book: Book, part: tuple[Line, ...], reason: Rejection) -> None:
    held = take(book, 60)
    assert rejection(book.apply(Post(uuid4(), held.entry_id, part), NOW)) is reason
    assert figures(book) == (100, 40, 40)


def test_a_void_hold_gives_everything_back(book: Book) -> None:
    held = take(book)
    void = Void(uuid4(), held.entry_id)
    accepted(book.apply(void, NOW))
    assert figures(book) == (100, 100, 100)
    assert status(book, held) is EntryStatus.VOID
    entry = book.entry(void.entry_id)
    assert entry is not None
    assert (entry.status, entry.lines) == (EntryStatus.VOID, ())


def test_a_hold_expires_when_its_time_has_come(book: Book) -> None:
    held = take(book, timeout_at=NOW + timedelta(minutes=5))
    expire = Expire(uuid4(), held.entry_id)
    assert rejection(book.apply(expire, NOW + timedelta(minutes=4))) is Rejection.NOT_EXPIRED
    accepted(book.apply(expire, NOW + timedelta(minutes=5)))
    assert figures(book) == (100, 100, 100)
    assert status(book, held) is EntryStatus.VOID


def test_a_hold_without_time_out_never_expires(book: Book) -> None:
    held = take(book)
    assert rejection(book.apply(Expire(uuid4(), held.entry_id), NOW + timedelta(days=900))) is Rejection.NOT_EXPIRED


def test_a_hold_past_its_time_out_can_be_posted_until_it_is_expired(book: Book) -> None:
    held = take(book, timeout_at=NOW)
    accepted(book.apply(Post(uuid4(), held.entry_id), NOW + timedelta(days=1)))
    assert rejection(book.apply(Expire(uuid4(), held.entry_id), NOW + timedelta(days=1))) is Rejection.ALREADY_RESOLVED


def test_a_hold_ends_even_on_a_frozen_account(book: Book) -> None:
    held = take(book)
    account = book.account(WALLET.id)
    assert account is not None
    account.status = AccountStatus.FROZEN
    accepted(book.apply(Post(uuid4(), held.entry_id), NOW))


@pytest.mark.parametrize("command", [Post, Void, Expire])
def test_only_an_open_hold_can_be_resolved(book: Book, command: type[Post | Void | Expire]) -> None:
    assert rejection(book.apply(command(uuid4(), uuid4()), NOW)) is Rejection.UNKNOWN_ENTRY
    posted = book.added[0].command.entry_id
    assert rejection(book.apply(command(uuid4(), posted), NOW)) is Rejection.NOT_PENDING
    held = take(book)
    accepted(book.apply(Void(uuid4(), held.entry_id), NOW))
    assert rejection(book.apply(command(uuid4(), held.entry_id), NOW)) is Rejection.ALREADY_RESOLVED


def test_every_status_of_an_entry_is_derived(book: Book) -> None:
    posted = book.added[0]
    assert posted.status.value == "POSTED"
    accepted(book.apply(ledger.Reverse(uuid4(), posted.command.entry_id), NOW))
    assert posted.status.value == "REVERSED"
