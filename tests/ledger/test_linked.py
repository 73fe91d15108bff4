"""Linked commands: all or none."""

from uuid import uuid4

from support.books import (
    BANK,
    NOW,
    SECOND_WALLET,
    SPECS,
    WALLET,
    accepted,
    hold,
    new_book,
    rejection,
    transfer,
)
from wisipay.ledger import Book, Command, Post, Rejection, Reverse, Void


def states(book: Book) -> list[object]:
    accounts = [book.account(spec.id) for spec in SPECS]
    return [account.state() for account in accounts if account is not None]


def test_linked_commands_are_accepted_together() -> None:
    book = new_book()
    results = book.apply_linked([transfer(BANK, WALLET, 10), transfer(WALLET, SECOND_WALLET, 10)], NOW)
    assert [accepted(result).repeated for result in results] == [False, False]


def test_one_refusal_undoes_all_linked_commands() -> None:
    book = new_book()
    payin = transfer(BANK, WALLET, 100)
    held, other = hold(WALLET, BANK, 5), hold(WALLET, BANK, 6)
    for command in (payin, held, other):
        accepted(book.apply(command, NOW))
    before = states(book)
    own = hold(WALLET, BANK, 1, idempotency_key="k")
    linked: list[Command] = [
        own,
        Void(uuid4(), own.entry_id),
        Post(uuid4(), held.entry_id),
        Void(uuid4(), other.entry_id),
        Reverse(uuid4(), payin.entry_id, allow_below_floor=True),
        transfer(WALLET, BANK, 1000),
        transfer(BANK, WALLET, 1),
    ]
    reasons = [rejection(result) for result in book.apply_linked(linked, NOW)]
    assert reasons[5] is Rejection.INSUFFICIENT_FUNDS
    assert {*reasons[:5], *reasons[6:]} == {Rejection.LINKED_COMMAND_REJECTED}
    assert states(book) == before
    assert len(book.added) == 3
    for again in linked[:5]:
        accepted(book.apply(again, NOW))


def test_a_repeated_command_may_be_linked_with_new_ones() -> None:
    book = new_book()
    payin = transfer(BANK, WALLET, 10)
    accepted(book.apply(payin, NOW))
    results = book.apply_linked([payin, transfer(WALLET, BANK, 10)], NOW)
    assert [accepted(result).repeated for result in results] == [True, False]
