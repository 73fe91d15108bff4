"""Posted entries are undone by a reversing entry."""

from uuid import uuid4

from support.books import BANK, NOW, WALLET, accepted, hold, new_book, rejection, transfer
from wisipay.ledger import AccountStatus, Book, Post, Rejection, Reverse, Transfer, Void


def funded() -> tuple[Book, Transfer]:
    book = new_book()
    payin = transfer(BANK, WALLET, 100)
    accepted(book.apply(payin, NOW))
    return book, payin


def balance(book: Book) -> int:
    account = book.account(WALLET.id)
    assert account is not None
    return account.balance


def test_a_reversal_names_its_entry_and_has_inverse_lines() -> None:
    book, payin = funded()
    accepted(book.apply(Reverse(uuid4(), payin.entry_id, narration="bank returned it"), NOW))
    assert balance(book) == 0
    assert [line.amount for line in book.added[1].lines] == [-100, 100]


def test_an_entry_is_reversed_once() -> None:
    book, payin = funded()
    accepted(book.apply(Reverse(uuid4(), payin.entry_id), NOW))
    assert rejection(book.apply(Reverse(uuid4(), payin.entry_id), NOW)) is Rejection.ALREADY_REVERSED


def test_a_reversal_can_be_reversed() -> None:
    book, payin = funded()
    reversal = Reverse(uuid4(), payin.entry_id)
    accepted(book.apply(reversal, NOW))
    accepted(book.apply(Reverse(uuid4(), reversal.entry_id), NOW))
    assert balance(book) == 100


def test_only_posted_entries_are_reversed() -> None:
    book, _ = funded()
    held = hold(WALLET, BANK, 60)
    void = Void(uuid4(), held.entry_id)
    accepted(book.apply(held, NOW))
    assert rejection(book.apply(Reverse(uuid4(), held.entry_id), NOW)) is Rejection.NOT_POSTED
    accepted(book.apply(void, NOW))
    assert rejection(book.apply(Reverse(uuid4(), void.entry_id), NOW)) is Rejection.NOT_POSTED
    assert rejection(book.apply(Reverse(uuid4(), uuid4()), NOW)) is Rejection.UNKNOWN_ENTRY


def test_a_posted_hold_is_reversed_through_its_post_entry() -> None:
    book, _ = funded()
    held = hold(WALLET, BANK, 60)
    post = Post(uuid4(), held.entry_id)
    accepted(book.apply(held, NOW))
    accepted(book.apply(post, NOW))
    assert rejection(book.apply(Reverse(uuid4(), held.entry_id), NOW)) is Rejection.NOT_POSTED
    accepted(book.apply(Reverse(uuid4(), post.entry_id), NOW))
    assert balance(book) == 100


def test_a_reversal_asks_funds_and_status_like_any_entry() -> None:
    book, payin = funded()
    accepted(book.apply(transfer(WALLET, BANK, 50), NOW))
    assert rejection(book.apply(Reverse(uuid4(), payin.entry_id), NOW)) is Rejection.INSUFFICIENT_FUNDS
    account = book.account(WALLET.id)
    assert account is not None
    account.status = AccountStatus.LOCKED_OUTFLOW
    forced = Reverse(uuid4(), payin.entry_id, allow_below_floor=True)
    assert rejection(book.apply(forced, NOW)) is Rejection.ACCOUNT_LOCKED_OUTFLOW
    account.status = AccountStatus.ACTIVE
    accepted(book.apply(forced, NOW))
    assert balance(book) == -50
