"""Everything there is in one history: the clock, the stores, the parties, and the commit that every desk makes.

The commit is the desk's: load, decide, write, enqueue, all or nothing, with the product's own machine in the middle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeVar
from uuid import UUID

from simulation.checks import Checks
from simulation.choices import Choices
from simulation.parties import CHANNELS, FUNDS, MERCHANTS, People
from simulation.post import PostOffice
from simulation.provider import Provider
from support.memory_ledger import MemoryLedger
from support.memory_payments import MemoryPayments, Peeked
from support.memory_queues import MemoryInbox, MemoryOutbox
from wisipay import ledger
from wisipay.callbacks import CallbackEvent, Outbox, Writing
from wisipay.core.ids import CROCKFORD
from wisipay.core.queue import Lease
from wisipay.payments import Kind, Rules
from wisipay.payments.book import CallbackDue, PaymentBook
from wisipay.payments.commands import Command, Refused, Result
from wisipay.payments.desk import callback_event
from wisipay.payments.express import Express
from wisipay.payments.machine import decide

RULES = Rules()
LEASE_SECONDS = 8
"""How long a row of a queue belongs to who claimed it, or was born leased to."""

Enqueue = Callable[[Sequence[CallbackEvent], datetime, Sequence[UUID], Lease], frozenset[UUID]]
"""What writes events and says which were leased: given the events, the moment, those it may lease, and the lease."""

Lost = Literal["no", "request", "answer"]
"""What an express counter and its database lose of each other."""

Outcome = TypeVar("Outcome")

_NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
_BEGINNINGS = (
    _NOON,
    datetime(2026, 11, 22, 18, 20, tzinfo=UTC),  # ten to midnight in India
    datetime(2026, 11, 30, 18, 29, tzinfo=UTC),  # a minute to the next month there
    datetime(2026, 12, 31, 18, 0, tzinfo=UTC),  # half an hour to the next year
)
_PAIRS = tuple(first + second for first in CROCKFORD for second in CROCKFORD)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class World:
    """The state of one history. `trace`, when it is a list, is told in words what happens."""

    claims = 4
    """How many rows a worker claims at a time."""

    def __init__(self, choices: Choices, trace: list[str] | None = None) -> None:
        self.choices = choices
        self.trace = trace
        self.seen: Counter[str] = Counter()
        self.start = self.now = _BEGINNINGS[choices.weighted((6, 8, 9, 10))]
        self.people = People()
        self.ledger = MemoryLedger()
        self.payments = MemoryPayments(self.ledger)
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()
        self.provider = Provider()
        self.post = PostOffice()
        self.checks = Checks(self.payments, self.outbox, self.provider, self.people)
        self.by_hand: set[str] = self.checks.by_hand
        self._numbers = 0
        self._lost: Lost = "no"
        self._open_accounts()

    def say(self, what: str) -> None:
        """Tell of a step; callers look at `trace` first where the words cost something."""
        if self.trace is not None:
            self.trace.append(f"{(self.now - self.start).total_seconds():10.2f} s  {what}")

    def saw(self, what: str) -> None:
        """Note that something worth seeing happened in this history."""
        self.seen[what] += 1

    def new_uuid(self) -> UUID:
        """Return an id that no other bears in this history."""
        self._numbers += 1
        return _numbered(self._numbers)

    def new_id(self) -> str:
        """Return a readable id of a payment; its time is the present."""
        self._numbers += 1
        return f"WSP{_digits((self.now - _EPOCH) // _MILLISECOND, 10)}{_digits(self._numbers, 12)}"

    def commit(
        self,
        commands: Sequence[Command],
        now: datetime,
        outbox: Outbox,
        peeked: Peeked | None = None,
        express: Express | None = None,
    ) -> list[Result]:
        """Decide commands as one batch and write what they change, or raise and change nothing.

        `express` is the counter that remembers what was opened, where the process hears of the commit.
        """
        if not commands:
            return []
        self.checks.before_commit(commands)
        with outbox.writing() as writing:
            book = self.payments.load(commands, now, peeked)
            results = [decide(book, command, now, RULES) for command in commands]
            self.payments.check(book)
            version = self.payments.write(book)
            if book.callbacks:
                self._enqueue(writing, book, self.outbox.enqueue)
        if express is not None:
            express.remember(book, version)
        self._note(book, results)
        self.checks.after_commit(book, now)
        for due in book.callbacks:
            self.checks.lease(due.transaction.id, self.now + timedelta(seconds=LEASE_SECONDS))
        return results

    def new_express(self) -> Express:
        """Return the express counter of a process that begins: it remembers nothing."""
        return Express(self._write_express, RULES)

    def commit_express(
        self, commands: Sequence[Command], now: datetime, express: Express, lost: Lost = "no"
    ) -> list[Result]:
        """Decide commands at an express counter. Raises `NotForExpressError`, and `ConnectionError` where told to."""
        self.checks.before_commit(commands)
        self._lost = lost
        results, book = run_through(express.apply(commands, now))
        self._note(book, results)
        return results

    async def _write_express(self, book: PaymentBook, versions: Mapping[str, int]) -> int:
        if self._lost == "request":
            raise ConnectionError
        version = self.payments.write_if_unchanged(book, versions)
        self.checks.after_commit(book, self.now)
        self.saw("express, opened" if book.created else "express, answered")
        if self._lost == "answer":
            raise ConnectionError
        return version

    def rehearse(self, commands: Sequence[Command], now: datetime, outbox: Outbox) -> None:
        """Decide commands as one batch whose transaction is then rolled back."""
        with suppress(_RolledBack), outbox.writing() as writing:
            book = self.payments.load(commands, now)
            for command in commands:
                decide(book, command, now, RULES)
            self.payments.check(book)
            if book.callbacks:
                self._enqueue(writing, book, lambda events, _now, own, _lease: self.outbox.may_lease(events, own))
            raise _RolledBack

    def _enqueue(self, writing: Writing, book: PaymentBook, enqueue: Enqueue) -> None:
        """Write the events of a batch, as the product does, by a statement that `enqueue` stands in for."""
        conn: Any = _OutboxConnection(enqueue, self.now)
        run_through(writing.enqueue(conn, [self._event(due) for due in book.callbacks]))

    def _event(self, due: CallbackDue) -> CallbackEvent:
        transaction = due.transaction
        merchant = self.people.merchants[transaction.merchant_id]
        service = merchant.payin if transaction.kind is Kind.PAYIN else merchant.payout
        return callback_event(due, service.callback_url)

    def _note(self, book: PaymentBook, results: Sequence[Result]) -> None:
        for result in results:
            if isinstance(result, Refused):
                self.seen[f"refused {result.reason}"] += 1
        for event in book.events:
            if event.before is not None:
                self.seen[f"{book.transactions[event.transaction_id].kind} {event.after}"] += 1
        for what, _ in book.alerts:
            self.seen[f"alert: {what.partition(' of attempt')[0]}"] += 1

    def _open_accounts(self) -> None:
        self.ledger.open_accounts(_ACCOUNTS)
        commands = _FUNDS
        book = self.ledger.load(ledger.wanted_by(commands))
        for command in commands:
            book.apply(command, self.now)
        self.ledger.check(book)
        self.ledger.write(book)
        self.checks.after_entries(book)


class _RolledBack(Exception):  # noqa: N818 - not an error: a transaction that was not to be committed
    """The end of a transaction that is rolled back."""


class _OutboxConnection:
    """A connection that knows one statement: the product's `enqueue`."""

    def __init__(self, enqueue: Enqueue, now: datetime) -> None:
        self._enqueue = enqueue
        self._now = now

    async def fetchrow(self, _query: str, *given: Any) -> dict[str, frozenset[UUID]]:  # noqa: ANN401 - a statement's arguments
        """Write the events, given column by column, and return those that were leased."""
        *columns, own, token, seconds = given
        rows = zip(*columns, strict=True)
        events = [CallbackEvent(**dict(zip(CallbackEvent.__struct_fields__, row, strict=True))) for row in rows]
        return {"leased": self._enqueue(events, self._now, own, Lease(token, seconds))}


def run_through(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Run a coroutine that waits for nothing, and return what it returns."""
    try:
        work.send(None)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    raise RuntimeError("it waits for something")


def accounts_at_start() -> list[ledger.AccountSpec]:
    """Return every account of a history."""
    specs = list(ledger.SYSTEM_ACCOUNTS)
    for merchant in MERCHANTS:
        specs += ledger.merchant_accounts(merchant.id)
    for channel in CHANNELS:
        specs += ledger.channel_accounts(channel.id)
    return specs


def funds_at_start() -> list[ledger.Transfer]:
    """Return the entries by which merchants have money to pay out."""
    transfers = []
    for number, (merchant_id, paise) in enumerate(FUNDS.items()):
        account = ledger.merchant_account(merchant_id, "PAYOUT").id
        lines = (ledger.Line(ledger.WORLD.id, paise), ledger.Line(account, -paise))
        if paise:
            transfers.append(ledger.Transfer(UUID(int=(1 << 100) + number), lines))
    return transfers


@lru_cache(maxsize=4_096)
def _numbered(number: int) -> UUID:
    return UUID(int=number)


@lru_cache(maxsize=4_096)
def _digits(number: int, length: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(5 * length - 10, -1, -10)])


_ACCOUNTS, _FUNDS = accounts_at_start(), funds_at_start()
