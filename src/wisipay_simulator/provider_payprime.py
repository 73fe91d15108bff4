"""The wire format of `payprime`: payouts, a token in every body, a GET with a body, unsigned arrays as webhooks."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wisipay_simulator.amounts import read_exact, rupees_text
from wisipay_simulator.front import Front
from wisipay_simulator.members import MissingError, amount_paise, one_of, text, texts
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

NAME = "payprime"
_MODES = frozenset({"IMPS", "NEFT", "RTGS"})


class PayprimeFormat:
    """Ids and webhooks."""

    name = NAME

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of an order's number."""
        del kind
        return "PPO"

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return a webhook, which nobody signs."""
        del account
        payment = webhook.payment
        data = {
            "clientRefId": webhook.reference,
            "order_id": payment.payment_id,
            "status": webhook.status,
            "amount": rupees_text(webhook.amount_paise),
            "utr": payment.utr or (f"SIM{now_ms}" if webhook.status is Status.SUCCESS else None),
            "message": payment.message,
        }
        body = msgspec.json.encode([{"payid": f"P{payment.payment_id}", "statuscode": "TXN", "data": data}])
        return {"content-type": "application/json"}, body[: len(body) // 2] if webhook.broken else body


class PayprimeProvider:
    """The routes of Payprime."""

    formats = (PayprimeFormat(),)

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._front = Front(simulation, self)

    def add_routes(self, router: Router) -> None:
        """Add the API."""
        router.add("POST", "/payprime/api/payout/initiate", self.initiate)
        router.add("GET", "/payprime/api/payout/check-status", self.check_status)

    def initiate(self, request: Request) -> Answer:
        """Start a transfer."""
        try:
            members = read_exact(request.body)
            return self._front.create(_order(self._account(members), members))
        except (MissingError, ValueError) as problem:
            return self.refused("payout", 422, "VALIDATION", str(problem))

    def check_status(self, request: Request) -> Answer:
        """Tell how a transfer stands."""
        try:
            members = read_exact(request.body)
            (number,) = texts(members, "order_id")
            return self._front.status(self._account(members), "payout", number)
        except (MissingError, ValueError) as problem:
            return self.refused("payout", 422, "VALIDATION", str(problem))

    def taken(self, payment: Payment) -> Answer:
        """Answer a new order."""
        data = {
            "order_id": payment.payment_id,
            "txn_status": "INITIATED" if payment.status is Status.PENDING else payment.status,
            "amount": rupees_text(payment.order.amount_paise),
        }
        return json_answer({"code": 200, "status": True, "message": "Transaction initiated", "data": data})

    def duplicate(self, payment: Payment) -> Answer:
        """Answer that the reference is used."""
        return self.refused(payment.order.kind, 409, "DUPLICATE", "clientRefId already exists")

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer with a flag, a code and words; 5xx and 429 are also the HTTP status."""
        del kind
        content = {"code": status, "status": False, "message": f"{code}: {message}"}
        return json_answer(content, status if status in {429, 503} else 200)

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer how a transfer stands, three levels deep."""
        inner = {
            "order_id": payment.payment_id,
            "clientRefId": payment.order.reference,
            "txn_status": status,
            "amount": msgspec.Raw(rupees_text(payment.order.amount_paise).encode()),
            "utr": payment.utr if status is payment.status else "",
        }
        return json_answer({"code": 200, "status": True, "message": "ok", "data": {"data": inner}})

    def not_found(self, kind: Kind) -> Answer:
        """Answer that there is no such transfer."""
        return self.refused(kind, 404, "NOT_FOUND", "Order not found")

    def _account(self, members: Mapping[str, Any]) -> str:
        account = self._simulation.registry.account_of(text(members, "token"))
        if account is None:
            raise MissingError("Invalid token.")
        return account


def _order(account: str, members: Mapping[str, Any]) -> Order:
    beneficiary = members.get("beneDetails")
    party, *_ = texts(beneficiary if isinstance(beneficiary, dict) else {}, "name", "accountNumber", "bankName", "ifsc")
    (reference,) = texts(members, "clientRefId")
    return Order(
        provider=NAME,
        account=account,
        kind="payout",
        reference=reference,
        amount_paise=amount_paise(members),
        mode=one_of(members, "mode", _MODES),
        party=party,
        callback_url="",
        redirect_url="",
        remarks=text(members, "note"),
    )


def build(simulation: Simulation, public_url: str) -> PayprimeProvider:
    """Build the provider."""
    del public_url
    return PayprimeProvider(simulation)
