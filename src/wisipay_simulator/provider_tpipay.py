"""The wire format of `tpipay`: collections under numeric order ids, payouts in versions 1 and 2, all of it unsigned.

The token is in the body, and in the query of a question about a payout.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from wisipay_simulator.amounts import read_exact, rupees_text
from wisipay_simulator.front import Front
from wisipay_simulator.members import MissingError, amount_paise, digits, one_of, text, texts
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

_V1, _V2 = "tpipay", "tpipayv2"
_COLLECTION, _PAYOUT_V1 = "/tpipay/api/upi-collection", "/tpipay/api/payout/v1"
_MODES = frozenset({"IMPS", "NEFT", "RTGS"})
_CHANNELS = {"1": "NEFT", "2": "IMPS"}
_MOBILE_DIGITS = 10
_WORDS_V2 = {Status.SUCCESS: "success", Status.FAILED: "failure"}


class TpipayFormat:
    """Ids and webhooks of one version."""

    def __init__(self, name: str) -> None:
        self.name = name

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of TPIPay's own id."""
        return "TPG" if kind == "payin" else "TPP"

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return a webhook, which nobody signs."""
        del account
        payment, kind = webhook.payment, webhook.payment.order.kind
        utr = payment.utr or (f"SIM{now_ms}" if webhook.status is Status.SUCCESS else "")
        news: dict[str, Any] = {"amount": rupees_text(webhook.amount_paise), "utr": utr}
        if kind == "payin":
            news |= {"type": kind, "status": _collected(webhook.status), "order_id": webhook.reference}
            news |= {"gateway_order_id": payment.payment_id}
        elif self.name == _V1:
            news |= {"type": kind, "status": webhook.status, "externalTxnId": webhook.reference}
        else:
            word = _WORDS_V2.get(webhook.status, "pending")
            news |= {"status": word, "payid": payment.payment_id, "client_id": webhook.reference}
        body = msgspec.json.encode(news)
        return {"content-type": "application/json"}, body[: len(body) // 2] if webhook.broken else body


class TpipayProvider:
    """The routes of both versions; an account that asks for version 2 is one of `tpipayv2`."""

    formats = (TpipayFormat(_V1), TpipayFormat(_V2))

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._front = Front(simulation, self)

    def add_routes(self, router: Router) -> None:
        """Add the API."""
        router.add("POST", f"{_COLLECTION}/createorder", self.create_order)
        router.add("POST", f"{_COLLECTION}/check-trxn-status", self.check_order)
        router.add("POST", f"{_PAYOUT_V1}/createOrder", self.create_transfer)
        router.add("GET", f"{_PAYOUT_V1}/status-check", self.check_transfer)
        router.add("POST", "/tpipay/api/payout/v2/transfer-now", self.transfer_now)

    def create_order(self, request: Request) -> Answer:
        """Start a collection."""
        try:
            members = read_exact(request.body)
            party, *_ = texts(members, "name", "mobile", "email")
            reference = digits(members, "order_id")
            account = self._account(text(members, "api_token"))
            return self._front.create(_order(_V1, "payin", account, reference, members, mode="UPI", party=party))
        except (MissingError, ValueError) as problem:
            return self.refused("payin", 422, "VALIDATION", str(problem))

    def check_order(self, request: Request) -> Answer:
        """Tell how a collection stands."""
        try:
            members = read_exact(request.body)
            (reference,) = texts(members, "order_id")
            return self._front.status(self._account(text(members, "api_token")), "payin", reference)
        except (MissingError, ValueError) as problem:
            return self.refused("payin", 422, "VALIDATION", str(problem))

    def create_transfer(self, request: Request) -> Answer:
        """Start a transfer, version 1."""
        try:
            members = read_exact(request.body)
            account = self._account(text(members, "api_token"))
            reference, party, *_ = texts(
                members,
                "externalTxnId",
                "payee_name",
                "payee_account",
                "payee_ifsc",
                "payee_ac_type",
                "payee_bank_name",
            )
            mode = one_of(members, "transfer_mode", _MODES)
            return self._front.create(_order(_V1, "payout", account, reference, members, mode=mode, party=party))
        except (MissingError, ValueError) as problem:
            return self.refused("payout", 422, "VALIDATION", str(problem))

    def check_transfer(self, request: Request) -> Answer:
        """Tell how a transfer stands, version 1."""
        query = request.query()
        try:
            account = self._account(query.get("api_token", ""))
        except MissingError as problem:
            return self.refused("payout", 401, "UNAUTHORIZED", str(problem))
        return self._front.status(account, "payout", query.get("externalRef", ""))

    def transfer_now(self, request: Request) -> Answer:
        """Start a transfer, version 2."""
        try:
            members = read_exact(request.body)
            account = self._account(text(members, "api_token"))
            reference, party, *_ = texts(
                members, "client_id", "beneficiary_name", "email", "ifsc_code", "account_number"
            )
            digits(members, "mobile_number", _MOBILE_DIGITS)
            mode = _CHANNELS[one_of(members, "channel_id", frozenset(_CHANNELS))]
            return self._front.create(_order(_V2, "payout", account, reference, members, mode=mode, party=party))
        except (MissingError, ValueError) as problem:
            return self.refused("payout", 422, "VALIDATION", str(problem))

    def taken(self, payment: Payment) -> Answer:
        """Answer a new order, in the words of its product."""
        order = payment.order
        amount = rupees_text(order.amount_paise)
        if order.kind == "payin":
            link = f"upi://pay?pa=simulator@invalid&am={amount}&tr={payment.payment_id}"
            names = {"order_id": order.reference, "gateway_order_id": payment.payment_id, "qrString": link}
            return json_answer({"status": "success", "message": "ok", "data": {**names, "amount": amount}})
        if order.provider == _V2:
            word = _WORDS_V2.get(payment.status, "pending")
            return json_answer({"status": word, "payid": payment.payment_id, "utr": payment.utr, "message": "ok"})
        data = {"status": payment.status, "externalTxnId": order.reference, "amount": amount}
        details = {"bank_ref_no": payment.utr, "txnStatusDesc": payment.message}
        return json_answer({"status": 200, "message": "ok", "data": {**data, **details}})

    def duplicate(self, payment: Payment) -> Answer:
        """Answer that the number or reference is used."""
        name = "order_id" if payment.order.kind == "payin" else "externalTxnId"
        errors = {name: [f"The {name} has already been taken."]}
        return json_answer({"status": "validation_error", "errors": errors}, 422)

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer with words only."""
        del kind
        content = {"status": "failed", "message": f"{code}: {message}"}
        return json_answer(content, status if status in {401, 422, 429, 503} else 200)

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer how a payment stands."""
        order = payment.order
        amount = rupees_text(order.amount_paise)
        utr = payment.utr if status is payment.status else ""
        if order.kind == "payin":
            data = {"type": "payin", "status": _collected(status), "order_id": order.reference, "amount": amount}
            return json_answer({"status": "success", "data": {**data, "utr": utr}, "message": "ok"})
        told = {"status": "success", "txnStatus": status, "amount": amount, "utr": utr, "message": "ok"}
        return json_answer({**told, "externalRef": order.reference})

    def not_found(self, kind: Kind) -> Answer:
        """Answer that there is no such payment."""
        return self.refused(kind, 200, "NOT_FOUND", "No transaction found")

    def _account(self, token: str) -> str:
        account = self._simulation.registry.account_of(token)
        if account is None:
            raise MissingError("Invalid api token.")
        return account


def _order(
    name: str, kind: Kind, account: str, reference: str, members: Mapping[str, Any], *, mode: str, party: str
) -> Order:
    return Order(
        provider=name,
        account=account,
        kind=kind,
        reference=reference,
        amount_paise=amount_paise(members),
        mode=mode,
        party=party,
        callback_url="",
        redirect_url="",
        remarks="",
    )


def _collected(status: Status) -> str:
    return "credit" if status is Status.SUCCESS else status.lower()


def build(simulation: Simulation, public_url: str) -> TpipayProvider:
    """Build the provider."""
    del public_url
    return TpipayProvider(simulation)
