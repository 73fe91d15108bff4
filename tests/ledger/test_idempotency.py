"""A retry is harmless: same content returns the first entry, other content names the field."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from support.books import BANK, INCOME, NOW, WALLET, accepted, lines, new_book, rejection, transfer
from wisipay.ledger import Accepted, Book, Command, Expire, Post, Rejected, Rejection, Reverse, Transfer, Void

HELD = transfer(WALLET, BANK, 50, pending=True, timeout_at=NOW, idempotency_key="k1")
PAYIN = transfer(BANK, WALLET, 100, idempotency_key="k0", metadata={"order": "1"})
OTHER = transfer(BANK, WALLET, 100)


def book_with(*commands: Command) -> Book:
    book = new_book()
    for command in (PAYIN, HELD, OTHER, *commands):
        accepted(book.apply(command, NOW))
    return book


@pytest.mark.parametrize(
    "command",
    [
        PAYIN,
        HELD,
        Post(uuid4(), HELD.entry_id),
        Post(uuid4(), HELD.entry_id, lines(WALLET, BANK, 10)),
        Void(uuid4(), HELD.entry_id),
        Expire(uuid4(), HELD.entry_id),
        Reverse(uuid4(), OTHER.entry_id, narration="returned"),
    ],
)
def test_the_same_command_again_returns_the_first_entry(command: Command) -> None:
    book = book_with(*(() if command in (PAYIN, HELD) else (command,)))
    count = len(book.added)
    assert book.apply(command, NOW + timedelta(days=1)) == Accepted(command.entry_id, repeated=True)
    assert len(book.added) == count


def test_a_post_in_full_is_the_post_of_all_its_lines() -> None:
    post = Post(uuid4(), HELD.entry_id)
    book = book_with(post)
    assert book.apply(replace(post, lines=HELD.lines), NOW) == Accepted(post.entry_id, repeated=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lines", lines(BANK, WALLET, 99)),
        ("lines", lines(BANK, INCOME, 100)),
        ("pending", True),
        ("idempotency_key", "k2"),
        ("narration", "other"),
        ("external_reference", "UTR1"),
        ("correlation_id", "T1"),
        ("value_date", date(2026, 1, 1)),
        ("metadata", {"order": "2"}),
        ("currency", "USD"),
    ],
)
def test_other_content_under_a_known_id_names_the_field(field: str, value: Any) -> None:  # noqa: ANN401 - of any field
    changed = replace(PAYIN, **{field: value})
    assert book_with().apply(changed, NOW) == Rejected(Rejection.CONTENT_DIFFERS, field)


def test_another_time_out_or_target_is_other_content() -> None:
    post = Post(uuid4(), HELD.entry_id)
    book = book_with(post)
    later = replace(HELD, timeout_at=NOW + timedelta(1))
    assert book.apply(later, NOW) == Rejected(Rejection.CONTENT_DIFFERS, "timeout_at")
    assert book.apply(replace(post, target_id=PAYIN.entry_id), NOW) == Rejected(Rejection.CONTENT_DIFFERS, "target_id")
    part = replace(post, lines=lines(WALLET, BANK, 1))
    assert book.apply(part, NOW) == Rejected(Rejection.CONTENT_DIFFERS, "lines")
    unknown = replace(post, target_id=uuid4())
    assert book.apply(unknown, NOW) == Rejected(Rejection.CONTENT_DIFFERS, "target_id")


def test_another_kind_under_a_known_id_is_other_content() -> None:
    book = book_with()
    assert book.apply(Void(PAYIN.entry_id, HELD.entry_id), NOW) == Rejected(Rejection.CONTENT_DIFFERS, "kind")


def test_whether_funds_were_asked_is_not_content() -> None:
    book = book_with()
    assert book.apply(replace(PAYIN, allow_below_floor=True), NOW) == Accepted(PAYIN.entry_id, repeated=True)


def test_a_known_key_under_another_id_returns_the_first_entry() -> None:
    book = book_with()
    assert book.apply(replace(PAYIN, entry_id=uuid4()), NOW) == Accepted(PAYIN.entry_id, repeated=True)


def test_a_known_key_with_other_content_names_the_field() -> None:
    other = Transfer(uuid4(), lines(BANK, WALLET, 1), idempotency_key="k0")
    assert book_with().apply(other, NOW) == Rejected(Rejection.CONTENT_DIFFERS, "lines")


def test_a_refused_command_does_not_take_its_id_or_key() -> None:
    book = new_book()
    refused = transfer(WALLET, BANK, 10, idempotency_key="k")
    assert rejection(book.apply(refused, NOW)) is Rejection.INSUFFICIENT_FUNDS
    accepted(book.apply(OTHER, NOW))
    assert book.apply(refused, NOW) == Accepted(refused.entry_id)
