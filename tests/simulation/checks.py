"""What must hold after every commit, looked at for what the commit touched.

Worked out from the specification and from the providers' own books, never from the product's code: the moves, the fee,
the posting of each status, the limits, the callbacks, and whether a provider's word stands behind each end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter

from simulation.broken import Broken
from simulation.parties import WRONG_BENEFICIARY, People, fee_and_tax
from simulation.provider import Order, Provider
from simulation.shadow import Shadow
from support.memory_payments import MOVES, MemoryPayments
from support.memory_queues import MemoryOutbox
from wisipay import ledger
from wisipay.payments import Flag, Kind, Source, Status, Transaction
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Command, Looked
from wisipay.payments.model import Event
from wisipay.payments.usage import UsageKey, Use
from wisipay.providers import ProviderStatus

_IST = timedelta(hours=5, minutes=30)
_OPEN = frozenset({Status.PENDING, Status.PROCESSING})
_MOVED = frozenset({Status.SUCCESS, Status.REVERSED})
_ENDED_BADLY = frozenset({Status.FAILED, Status.EXPIRED})
_SAID_FAILED = frozenset({ProviderStatus.FAILED, ProviderStatus.REVERSED})
_fixed_of = attrgetter(
    "merchant_id", "order_id", "kind", "amount_paise", "fee_paise", "tax_paise", "net_paise", "usage_day"
)


@dataclass(slots=True)
class Known:
    """What a payment was at its last commit, as far as it must not change by itself."""

    fixed: tuple[object, ...]
    status: str = "PENDING"
    told: list[str] = field(default_factory=list)
    counted_in: tuple[UsageKey, ...] = ()
    lines: dict[str, dict[str, int]] = field(default_factory=dict)
    """What a success moves, by channel: all else that it follows from is fixed."""


class Checks:
    """The invariants and what they compare with."""

    def __init__(self, payments: MemoryPayments, outbox: MemoryOutbox, provider: Provider, people: People) -> None:
        self.shadow = Shadow()
        self.by_hand: set[str] = set()
        self.on_its_way: Callable[[str], bool] = lambda _transaction_id: False
        self._payments = payments
        self._outbox = outbox
        self._provider = provider
        self._people = people
        self._known: dict[str, Known] = {}
        self._used: dict[UsageKey, list[int]] = {}
        self._gained: dict[UsageKey, Transaction] = {}
        self._lifted: set[UsageKey] = set()
        self._lost: set[UsageKey] = set()
        self._fenced: dict[str, tuple[object, int, int]] = {}

    def after_entries(self, book: ledger.Book) -> None:
        """Check what a ledger's book added."""
        self.shadow.add(book)

    def before_commit(self, commands: Sequence[Command]) -> None:
        """Note the leases that none of these commands holds, though one of them speaks for an older one."""
        self._fenced.clear()
        for command in commands:
            if not isinstance(command, Looked) or command.lease_token is None:
                continue
            stored = self._payments.transactions.get(command.transaction_id)
            if stored is not None and stored.lease_token != command.lease_token:
                self._fenced[stored.id] = (stored.lease_token, stored.polls, stored.not_found)
        if not self._fenced:
            return
        for command in commands:
            stored = self._payments.transactions.get(command.transaction_id or "")
            if stored is not None and not (isinstance(command, Looked) and command.lease_token != stored.lease_token):
                self._fenced.pop(stored.id, None)

    def after_commit(self, book: PaymentBook, now: datetime) -> None:
        """Check everything that a batch touched, in its stored state."""
        self.shadow.add(book.ledger)
        for each in book.created:
            self._created(self._payments.transactions[each.id])
        for event in book.events:
            self._event(event, now)
        for name in dict.fromkeys([*[each.id for each in book.created], *book.changed]):
            self.transaction(self._payments.transactions[name])
        for name, (token, polls, not_found) in self._fenced.items():
            stored = self._payments.transactions[name]
            kept = stored.lease_token == token and stored.polls == polls and stored.not_found <= not_found
            if not kept and stored.is_open:
                raise Broken("fencing", f"{name}: a look whose lease had run out moved its schedule or its lease")
        if book.usage_changes or self._gained or self._lifted or self._lost:
            self._counters(book)

    def _counters(self, book: PaymentBook) -> None:
        """Check the counters that a batch changed, or should have, and the limits over them."""
        for key in {*book.usage_changes, *self._gained, *self._lifted, *self._lost}:
            self._usage(key)
        for key, transaction in self._gained.items():
            if key not in self._lifted:
                self._within_limit(key, transaction)
        self._gained.clear()
        self._lifted.clear()
        self._lost.clear()

    def transaction(self, transaction: Transaction) -> None:
        """Check one payment against its history, its entries, its callbacks and its counters."""
        known = self._known[transaction.id]
        if _fixed_of(transaction) != known.fixed:
            raise Broken("fixed", f"{transaction.id} changed what it was opened with")
        if transaction.status != known.status:
            raise Broken("timeline", f"{transaction.id} is {transaction.status}, its last event says {known.status}")
        if transaction.event_count != len(self._payments.events[transaction.id]):
            raise Broken("timeline", f"{transaction.id} counts {transaction.event_count} events")
        if transaction.is_open and not transaction.is_held_for_operator and transaction.due_at is None:
            raise Broken("due", f"{transaction.id} is open and nothing will ever look at it")
        self._callbacks(transaction, known)
        self._effect(transaction, known)
        self._count(transaction, known)

    def counters(self) -> None:
        """Check every limit counter that there is, or should be, against the payments that it counts."""
        for key in self._payments.usage.keys() | self._used.keys():
            self._usage(key)

    def lease(self, transaction_id: str, until: datetime) -> None:
        """Check that whoever a payment's callbacks are leased to holds them no longer than that."""
        for row in self._outbox.of_transaction[transaction_id]:
            if row.lease_token is not None and row.due_at > until:
                raise Broken("lease", f"{row.event.status} of {transaction_id} is leased until {row.due_at}")

    def order_of(self, transaction_id: str, attempt: int) -> Order | None:
        """Return what reached the provider for an attempt, on the channel that the attempt was begun on."""
        attempts = self._payments.attempts.get(transaction_id, ())
        begun = next((each for each in attempts if each.number == attempt), None)
        return None if begun is None else self._provider.find(begun.channel_id, begun.reference)

    def _created(self, transaction: Transaction) -> None:
        if transaction.kind is Kind.PAYOUT and transaction.party == WRONG_BENEFICIARY:
            raise Broken("beneficiary", f"payout {transaction.id} goes to a bank that cannot be")
        merchant = self._people.merchants[transaction.merchant_id]
        service = merchant.payin if transaction.kind is Kind.PAYIN else merchant.payout
        fee, tax = fee_and_tax(service, transaction.amount_paise)
        if (transaction.fee_paise, transaction.tax_paise) != (fee, tax):
            raise Broken("fee", f"{transaction.amount_paise}: {transaction.fee_paise} and {transaction.tax_paise}")
        sign = -1 if transaction.kind is Kind.PAYIN else 1
        if transaction.net_paise != transaction.amount_paise + sign * (fee + tax):
            raise Broken("fee", f"{transaction.id}: net is {transaction.net_paise}")
        if transaction.usage_day != (transaction.created_at + _IST).date():
            raise Broken("usage", f"{transaction.id} of {transaction.created_at} counts in {transaction.usage_day}")
        self._known[transaction.id] = Known(_fixed_of(transaction))

    def _event(self, event: Event, now: datetime) -> None:
        known = self._known[event.transaction_id]
        if event.before is not None:
            transaction = self._payments.transactions[event.transaction_id]
            move = (known.status, event.after.value)
            if event.before.value != known.status or move not in MOVES[transaction.kind]:
                raise Broken("moves", f"{transaction.kind} {event.before} (was {known.status}) to {event.after}")
            if (
                event.after is Status.SUCCESS
                and event.before in _ENDED_BADLY
                and Flag.LATE_SUCCESS not in transaction.flags
            ):
                raise Broken("late", f"{transaction.id} succeeded late and is not flagged")
            self._behind_it(transaction, event, now)
            if event.after not in _OPEN:
                known.told.append(event.after.value)
        known.status = event.after.value

    def _behind_it(self, transaction: Transaction, event: Event, now: datetime) -> None:
        """Check that a provider's word, or the clock, stands behind a move that nobody made by hand."""
        if event.source is Source.MANUAL_STATUS_UPDATE:
            self.by_hand.add(transaction.id)
        if event.source is Source.MANUAL_STATUS_UPDATE or event.after in _OPEN:
            return
        order = self.order_of(transaction.id, event.attempt)
        said = order.said if order is not None else frozenset()
        if event.after is Status.SUCCESS and ProviderStatus.SUCCESS not in said:
            raise Broken("definite word", f"{transaction.id} succeeded, attempt {event.attempt} was said {set(said)}")
        if event.after is Status.REVERSED and ProviderStatus.REVERSED not in said:
            raise Broken("definite word", f"{transaction.id} was reversed, its provider said {set(said)}")
        if event.after is Status.EXPIRED and ProviderStatus.EXPIRED not in said:
            expires_at = transaction.expires_at
            if expires_at is None or now < expires_at:
                raise Broken("definite word", f"{transaction.id} expired at {now}, before {expires_at}")
        if event.after is Status.FAILED:
            self._failed(transaction, event, order)

    def _failed(self, transaction: Transaction, event: Event, order: Order | None) -> None:
        if order is not None and order.said & _SAID_FAILED:
            return
        if transaction.kind is Kind.PAYIN:
            if event.source is not Source.API:
                raise Broken("definite word", f"{transaction.id} failed, by {event.source}, and nobody said so")
            return
        if self._provider.of_payment.get(transaction.id):
            raise Broken("definite word", f"payout {transaction.id} failed, and a provider has it")
        if self.on_its_way(transaction.id):
            raise Broken("definite word", f"payout {transaction.id} failed, and its order is on the way")

    def _callbacks(self, transaction: Transaction, known: Known) -> None:
        rows = self._outbox.of_transaction.get(transaction.id, ())
        told = [row.event.status for row in rows]
        if told != known.told or transaction.callback_count != len(told):
            raise Broken("callbacks", f"{transaction.id} reached {known.told}, its merchant is told {told}")

    def _effect(self, transaction: Transaction, known: Known) -> None:
        effect = self.shadow.effects[transaction.id]
        status, is_payin = transaction.status, transaction.kind is Kind.PAYIN
        moved = status in _MOVED
        lines = known.lines.get(transaction.channel_id)
        if lines is None:
            lines = known.lines[transaction.channel_id] = _lines(transaction)
        is_held = not is_payin and status in _OPEN
        posted, pending = effect.posted, effect.pending
        if effect.moves != moved or effect.reversals != (status is Status.REVERSED):
            raise Broken(
                "posted once", f"{transaction.id} {status}: {effect.moves} moves, {effect.reversals} reversals"
            )
        if posted != (lines if status is Status.SUCCESS else {}):
            raise Broken("posted right", f"{transaction.kind} {transaction.id} {status}: {posted}")
        if pending != (lines if is_held else {}) or effect.open_holds != is_held:
            raise Broken("held", f"{transaction.kind} {transaction.id} {status} holds {pending}")

    def _count(self, transaction: Transaction, known: Known) -> None:
        counts = transaction.status not in _ENDED_BADLY
        keys = (
            _usage_keys(transaction.merchant_id, transaction.channel_id, transaction.kind, transaction.usage_day)
            if counts
            else ()
        )
        if keys == known.counted_in:
            return
        for key in known.counted_in:
            self._add_use(key, -transaction.amount_paise, -1)
        for key in keys:
            self._add_use(key, transaction.amount_paise, 1)
        self._lost.update(known.counted_in)
        is_lifted = transaction.status not in _OPEN or Flag.MANUAL_REVIEW in transaction.flags
        gained = set(keys) - set(known.counted_in)
        if is_lifted:
            self._lifted.update(gained)
        else:
            self._gained.update(dict.fromkeys(gained, transaction))
        known.counted_in = keys

    def _add_use(self, key: UsageKey, amount_paise: int, count: int) -> None:
        use = self._used.setdefault(key, [0, 0])
        use[0] += amount_paise
        use[1] += count

    def _usage(self, key: UsageKey) -> None:
        stored = self._payments.usage.get(key)
        counted = self._used.get(key, [0, 0])
        if (stored or Use()) != Use(*counted):
            raise Broken("usage", f"{key} holds {stored}, its payments are {counted}")

    def _within_limit(self, key: UsageKey, transaction: Transaction) -> None:
        """Check that a payment which counts afresh, and is not late money, did not pass a limit."""
        merchant = self._people.merchants[transaction.merchant_id]
        owner = merchant if key[0].startswith("M:") else self._people.by_channel[transaction.channel_id]
        limits = (owner.payin if transaction.kind is Kind.PAYIN else owner.payout).limits
        limit = limits.daily_paise if key[1].startswith("D") else limits.monthly_paise
        if limit is not None and self._used[key][0] > limit:
            raise Broken("limits", f"{key} holds {self._used[key][0]} of {limit}")


def _lines(transaction: Transaction) -> dict[str, int]:
    """Return what a success moves, as the specification words it, from amount, fee and tax."""
    amount, charges = transaction.amount_paise, transaction.fee_paise + transaction.tax_paise
    channel = f"ASSET:PROVIDER:{transaction.channel_id}:{transaction.kind}"
    merchant = f"LIABILITY:MERCHANT:{transaction.merchant_id}:{transaction.kind}"
    if transaction.kind is Kind.PAYIN:
        lines = {channel: amount, merchant: charges - amount}
    else:
        lines = {merchant: amount + charges, channel: -amount}
    lines["INCOME:SYSTEM:WISIPAY:INCOME"] = -transaction.fee_paise
    lines["LIABILITY:SYSTEM:WISIPAY:GST"] = -transaction.tax_paise
    return {name: paise for name, paise in lines.items() if paise}


@lru_cache(maxsize=4_096)
def _usage_keys(merchant_id: str, channel_id: str, kind: Kind, day: date) -> tuple[UsageKey, ...]:
    periods = f"D{day.year}{day.month:02}{day.day:02}", f"M{day.year}{day.month:02}"
    subjects = f"M:{merchant_id}:{kind}", f"C:{channel_id}:{kind}"
    return tuple((subject, period) for subject in subjects for period in periods)
