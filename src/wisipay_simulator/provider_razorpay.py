"""The wire format of Razorpay: payment links and RazorpayX payouts, whole paise, HTTP Basic, signed events.

Only this file knows its field names. Behaviour is not decided here. The key id is the account; events are signed with
its webhook secret and go where the account has them entered, since no order names an address.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from wisipay_simulator.front import Front
from wisipay_simulator.inquiries_razorpay import RazorpayInquiries
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

NAME = "razorpay"
_encoder = msgspec.json.Encoder()
_KEY = re.compile(r"[A-Za-z0-9 _-]{4,36}", re.ASCII)
_NARRATION = re.compile(r"[A-Za-z0-9 ]{0,30}", re.ASCII)
_PERSON = re.compile(r"[A-Za-z0-9 '\-_/().]+", re.ASCII)
_MAX_REFERENCE = 40
_LEAST_PAISE = 100
_LINK_WORDS = {
    Status.PENDING: "created",
    Status.PROCESSING: "created",
    Status.SUCCESS: "paid",
    Status.FAILED: "cancelled",
    Status.EXPIRED: "expired",
    Status.REVERSED: "paid",
}
_PAYOUT_WORDS = {
    Status.PENDING: "queued",
    Status.PROCESSING: "processing",
    Status.SUCCESS: "processed",
    Status.FAILED: "failed",
    Status.EXPIRED: "processing",
    Status.REVERSED: "reversed",
}
_EVENTS = {"queued": "queued", "processing": "initiated", "processed": "processed"}


class _Person(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    contact: str = ""
    email: str = ""


class _Link(msgspec.Struct, gc=False):
    amount: int
    reference_id: str
    currency: str = "INR"
    description: str = ""
    customer: _Person = _Person()
    callback_url: str = ""
    callback_method: str = ""
    notes: dict[str, str] = {}


class _BankAccount(msgspec.Struct, gc=False):
    name: str
    ifsc: str
    account_number: str


class _Vpa(msgspec.Struct, gc=False):
    address: str


class _FundAccount(msgspec.Struct, gc=False):
    account_type: str
    contact: _Person
    bank_account: _BankAccount | None = None
    vpa: _Vpa | None = None


class _Payout(msgspec.Struct, gc=False):
    account_number: str
    amount: int
    currency: str
    mode: str
    purpose: str
    fund_account: _FundAccount
    reference_id: str = ""
    narration: str = ""


_link_decoder = msgspec.json.Decoder(_Link)
_payout_decoder = msgspec.json.Decoder(_Payout)


class _RefusedError(Exception):
    """A request is refused before it becomes an order."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class RazorpayFormat:
    """Ids and events."""

    name = NAME

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of a payment id."""
        return "plink_" if kind == "payin" else "pout_"

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return an event's headers and body; the signature is over the body."""
        payment = webhook.payment
        entity = _entity(payment, webhook.status, webhook.reference, webhook.amount_paise) | {
            "currency": webhook.currency
        }
        if payment.order.kind == "payin":
            name, paid = f"payment_link.{entity['status']}", {"entity": _paid(webhook)}
            payload: dict[str, Any] = {"payment_link": {"entity": entity}, "payment": paid}
        else:
            name, payload = f"payout.{_EVENTS.get(entity['status'], entity['status'])}", {"payout": {"entity": entity}}
        body = _encoder.encode(
            {
                "entity": "event",
                "account_id": "acc_simulator",
                "event": name,
                "contains": list(payload),
                "payload": payload,
                "created_at": now_ms // 1000,
            }
        )
        if webhook.broken:
            body = body[: len(body) // 2]
        headers = {"content-type": "application/json", "x-razorpay-event-id": f"{payment.payment_id}-{webhook.status}"}
        if webhook.signature != "none":
            secret = account.webhook_secret if webhook.signature == "valid" else f"wrong-{account.webhook_secret}"
            headers["x-razorpay-signature"] = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return headers, body


class RazorpayProvider:
    """The routes of Razorpay. `public_url` gives the address under which people open the checkout."""

    formats = (RazorpayFormat(),)

    def __init__(self, simulation: Simulation, public_url: str) -> None:
        self._front = Front(simulation, self)
        self._lists = Front(simulation, _Lists(self))
        self._simulation = simulation
        self._public_url = public_url
        self._inquiries = RazorpayInquiries(simulation, self._front, self._admitted, _error)

    def add_routes(self, router: Router) -> None:
        """Add the provider's API."""
        router.add("POST", "/razorpay/v1/payment_links", self.create_payin)
        router.add("GET", "/razorpay/v1/payment_links", self.list_payins)
        router.add("GET", "/razorpay/v1/payment_links/{}", self.payin_status)
        router.add("POST", "/razorpay/v1/payouts", self.create_payout)
        router.add("GET", "/razorpay/v1/payouts", self.list_payouts)
        router.add("GET", "/razorpay/v1/payouts/{}", self.payout_status)
        self._inquiries.add_routes(router)

    def create_payin(self, request: Request) -> Answer:
        """Make a payment link."""
        try:
            order = _link_order(self._account(request), request)
        except _RefusedError as problem:
            return _error(problem.status, str(problem))
        return self._front.create(order)

    def create_payout(self, request: Request) -> Answer:
        """Start a payout under its idempotency key; one with another content under a used key is refused."""
        try:
            order = _payout_order(self._account(request), request)
        except _RefusedError as problem:
            return _error(problem.status, str(problem))
        known = self._simulation.book.find(order.account, "payout", order.reference)
        if known is not None and _content(known.order) != _content(order):
            return _error(400, "Different request body sent for the same Idempotency Header.")
        return self._front.create(order)

    def payin_status(self, request: Request) -> Answer:
        """Tell a link by its id."""
        return self._told(self._front, "payin", request, request.arguments[0])

    def payout_status(self, request: Request) -> Answer:
        """Tell a payout by its id."""
        return self._told(self._front, "payout", request, request.arguments[0])

    def list_payins(self, request: Request) -> Answer:
        """Tell the links with a reference."""
        return self._told(self._lists, "payin", request, request.query().get("reference_id", ""))

    def list_payouts(self, request: Request) -> Answer:
        """Tell the payouts of an account with a reference."""
        query = request.query()
        if not query.get("account_number"):
            return _error(400, "The account number field is required.")
        return self._told(self._lists, "payout", request, query.get("reference_id", ""))

    def taken(self, payment: Payment) -> Answer:
        """Answer a new order."""
        return self.told(payment, payment.status)

    def duplicate(self, payment: Payment) -> Answer:
        """Answer a payout with the first one under its key, a link with a refusal."""
        if payment.order.kind == "payout":
            return self.told(payment, payment.status)
        return _error(400, "payment link creation with reference ID already attempted")

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer with their error; all refusals but throttling are bad requests."""
        del kind
        if code == "MAINTENANCE":
            return _error(status, message, "SERVER_ERROR")
        return _error(status if code == "THROTTLED" else 400, message, reason=code.lower())

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer a question."""
        return json_answer(self.entity(payment, status))

    def not_found(self, kind: Kind) -> Answer:
        """Answer that there is no such payment."""
        del kind
        return _error(400, "The id provided does not exist")

    def entity(self, payment: Payment, status: Status) -> dict[str, Any]:
        """Return a link, with the address at which it is paid, or a payout."""
        order = payment.order
        entity = _entity(payment, status, order.reference, order.amount_paise)
        if order.kind == "payin":
            entity["short_url"] = f"{self._public_url}/checkout/{payment.payment_id}"
        return entity

    def _told(self, front: Front, kind: Kind, request: Request, name: str) -> Answer:
        account = self._admitted(request)
        return account if isinstance(account, Answer) else front.status(account, kind, name)

    def _admitted(self, request: Request) -> str | Answer:
        try:
            return self._account(request)
        except _RefusedError as problem:
            return _error(problem.status, str(problem))

    def _account(self, request: Request) -> str:
        scheme, _, told = request.header("authorization").partition(" ")
        try:
            key_id, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            key_id = secret = ""
        account = self._simulation.registry.account_of(key_id) if scheme == "Basic" and secret else None
        if account is None:
            raise _RefusedError("Authentication failed", 401)
        return account


class _Lists:
    """The same answers in the lists that questions by reference are answered with."""

    def __init__(self, provider: RazorpayProvider) -> None:
        self._provider = provider
        self.taken = provider.taken
        self.duplicate = provider.duplicate
        self.refused = provider.refused

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer with a list of one."""
        return _list(payment.order.kind, [self._provider.entity(payment, status)])

    def not_found(self, kind: Kind) -> Answer:
        """Answer with an empty list."""
        return _list(kind, [])


def _link_order(account: str, request: Request) -> Order:
    try:
        link = _link_decoder.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise _RefusedError(str(problem)) from problem
    _check(link.amount, link.currency, link.reference_id)
    if link.callback_url and link.callback_method != "get":
        raise _RefusedError("The callback method field is required and must be get.")
    return Order(
        provider=NAME,
        account=account,
        kind="payin",
        reference=link.reference_id,
        amount_paise=link.amount,
        mode="UPI",
        party=link.customer.name,
        callback_url="",
        redirect_url=link.callback_url,
        remarks=link.description,
    )


def _payout_order(account: str, request: Request) -> Order:
    if not _KEY.fullmatch(request.header("x-payout-idempotency")):
        raise _RefusedError("Idempotency key is missing. Include idempotency header and key in the request.")
    try:
        payout = _payout_decoder.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise _RefusedError(str(problem)) from problem
    _check(payout.amount, payout.currency, payout.reference_id)
    fund = payout.fund_account
    instrument = fund.vpa if payout.mode == "UPI" else fund.bank_account
    if payout.mode not in {"UPI", "IMPS", "NEFT", "RTGS"} or instrument is None:
        raise _RefusedError("The mode is not one for this fund account.")
    if not _PERSON.fullmatch(fund.contact.name) or not _NARRATION.fullmatch(payout.narration):
        raise _RefusedError("The name or the narration has characters that are not allowed.")
    return Order(
        provider=NAME,
        account=account,
        kind="payout",
        reference=payout.reference_id,
        amount_paise=payout.amount,
        mode=payout.mode,
        party=fund.contact.name,
        callback_url="",
        redirect_url="",
        remarks=payout.narration,
    )


def _check(amount_paise: int, currency: str, reference: str) -> None:
    if amount_paise < _LEAST_PAISE or currency != "INR":
        raise _RefusedError("The amount must be atleast INR 1.00")
    if not 0 < len(reference) <= _MAX_REFERENCE:
        raise _RefusedError("The reference id may not be greater than 40 characters.")


def _content(order: Order) -> tuple[int, str, str]:
    return order.amount_paise, order.mode, order.party


def _entity(payment: Payment, status: Status, reference: str, amount_paise: int) -> dict[str, Any]:
    common = {"id": payment.payment_id, "reference_id": reference, "amount": amount_paise, "currency": "INR"}
    if payment.order.kind == "payin":
        word = _LINK_WORDS[status]
        paid = amount_paise if word == "paid" else 0
        return {**common, "status": word, "amount_paid": paid, "notes": {"reference_id": reference}}
    return {
        **common,
        "entity": "payout",
        "status": _PAYOUT_WORDS[status],
        "mode": payment.order.mode,
        "utr": payment.utr if payment.utr and status is payment.status else None,
        "status_details": {"description": payment.message or None, "source": None, "reason": None},
        "error": {"description": None, "source": None, "reason": None},
    }


def _paid(webhook: Webhook) -> dict[str, Any]:
    payment = webhook.payment
    return {
        "id": f"pay_{payment.payment_id.removeprefix('plink_')}",
        "status": "captured" if webhook.status is Status.SUCCESS else "created",
        "amount": webhook.amount_paise,
        "currency": webhook.currency,
        "notes": {"reference_id": webhook.reference},
        "acquirer_data": {"rrn": payment.utr or None},
    }


def _list(kind: Kind, entities: list[dict[str, Any]]) -> Answer:
    if kind == "payin":
        return json_answer({"payment_links": entities})
    return json_answer({"entity": "collection", "count": len(entities), "items": entities})


def _error(status: int, description: str, code: str = "BAD_REQUEST_ERROR", reason: str = "NA") -> Answer:
    error = {"code": code, "description": description, "source": "business", "step": "NA", "reason": reason}
    return json_answer({"error": {**error, "metadata": {}}}, status)


def build(simulation: Simulation, public_url: str) -> RazorpayProvider:
    """Build the provider."""
    return RazorpayProvider(simulation, public_url)
