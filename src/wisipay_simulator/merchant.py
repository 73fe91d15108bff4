"""A merchant's callback endpoint: verifies, remembers what came, and answers as badly as it was told to.

Memory is bounded: the last receipts are kept in full, counts for everything, transactions up to a cap.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec

from wisipay_simulator.clock import now_ms
from wisipay_simulator.registry import Merchant
from wisipay_simulator.server.http import Answer, Request, Router
from wisipay_simulator.signatures import CallbackBody, Verdict, verify

_KEPT_RECEIPTS = 20_000
_MAX_TRANSACTIONS = 1_000_000
_MAX_EVENTS = 1_000
_OK = range(200, 300)
_COUNTED = ("received", "verified", "unverified", "unreadable", "answered_2xx", "events")
_body_decoder = msgspec.json.Decoder(CallbackBody)


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """One callback as it came in."""

    at_ms: int
    merchant_id: str
    event_id: str
    order_id: str
    transaction_id: str
    status: str
    amount: str
    utr: str | None
    verdict: Verdict
    verified: bool
    answered: int


class Receiver:
    """Receives callbacks for all merchants. `generator` draws the failures by chance.

    `write_down` is given every receipt before its callback is answered; `restore` takes it back after a restart.
    """

    def __init__(
        self, merchants: Mapping[str, Merchant], generator: Random, write_down: Callable[[Receipt], None]
    ) -> None:
        self._merchants = merchants
        self._write_down = write_down
        self.totals: Counter[str] = Counter()
        self.receipts: deque[Receipt] = deque(maxlen=_KEPT_RECEIPTS)
        self.events: dict[str, dict[str, int]] = {}
        self._random = generator

    def add_routes(self, router: Router) -> None:
        """Add the endpoint that merchants register as their callback URL."""
        router.add("POST", "/merchant/{}/callbacks", self.receive)

    def clear(self) -> None:
        """Forget receipts and counts."""
        self.totals.clear()
        self.receipts.clear()
        self.events.clear()

    def restore(self, receipt: Receipt) -> None:
        """Remember a callback that came before this process was started."""
        self._count(receipt.event_id, receipt.transaction_id, verified=receipt.verified)
        self.totals["unreadable"] += not receipt.amount  # only a body that could be read has one
        self.totals["answered_2xx"] += receipt.answered in _OK
        self.receipts.append(receipt)

    def counts(self, transaction_id: str) -> dict[str, int]:
        """Return the distinct events of one transaction with the number of attempts of each."""
        return self.events.get(transaction_id, {})

    def summary(self) -> dict[str, Any]:
        """Return the running totals."""
        return {
            **dict.fromkeys(_COUNTED, 0),
            **self.totals,
            "transactions": len(self.events),
        }

    def receive(self, request: Request) -> Answer:
        """Take one callback."""
        merchant_id = request.arguments[0]
        merchant = self._merchants.get(merchant_id, _UNKNOWN)
        try:
            parsed = _body_decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            parsed = None
            self.totals["unreadable"] += 1
        verdict = verify(request.headers, request.body, parsed, merchant.secrets, now_ms())
        event_id = request.header("webhook-id")
        attempt = self._count(event_id, parsed.transaction_id if parsed else "", verified=verdict.verified)
        answer = self._answer(merchant, attempt)
        status = 0 if answer.abort else answer.status
        self.totals["answered_2xx"] += status in _OK
        self._keep(merchant_id, event_id, parsed, verdict, status)
        return answer

    def _count(self, event_id: str, transaction_id: str, *, verified: bool) -> int:
        self.totals["received"] += 1
        self.totals["verified" if verified else "unverified"] += 1
        events = self.events.get(transaction_id)
        if events is None:
            if len(self.events) >= _MAX_TRANSACTIONS:
                self.totals["not_tracked"] += 1
                return 1
            events = self.events[transaction_id] = {}
        if event_id not in events:
            self.totals["events"] += 1
            if len(events) >= _MAX_EVENTS:
                return 1
        events[event_id] = events.get(event_id, 0) + 1
        return events[event_id]

    def _answer(self, merchant: Merchant, attempt: int) -> Answer:
        fails = attempt <= merchant.fail_first or (
            merchant.fail_share > 0 and self._random.random() < merchant.fail_share
        )
        if not fails:
            return Answer(body=b'{"received":true}', delay_ms=merchant.slow_ms)
        if merchant.answer == "close":
            return Answer(abort=True, delay_ms=merchant.slow_ms)
        seconds = merchant.retry_after_seconds
        headers = () if seconds is None else ((b"retry-after", str(seconds).encode()),)
        return Answer(status=merchant.status, body=b'{"received":false}', headers=headers, delay_ms=merchant.slow_ms)

    def _keep(
        self, merchant_id: str, event_id: str, parsed: CallbackBody | None, verdict: Verdict, answered: int
    ) -> None:
        receipt = Receipt(
            at_ms=now_ms(),
            merchant_id=merchant_id,
            event_id=event_id,
            order_id=parsed.order_id if parsed else "",
            transaction_id=parsed.transaction_id if parsed else "",
            status=parsed.status if parsed else "",
            amount=bytes(parsed.amount).decode() if parsed else "",
            utr=parsed.utr if parsed else None,
            verdict=verdict,
            verified=verdict.verified,
            answered=answered,
        )
        self.receipts.append(receipt)
        self._write_down(receipt)


_UNKNOWN = Merchant()
