"""The wire format of `paysix`: a merchant API signed over body and time, whole rupees, callbacks signed the same way.

An account's API key is the merchant id, its webhook secret the API secret.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from wisipay_simulator.amounts import read_exact
from wisipay_simulator.front import Front
from wisipay_simulator.members import MissingError, amount_paise, one_of, text, texts
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Answer, ProblemError, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

NAME = "paysix"
_PAYIN_MODES = frozenset({"UPI", "QR", "INTENT"})
_PAYOUT_MODES = frozenset({"IMPS", "NEFT", "RTGS"})
_KINDS: tuple[Kind, ...] = ("payin", "payout")


class PaysixFormat:
    """Ids and callbacks."""

    name = NAME

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of a transaction id."""
        return "PSXIN" if kind == "payin" else "PSXOUT"

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return a callback, signed over `body|timestamp`."""
        payment = webhook.payment
        body = msgspec.json.encode(
            {
                "orderId": webhook.reference,
                "transactionId": payment.payment_id,
                "amount": webhook.amount_paise // 100,
                "currency": webhook.currency,
                "status": webhook.status,
                "utr": payment.utr or (f"SIM{now_ms}" if webhook.status is Status.SUCCESS else None),
                "type": payment.order.kind.upper(),
                "message": payment.message,
                "timestamp": now_ms,
            }
        )
        if webhook.broken:
            body = body[: len(body) // 2]
        headers = {"content-type": "application/json"}
        if webhook.signature != "none":
            secret = account.webhook_secret if webhook.signature == "valid" else f"wrong-{account.webhook_secret}"
            headers |= {"x-timestamp": str(now_ms), "x-signature": _signature(secret, body, str(now_ms))}
        return headers, body


class PaysixProvider:
    """The routes of Paysix."""

    formats = (PaysixFormat(),)

    def __init__(self, simulation: Simulation, public_url: str) -> None:
        self._simulation = simulation
        self._public_url = public_url
        self._front = Front(simulation, self)

    def add_routes(self, router: Router) -> None:
        """Add the API."""
        for kind in _KINDS:
            router.add("POST", f"/paysix/api/payment/{kind}/initiate", partial(self._initiate, kind))
            router.add("GET", f"/paysix/api/payment/{kind}/status/{{}}", partial(self._status, kind))

    def taken(self, payment: Payment) -> Answer:
        """Answer a new order."""
        return self.told(payment, payment.status)

    def duplicate(self, payment: Payment) -> Answer:
        """Answer that the order id is used."""
        return self.refused(payment.order.kind, 409, "DUPLICATE_ORDER_ID", "orderId was used before")

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer with an error of the protocol."""
        del kind
        error = {"code": code, "message": message, "description": message, "retryable": status in {429, 503}}
        return json_answer({"success": False, "error": error}, status)

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer how a payment stands."""
        order = payment.order
        data: dict[str, Any] = {
            "orderId": order.reference,
            "transactionId": payment.payment_id,
            "amount": order.amount_paise // 100,
            "status": status,
            "utr": payment.utr if status is payment.status and payment.utr else None,
        }
        if order.kind == "payin":
            data["paymentUrl"] = f"{self._public_url}/checkout/{payment.payment_id}"
        return json_answer({"success": True, "data": data})

    def not_found(self, kind: Kind) -> Answer:
        """Answer that there is no such payment."""
        return self.refused(kind, 404, "TRANSACTION_NOT_FOUND", "there is no payment with this orderId")

    def _initiate(self, kind: Kind, request: Request) -> Answer:
        account = self._account(request)
        try:
            return self._front.create(_order(kind, account, read_exact(request.body)))
        except (MissingError, ValueError) as problem:
            return self.refused(kind, 400, "VALIDATION_ERROR", str(problem))

    def _status(self, kind: Kind, request: Request) -> Answer:
        return self._front.status(self._account(request), kind, request.arguments[0])

    def _account(self, request: Request) -> str:
        registry = self._simulation.registry
        account = registry.account_of(request.header("x-merchant-id"))
        if account is not None:
            secret = registry.account(account).webhook_secret
            wanted = _signature(secret, request.body, request.header("x-timestamp"))
            if hmac.compare_digest(wanted.encode(), request.header("x-signature").encode()):
                return account
        raise ProblemError(401, "INVALID_SIGNATURE", "the signature over body and timestamp is wrong")


def _order(kind: Kind, account: str, members: Mapping[str, Any]) -> Order:
    amount = members.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise MissingError("amount must be a whole number of rupees")
    if kind == "payin":
        mode = one_of(members, "paymentMode", _PAYIN_MODES)
        party, *_ = texts(members, "customerName", "customerEmail", "customerPhone")
    else:
        mode = one_of(members, "paymentMode", _PAYOUT_MODES)
        party, *_ = texts(
            members, "beneficiaryName", "beneficiaryAccountNumber", "beneficiaryIfsc", "beneficiaryBankName"
        )
    (reference,) = texts(members, "orderId")
    return Order(
        provider=NAME,
        account=account,
        kind=kind,
        reference=reference,
        amount_paise=amount_paise(members),
        mode=mode,
        party=party,
        callback_url="",
        redirect_url=text(members, "redirectUrl"),
        remarks=text(members, "remarks"),
    )


def _signature(secret: str, body: bytes, timestamp: str) -> str:
    return hmac.digest(secret.encode(), body + b"|" + timestamp.encode(), hashlib.sha256).hex()


def build(simulation: Simulation, public_url: str) -> PaysixProvider:
    """Build the provider."""
    return PaysixProvider(simulation, public_url)
