"""The endpoints that tests and people steer the simulator with. Open to whoever reaches the port: never expose it."""

from itertools import islice
from typing import Any

import msgspec

from wisipay_simulator.book import MoveRefusedError
from wisipay_simulator.faults import Faults
from wisipay_simulator.merchant import Receiver
from wisipay_simulator.model import Payment, Status
from wisipay_simulator.registry import Account, Merchant, TooManyError
from wisipay_simulator.server.http import Answer, ProblemError, Request, Router, decode, json_answer
from wisipay_simulator.simulation import Simulation
from wisipay_simulator.tokens import BadTokenError, parse_tokens

_PAGE = 100
_MAX_PAGE = 1_000
_ACTIONS = {
    "complete": Status.SUCCESS,
    "fail": Status.FAILED,
    "reverse": Status.REVERSED,
    "expire": Status.EXPIRED,
    "process": Status.PROCESSING,
}
_WORDS = ("accepted", "executed", "double", "overlapping", "failed", "expired", "reversed")
_NOTHING_YET = {f"{word}_{kind}s": 0 for kind in ("payin", "payout") for word in _WORDS}
_faults_decoder = msgspec.json.Decoder(Faults)
_account_decoder = msgspec.json.Decoder(Account)
_merchant_decoder = msgspec.json.Decoder(Merchant)


class Plans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens by amount in paise, for providers whose orders have no room for remarks."""

    payin: dict[int, str] = {}
    payout: dict[int, str] = {}


_plans_decoder = msgspec.json.Decoder(Plans)


class Control:
    """Steers one simulation and one receiver."""

    def __init__(self, simulation: Simulation, receiver: Receiver) -> None:
        self._simulation = simulation
        self._receiver = receiver

    def add_routes(self, router: Router) -> None:
        """Add every control endpoint."""
        for method, pattern, handler in (
            ("GET", "/control/faults", self.get_faults),
            ("PUT", "/control/faults", self.put_faults),
            ("PATCH", "/control/faults", self.patch_faults),
            ("PUT", "/control/amounts", self.put_amounts),
            ("PUT", "/control/accounts/{}", self.put_account),
            ("PUT", "/control/merchants/{}", self.put_merchant),
            ("POST", "/control/payments/{}/{}", self.move_payment),
            ("POST", "/control/webhooks/{}/resend", self.resend_webhook),
            ("GET", "/control/book", self.get_book),
            ("GET", "/control/book/{}", self.get_transaction),
            ("GET", "/control/summary", self.get_summary),
            ("GET", "/control/callbacks", self.get_callbacks),
            ("POST", "/control/reset", self.reset),
        ):
            router.add(method, pattern, handler)

    def get_faults(self, request: Request) -> Answer:
        """Show the faults of everybody, or of `?account=`."""
        return json_answer(self._simulation.faults(request.query().get("account", "")))

    def put_faults(self, request: Request) -> Answer:
        """Replace the faults; what is not named goes back to its default."""
        faults = decode(request, _faults_decoder)
        self._simulation.set_faults(faults, request.query().get("account", ""))
        return json_answer(faults)

    def patch_faults(self, request: Request) -> Answer:
        """Change the named faults and keep the others."""
        account = request.query().get("account", "")
        try:
            changes = msgspec.json.decode(request.body, type=dict[str, Any])
            merged = msgspec.convert(msgspec.to_builtins(self._simulation.faults(account)) | changes, Faults)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise ProblemError(400, "BAD_REQUEST", str(problem)) from problem
        self._simulation.set_faults(merged, account)
        return json_answer(merged)

    def put_amounts(self, request: Request) -> Answer:
        """Replace the tokens of amounts: what orders of so many paise meet that bring no tokens of their own."""
        plans = decode(request, _plans_decoder)
        try:
            for text in (*plans.payin.values(), *plans.payout.values()):
                parse_tokens(text)
        except BadTokenError as problem:
            raise ProblemError(400, "BAD_SIMULATOR_TOKEN", str(problem)) from problem
        self._simulation.plans = {("payin", amount): text for amount, text in plans.payin.items()} | {
            ("payout", amount): text for amount, text in plans.payout.items()
        }
        return json_answer(plans)

    def put_account(self, request: Request) -> Answer:
        """Give an API key a name and a webhook secret of its own."""
        account = decode(request, _account_decoder)
        try:
            self._simulation.add_account(request.arguments[0], account)
        except TooManyError:
            raise ProblemError(422, "TOO_MANY_ACCOUNTS", "the simulator holds its maximum of accounts") from None
        return json_answer({"accounts": self._simulation.registry.names()})

    def put_merchant(self, request: Request) -> Answer:
        """Set a merchant's callback secrets and the behaviour of its endpoint."""
        merchant = decode(request, _merchant_decoder)
        try:
            self._simulation.add_merchant(request.arguments[0], merchant)
        except TooManyError:
            raise ProblemError(422, "TOO_MANY_MERCHANTS", "the simulator holds its maximum of merchants") from None
        return json_answer(msgspec.structs.replace(merchant, secrets=("***",) * len(merchant.secrets)))

    def move_payment(self, request: Request) -> Answer:
        """Complete, fail, reverse, expire a payment or set it in process, and announce it."""
        payment = self._payment(request.arguments[0])
        status = _ACTIONS.get(request.arguments[1])
        if status is None:
            raise ProblemError(404, "NOT_FOUND", f"an action is one of {', '.join(_ACTIONS)}")
        try:
            self._simulation.move(payment, status)
        except MoveRefusedError as problem:
            raise ProblemError(409, "MOVE_REFUSED", str(problem)) from problem
        return json_answer(self._shown(payment))

    def resend_webhook(self, request: Request) -> Answer:
        """Send the webhook of a payment's present status again."""
        payment = self._payment(request.arguments[0])
        self._simulation.resend(payment)
        return json_answer(self._shown(payment), 202)

    def get_book(self, request: Request) -> Answer:
        """List payments as they were accepted: `?after=` position, `?limit=` up to 1000, `?doubles=1` only those."""
        query = request.query()
        book = self._simulation.book
        if query.get("doubles"):
            names = islice(book.doubles(), _MAX_PAGE)
            payments = [payment for name in names for payment in book.attempts_of(name)]
            return json_answer({"payments": [self._shown(each) for each in payments], "next": None})
        after, limit = _number(query, "after", 0), min(_number(query, "limit", _PAGE), _MAX_PAGE)
        payments = book.page(after=after, limit=limit)
        following = after + limit if after + limit < len(book.payments) else None
        return json_answer(
            {"payments": [self._shown(each) for each in payments], "next": following, "total": len(book.payments)}
        )

    def get_transaction(self, request: Request) -> Answer:
        """Show every attempt of one transaction, found by transaction, reference or payment id."""
        name = request.arguments[0]
        book = self._simulation.book
        by_id = book.payments.get(name)
        attempts = book.attempts_of(name) or book.by_reference(name) or ((by_id,) if by_id else ())
        if not attempts:
            raise ProblemError(404, "NOT_FOUND", f"the book has no payment {name}")
        transaction = attempts[0].transaction
        return json_answer(
            {
                "transaction": transaction,
                "executions": book.executions_of(transaction),
                "payments": [self._shown(each) for each in book.attempts_of(transaction)],
            }
        )

    def get_summary(self, request: Request) -> Answer:
        """Show running totals: what was accepted, executed, executed twice, sent and received."""
        del request
        simulation = self._simulation
        return json_answer(
            {
                **_NOTHING_YET,
                **simulation.book.totals,
                "payments": len(simulation.book.payments),
                "max_payments": simulation.book.max_payments,
                "faults_met": simulation.requests,
                "webhooks": {**simulation.sender.totals, "under_way": simulation.sender.under_way},
                "scheduled": len(simulation.schedule),
                "callbacks": self._receiver.summary(),
                "accounts": simulation.registry.names(),
            }
        )

    def get_callbacks(self, request: Request) -> Answer:
        """List the newest callbacks: `?merchant_id=`, `?transaction_id=`, `?order_id=`, `?limit=` up to 1000."""
        query = request.query()
        wanted = {name: query[name] for name in ("merchant_id", "transaction_id", "order_id") if name in query}
        matching = (
            receipt
            for receipt in reversed(self._receiver.receipts)
            if all(getattr(receipt, name) == value for name, value in wanted.items())
        )
        answer: dict[str, Any] = {"counts": self._receiver.summary()}
        if "transaction_id" in wanted:
            answer["events"] = self._receiver.counts(wanted["transaction_id"])
        answer["callbacks"] = list(islice(matching, min(_number(query, "limit", _PAGE), _MAX_PAGE)))
        return json_answer(answer)

    def reset(self, request: Request) -> Answer:
        """Forget payments, faults and callbacks; `?all=1` accounts and merchants too; `?seed=` for the choices."""
        query = request.query()
        seed = _number(query, "seed", 0) if "seed" in query else None
        self._simulation.reset(seed=seed, registry_too="all" in query)
        self._receiver.clear()
        return json_answer({"success": True})

    def _payment(self, payment_id: str) -> Payment:
        payment = self._simulation.book.payments.get(payment_id)
        if payment is None:
            raise ProblemError(404, "NOT_FOUND", f"the book has no payment {payment_id}")
        return payment

    def _shown(self, payment: Payment) -> dict[str, Any]:
        order = payment.order
        return {
            "payment_id": payment.payment_id,
            "transaction": payment.transaction,
            "reference": order.reference,
            "kind": order.kind,
            "account": self._simulation.registry.name_of(order.account),
            "status": payment.status,
            "amount_paise": order.amount_paise,
            "mode": order.mode,
            "utr": payment.utr or None,
            "requests": payment.requests,
            "executions": payment.executions,
            "transaction_executions": self._simulation.book.executions_of(payment.transaction),
            "steps_left": payment.steps,
            "announced": payment.announced,
            "created_ms": payment.created_ms,
            "updated_ms": payment.updated_ms,
            "remarks": order.remarks,
        }


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise ProblemError(400, "BAD_REQUEST", f"{name}: {text!r} is not a whole number")
    return int(text)
