"""The provider's book of truth: what was accepted, what was executed, and whether any money moved twice. Pure.

Time comes in as an argument. Whoever changes the book writes the journal (see `journal.py`); this file never does I/O
and never decides a fault. Memory is bounded: at most `max_payments` are held, after that `BookFullError`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from wisipay_simulator.model import MOVES, PLAIN_WEBHOOK, Kind, Order, Payment, Status, Step, WebhookPlan

_LATER_ATTEMPT = re.compile(r"(.+)A[2-9]\d?")
_EXECUTED_TWICE = 2
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class BookFullError(Exception):
    """The configured number of payments is reached."""


class MoveRefusedError(Exception):
    """The payment's present status cannot become the one asked for."""


class Book:
    """Payments by id and by reference, with running totals. Ids continue upwards from `first_number`."""

    def __init__(self, *, max_payments: int, first_number: int) -> None:
        self.max_payments = max_payments
        self.payments: dict[str, Payment] = {}
        self.totals: Counter[str] = Counter()
        self._by_reference: dict[tuple[str, str, str], Payment] = {}
        self._attempts: dict[str, tuple[Payment, ...]] = {}
        self._number = first_number

    def find(self, account: str, kind: Kind, reference: str) -> Payment | None:
        """Return the first payment that this account made under a reference, or with that payment id."""
        found = self._by_reference.get((account, kind, reference))
        if found is None:
            by_id = self.payments.get(reference)
            if by_id is not None and by_id.order.account == account and by_id.order.kind == kind:
                return by_id
        return found

    def accept(
        self,
        order: Order,
        *,
        id_prefix: str,
        steps: tuple[Step, ...],
        webhook: WebhookPlan = PLAIN_WEBHOOK,
        now_ms: int,
    ) -> Payment:
        """Enter a new PENDING payment; BookFullError at the cap. The caller has looked for a duplicate before."""
        if len(self.payments) >= self.max_payments:
            raise BookFullError
        self._number += 1
        payment = Payment(
            payment_id=f"{id_prefix}{_base32(self._number)}",
            transaction=self._transaction_of(order.reference),
            order=order,
            created_ms=now_ms,
            updated_ms=now_ms,
            status=Status.PENDING,
            steps=steps,
            webhook=webhook,
        )
        self.restore(payment)
        return payment

    def restore(self, payment: Payment) -> None:
        """Enter a payment as it is, from `accept` or from a journal."""
        order = payment.order
        attempts = self._attempts.get(payment.transaction, ())
        if any(attempt.status is not Status.FAILED for attempt in attempts):
            self.totals[f"overlapping_{order.kind}s"] += 1
        self._attempts[payment.transaction] = (*attempts, payment)
        self.payments[payment.payment_id] = payment
        self._by_reference.setdefault((order.account, order.kind, order.reference), payment)
        self.totals[f"accepted_{order.kind}s"] += 1
        self.totals[f"accepted_{order.kind}_paise"] += order.amount_paise

    def repeat(self, payment: Payment) -> None:
        """Count another create request for a reference that is already in the book."""
        payment.requests += 1
        self.totals[f"repeated_{payment.order.kind}_requests"] += 1

    def move(self, payment: Payment, status: Status, *, utr: str = "", message: str = "", now_ms: int) -> None:
        """Change a payment's status, or MoveRefusedError. SUCCESS is the moment the money moves."""
        if status not in MOVES[payment.status]:
            raise MoveRefusedError(f"{payment.payment_id} is {payment.status} and cannot become {status}")
        kind, amount = payment.order.kind, payment.order.amount_paise
        payment.status = status
        payment.updated_ms = now_ms
        payment.message = message or payment.message
        self.totals[f"{status.lower()}_{kind}s"] += 1
        if status is Status.SUCCESS:
            payment.utr = utr or self._next_utr()
            payment.executions += 1
            self.totals[f"executed_{kind}s"] += 1
            self.totals[f"executed_{kind}_paise"] += amount
            if self.executions_of(payment.transaction) == _EXECUTED_TWICE:
                self.totals[f"double_{kind}s"] += 1
        elif status is Status.REVERSED:
            self.totals[f"reversed_{kind}_paise"] += amount

    def executions_of(self, transaction: str) -> int:
        """Return how often money moved for one transaction, over all its attempts and references."""
        return sum(attempt.executions for attempt in self._attempts.get(transaction, ()))

    def attempts_of(self, transaction: str) -> tuple[Payment, ...]:
        """Return every accepted attempt of one transaction, oldest first."""
        return self._attempts.get(transaction, ())

    def by_reference(self, reference: str) -> tuple[Payment, ...]:
        """Return the attempts of the transaction that a reference belongs to."""
        return self.attempts_of(self._transaction_of(reference))

    def doubles(self) -> Iterator[str]:
        """Return the transactions whose money moved more than once."""
        return (name for name, attempts in self._attempts.items() if sum(a.executions for a in attempts) > 1)

    def page(self, *, after: int, limit: int) -> list[Payment]:
        """Return `limit` payments from position `after`, in the order of their acceptance."""
        return list(islice(self.payments.values(), after, after + limit))

    def clear(self) -> None:
        """Forget everything but the numbering, so that no id is ever given twice."""
        self.payments.clear()
        self.totals.clear()
        self._by_reference.clear()
        self._attempts.clear()

    def _next_utr(self) -> str:
        """Return twelve digits, the first no zero, as banks do: some providers tell them as a number."""
        return str(10**11 + self._next_number() % (9 * 10**11))

    def _next_number(self) -> int:
        self._number += 1
        return self._number % 10**12

    def _transaction_of(self, reference: str) -> str:
        """Name the transaction: the reference without `A2`, `A3` …, unless that ending is part of a first reference."""
        match = _LATER_ATTEMPT.fullmatch(reference)
        if match is None:
            return reference
        base = match[1]
        outer = _LATER_ATTEMPT.fullmatch(base)
        if outer and any(attempt.order.reference == base for attempt in self._attempts.get(outer[1], ())):
            return outer[1]
        return base


def _base32(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 32)
        text = _ALPHABET[digit] + text
    return text
