"""The express counter of the desk: steps of a payment that need nothing but what this process itself has just written.

A payin that asks for no limit is opened without a look at the database, and a provider's answer is put to the payment
as this process opened it. One statement then writes all of it, in one round trip instead of four, and only if what was
believed is true: the order is new, nobody else has touched the payment, the provider's reference is nobody else's.
Otherwise nothing is written, and the batch is decided once more over rows that were loaded and locked.
Decides which commands may be served so. Never takes one that moves money, reads a limit or calls a merchant back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from wisipay.core.database import CONFLICTS
from wisipay.ledger import Book as LedgerBook
from wisipay.ledger import Wanted
from wisipay.payments import store
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Command, CreateAnswered, Open, Result
from wisipay.payments.machine import decide
from wisipay.payments.model import Kind, Transaction
from wisipay.payments.needs import usage_needs
from wisipay.payments.rules import Rules
from wisipay.providers import Accepted, ProviderStatus

KNOWN_MAX = 10_000
"""Payments remembered between opening and answer; beyond that the oldest are looked up like any other."""

Write: TypeAlias = Callable[[PaymentBook, Mapping[str, int]], Awaitable[int]]
"""`store.write_if_unchanged` on a pool: given a book and the versions that it is based on, returns the new one."""

_BELIEVED_WRONGLY: tuple[type[Exception], ...] = (store.RowsChanged, *CONFLICTS)
_UNDER_WAY = frozenset({ProviderStatus.PENDING, ProviderStatus.PROCESSING})


class NotForExpressError(Exception):
    """The commands have to be decided over rows that were loaded and locked; nothing was written."""


class Express:
    """Remembers the payments that this process opened and nobody has answered yet, and decides their next step."""

    def __init__(self, write: Write, rules: Rules) -> None:
        self._write = write
        self._rules = rules
        self._known: dict[str, tuple[Transaction, int]] = {}

    def takes(self, command: Command, now: datetime) -> bool:
        """Whether this command may be decided here; one that may not is the last to speak of a payment as opened."""
        if isinstance(command, Open):
            return command.kind is Kind.PAYIN and not usage_needs([(command, None)], {}, now)
        if not isinstance(command, CreateAnswered) or command.transaction_id not in self._known:
            return False
        if isinstance(command.outcome, Accepted) and command.outcome.status in _UNDER_WAY:
            return True
        del self._known[command.transaction_id]
        return False

    def remember(self, book: PaymentBook, version: int | None) -> None:
        """Remember the payments that were opened with this book, which was committed as `version`."""
        if version is None:
            return
        for created in book.created:
            transaction = book.transactions[created.id]
            if transaction.is_open:
                self._known[transaction.id] = transaction, version
        while len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]

    async def apply(self, commands: Sequence[Command], now: datetime) -> tuple[list[Result], PaymentBook]:
        """Decide and write a batch. Raises `NotForExpressError`, and whatever keeps the database from answering."""
        answered = [command.transaction_id for command in commands if isinstance(command, CreateAnswered)]
        # Taken for good: what is decided here changes them, and only what is committed may be believed.
        known = [self._known.pop(each, None) for each in answered]
        found = [each for each in known if each is not None]
        if len(found) < len(known):
            raise NotForExpressError
        book = PaymentBook(
            ledger=LedgerBook(scope=Wanted()),
            transactions={transaction.id: transaction for transaction, _ in found},
            counters=frozenset(),
        )
        results = [decide(book, command, now, self._rules) for command in commands]
        if book.callbacks or book.audits or book.ledger.added:
            raise NotForExpressError
        try:
            version = await self._write(book, {row.id: version for row, version in found})
        except _BELIEVED_WRONGLY as error:
            raise NotForExpressError from error
        self.remember(book, version)
        return results, book
