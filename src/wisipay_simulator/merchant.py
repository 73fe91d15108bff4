"""A merchant's callback endpoint: verifies, remembers what came, and answers as badly as it was told to.

Memory is bounded: the last receipts are kept in full, counts for everything, transactions up to a cap.
"""

from collections import Counter, deque
from random import Random
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.signatures import CallbackBody, Verdict, verify
from wisipay_simulator.simulation import now_ms

_KEPT_RECEIPTS = 20_000
_MAX_MERCHANTS = 10_000
_MAX_TRANSACTIONS = 1_000_000
_body_decoder = msgspec.json.Decoder(CallbackBody)


class Merchant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A merchant's secrets and how its endpoint behaves, as `PUT /control/merchants/{id}` takes it.

    `fail_first` refuses that many attempts of every event; `fail_share` any attempt by chance; `status` is the answer
    when it fails; `answer` `close` breaks the connection instead; `slow_ms` delays every answer.
    """

    secrets: tuple[str, ...] = ()
    slow_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    fail_share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    fail_first: Annotated[int, Meta(ge=0, le=1000)] = 0
    status: Annotated[int, Meta(ge=200, le=599)] = 500
    retry_after_seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    answer: Literal["http", "close"] = "http"


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
    """Receives callbacks for all merchants. `generator` draws the failures by chance."""

    def __init__(self, generator: Random) -> None:
        self.merchants: dict[str, Merchant] = {}
        self.totals: Counter[str] = Counter()
        self.receipts: deque[Receipt] = deque(maxlen=_KEPT_RECEIPTS)
        self.events: dict[str, dict[str, int]] = {}
        self._random = generator

    def add_routes(self, router: Router) -> None:
        """Add the endpoint that merchants register as their callback URL."""
        router.add("POST", "/merchant/{}/callbacks", self.receive)

    def register(self, merchant_id: str, merchant: Merchant) -> bool:
        """Set a merchant's secrets and behaviour; False when the cap of merchants is reached."""
        if merchant_id not in self.merchants and len(self.merchants) >= _MAX_MERCHANTS:
            return False
        self.merchants[merchant_id] = merchant
        return True

    def clear(self) -> None:
        """Forget receipts and counts; registered merchants stay."""
        self.totals.clear()
        self.receipts.clear()
        self.events.clear()

    def counts(self, transaction_id: str) -> dict[str, int]:
        """Return the distinct events of one transaction with the number of attempts of each."""
        return self.events.get(transaction_id, {})

    def summary(self) -> dict[str, Any]:
        """Return the running totals."""
        return {
            **{
                name: self.totals[name] for name in ("received", "verified", "unverified", "unreadable", "answered_2xx")
            },
            **self.totals,
            "transactions": len(self.events),
            "events": sum(len(events) for events in self.events.values()),
        }

    async def receive(self, request: Request) -> Answer:
        """Take one callback."""
        merchant_id = request.arguments[0]
        merchant = self.merchants.get(merchant_id, _UNKNOWN)
        try:
            parsed = _body_decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            parsed = None
            self.totals["unreadable"] += 1
        verdict = verify(request.headers, request.body, parsed, merchant.secrets, now_ms())
        event_id = request.header("webhook-id")
        attempt = self._count(event_id, parsed, verified=verdict.verified)
        answer = self._answer(merchant, attempt)
        status = 0 if answer.abort else answer.status
        self.totals["answered_2xx"] += status in range(200, 300)
        self._keep(merchant_id, event_id, parsed, verdict, status)
        return answer

    def _count(self, event_id: str, parsed: CallbackBody | None, *, verified: bool) -> int:
        self.totals["received"] += 1
        self.totals["verified" if verified else "unverified"] += 1
        transaction_id = parsed.transaction_id if parsed else ""
        events = self.events.get(transaction_id)
        if events is None:
            if len(self.events) >= _MAX_TRANSACTIONS:
                self.totals["not_tracked"] += 1
                return 1
            events = self.events[transaction_id] = {}
        events[event_id] = events.get(event_id, 0) + 1
        return events[event_id]

    def _answer(self, merchant: Merchant, attempt: int) -> Answer:
        fails = attempt <= merchant.fail_first or (
            merchant.fail_share > 0 and self._random.random() < merchant.fail_share
        )
        if not fails:
            return json_answer({"received": True}, delay_ms=merchant.slow_ms)
        if merchant.answer == "close":
            return Answer(abort=True, delay_ms=merchant.slow_ms)
        seconds = merchant.retry_after_seconds
        headers = () if seconds is None else ((b"retry-after", str(seconds).encode()),)
        return Answer(status=merchant.status, body=b'{"received":false}', headers=headers, delay_ms=merchant.slow_ms)

    def _keep(
        self, merchant_id: str, event_id: str, parsed: CallbackBody | None, verdict: Verdict, answered: int
    ) -> None:
        self.receipts.append(
            Receipt(
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
        )


_UNKNOWN = Merchant()
