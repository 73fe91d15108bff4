"""What every provider's API does the same: takes an order or a question to the engine, and meets the fault it gets.

Knows no wire format: a `Wire` words the answers. A broken answer is half of the one that would have been given.
"""

from typing import Protocol

import msgspec

from wisipay_simulator.book import BookFullError
from wisipay_simulator.faults import TIMEOUTS, Fault
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.server.http import Answer
from wisipay_simulator.simulation import Created, Simulation
from wisipay_simulator.tokens import BadTokenError

_PAGE = b"<html><body><h1>500 Internal Server Error</h1></body></html>"
_INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"


class Wire(Protocol):
    """How one provider words its answers."""

    def taken(self, payment: Payment) -> Answer:
        """Answer an order that is in the book."""
        ...

    def duplicate(self, payment: Payment) -> Answer:
        """Answer an order whose reference is in the book already."""
        ...

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer an order of which nothing is executed; `status` is what a plain HTTP API would say."""
        ...

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer a question about a payment that stands so."""
        ...

    def not_found(self, kind: Kind) -> Answer:
        """Answer a question about a payment that is not in the book."""
        ...


class Front:
    """One provider's counter."""

    def __init__(self, simulation: Simulation, wire: Wire) -> None:
        self._simulation = simulation
        self._wire = wire

    def create(self, order: Order) -> Answer:
        """Take an order to the engine and word what it made of it."""
        try:
            created = self._simulation.create(order)
        except BadTokenError as problem:
            return self._wire.refused(order.kind, 400, "BAD_SIMULATOR_TOKEN", str(problem))
        except BookFullError:
            limit = self._simulation.book.max_payments
            message = (
                f"the simulator holds its maximum of {limit} payments: POST /control/reset or raise --max-payments"
            )
            return self._wire.refused(order.kind, 422, "BOOK_FULL", message)
        answer = msgspec.structs.replace(self._created(order.kind, created), delay_ms=created.latency_ms)
        early = created.early_webhook
        if early is None:
            return answer
        return msgspec.structs.replace(answer, first=lambda: self._simulation.sender.send_now(early))

    def status(self, account: str, kind: Kind, reference: str) -> Answer:
        """Answer a question, by reference or payment id."""
        payment, fault, latency_ms = self._simulation.check(account, kind, reference)
        if payment is None or fault is Fault.NOT_FOUND:
            answer = self._wire.not_found(kind)
        else:
            answer = self._wire.told(payment, Status.PENDING if fault is Fault.STALE else payment.status)
            if fault is not None and fault is not Fault.STALE:
                answer = self._fault(kind, fault, answer, "REJECTED")
        return msgspec.structs.replace(answer, delay_ms=latency_ms)

    def inquiry(self, account: str, answer: Answer, *, stale: Answer | None = None) -> Answer:
        """Give an answer that is about no payment, or what the question meets; `stale` is what was true before."""
        fault, latency_ms = self._simulation.inquire(account)
        if fault is Fault.STALE:
            answer = stale or answer
        elif fault is not None:
            answer = self._fault("payout", fault, answer, "REJECTED")
        return msgspec.structs.replace(answer, delay_ms=latency_ms)

    def _created(self, kind: Kind, created: Created) -> Answer:
        if created.payment is None:
            return self._fault(kind, created.fault, Answer(), created.reject_code)
        answer = self._wire.duplicate(created.payment) if created.duplicate else self._wire.taken(created.payment)
        return answer if created.fault is None else self._fault(kind, created.fault, answer, created.reject_code)

    def _fault(self, kind: Kind, fault: Fault | None, answer: Answer, reject_code: str) -> Answer:
        match fault:
            case Fault.REJECT:
                status = 402 if reject_code == _INSUFFICIENT_BALANCE else 422
                message = "refused by the simulator, nothing was executed"
                return self._wire.refused(kind, status, reject_code, message)
            case Fault.MAINTENANCE:
                return self._wire.refused(kind, 503, "MAINTENANCE", "the bank is closed for maintenance")
            case Fault.THROTTLE:
                return self._wire.refused(kind, 429, "THROTTLED", "too many requests")
            case Fault.BROKEN_JSON:
                return msgspec.structs.replace(answer, status=200, body=answer.body[: len(answer.body) // 2] or b"{")
            case _ if fault is Fault.ANSWER_LOST or fault in TIMEOUTS:
                return Answer(abort=True)
            case _:
                return Answer(status=500, body=_PAGE, content_type="text/html")
