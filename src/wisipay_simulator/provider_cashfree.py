"""The wire format of Cashfree: payment links and Payouts V2, rupees as numbers, keys in headers, signed events.

Only this file knows its field names. Behaviour is not decided here. The client id is the account and its webhook secret
the client secret, which also signs; events of links go to the address of the order, those of transfers where the
account has them entered.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from wisipay_simulator.amounts import parse_rupees, rupees_text
from wisipay_simulator.front import Front
from wisipay_simulator.inquiries_cashfree import CashfreeInquiries
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

NAME = "cashfree"
_encoder = msgspec.json.Encoder()
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)
_TRANSFER_ID = re.compile(r"[A-Za-z0-9_]{1,40}", re.ASCII)
_PHONE = re.compile(r"[0-9]{10}", re.ASCII)
_REMARKS = re.compile(r"[A-Za-z0-9 ]{0,70}", re.ASCII)
_MODES = frozenset({"banktransfer", "imps", "neft", "rtgs", "upi"})
_LEAST_PAISE = 100
_LINK_WORDS = {
    Status.PENDING: "ACTIVE",
    Status.PROCESSING: "ACTIVE",
    Status.SUCCESS: "PAID",
    Status.FAILED: "CANCELLED",
    Status.EXPIRED: "EXPIRED",
    Status.REVERSED: "PAID",
}
_TRANSFER_WORDS = {
    Status.PENDING: "RECEIVED",
    Status.PROCESSING: "PENDING",
    Status.SUCCESS: "SUCCESS",
    Status.FAILED: "FAILED",
    Status.EXPIRED: "PENDING",
    Status.REVERSED: "REVERSED",
}


class _Customer(msgspec.Struct, gc=False):
    customer_phone: str
    customer_name: str = ""
    customer_email: str = ""


class _Meta(msgspec.Struct, frozen=True, gc=False):
    return_url: str = ""
    notify_url: str = ""


class _Link(msgspec.Struct, gc=False):
    link_id: str
    link_amount: msgspec.Raw
    link_currency: str
    link_purpose: str
    customer_details: _Customer
    link_meta: _Meta = _Meta()


class _Instrument(msgspec.Struct, gc=False):
    bank_account_number: str = ""
    bank_ifsc: str = ""
    vpa: str = ""


class _Beneficiary(msgspec.Struct, gc=False):
    beneficiary_name: str
    beneficiary_instrument_details: _Instrument


class _Transfer(msgspec.Struct, gc=False):
    transfer_id: str
    transfer_amount: msgspec.Raw
    beneficiary_details: _Beneficiary
    transfer_currency: str = "INR"
    transfer_mode: str = "banktransfer"
    transfer_remarks: str = ""


_link_decoder = msgspec.json.Decoder(_Link)
_transfer_decoder = msgspec.json.Decoder(_Transfer)


class _RefusedError(Exception):
    """A request is refused before it becomes an order."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class CashfreeFormat:
    """Ids and events."""

    name = NAME

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of a payment id."""
        return "CFL" if kind == "payin" else "CFT"

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return an event's headers and body; the signature is over time and body."""
        payment, amount_paise = webhook.payment, webhook.amount_paise
        if payment.order.kind == "payin":
            data = _link(payment, webhook.status, webhook.reference, amount_paise)
            data["link_currency"] = webhook.currency
            name = "PAYMENT_LINK_EVENT"
        else:
            data = _transfer(payment, webhook.status, webhook.reference, amount_paise)
            data["transfer_currency"] = webhook.currency
            name = f"TRANSFER_{data['status']}"
        body = _encoder.encode({"data": data, "event_time": "2026-01-02T10:11:12+05:30", "type": name, "version": 1})
        if webhook.broken:
            body = body[: len(body) // 2]
        headers = {"content-type": "application/json", "x-webhook-version": "2025-01-01"}
        if webhook.signature != "none":
            secret = account.webhook_secret if webhook.signature == "valid" else f"wrong-{account.webhook_secret}"
            told = hmac.new(secret.encode(), str(now_ms).encode() + body, hashlib.sha256).digest()
            headers |= {"x-webhook-timestamp": str(now_ms), "x-webhook-signature": base64.b64encode(told).decode()}
        return headers, body


class CashfreeProvider:
    """The routes of Cashfree. `public_url` gives the address under which people open the checkout."""

    formats = (CashfreeFormat(),)

    def __init__(self, simulation: Simulation, public_url: str) -> None:
        self._front = Front(simulation, self)
        self._simulation = simulation
        self._public_url = public_url
        self._inquiries = CashfreeInquiries(simulation, self._front, self._admitted, _error)

    def add_routes(self, router: Router) -> None:
        """Add the provider's API."""
        router.add("POST", "/cashfree/pg/links", self.create_payin)
        router.add("GET", "/cashfree/pg/links/{}", self.payin_status)
        router.add("POST", "/cashfree/payout/transfers", self.create_payout)
        router.add("GET", "/cashfree/payout/transfers", self.payout_status)
        self._inquiries.add_routes(router)

    def create_payin(self, request: Request) -> Answer:
        """Make a payment link."""
        return self._create(request, _link_order)

    def create_payout(self, request: Request) -> Answer:
        """Start a transfer."""
        return self._create(request, _transfer_order)

    def payin_status(self, request: Request) -> Answer:
        """Tell a link."""
        return self._status("payin", request, request.arguments[0])

    def payout_status(self, request: Request) -> Answer:
        """Tell a transfer."""
        query = request.query()
        return self._status("payout", request, query.get("transfer_id") or query.get("cf_transfer_id", ""))

    def taken(self, payment: Payment) -> Answer:
        """Answer a new order."""
        return self.told(payment, payment.status)

    def duplicate(self, payment: Payment) -> Answer:
        """Answer that the id was used."""
        return _error(409, "link_already_exists" if payment.order.kind == "payin" else "transfer_id_already_exists")

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer with their error; they know no 402."""
        del kind
        status = 422 if status == 402 else status  # noqa: PLR2004 - the one status that is not theirs
        return _error(status, code.lower(), message, "api_error" if code == "MAINTENANCE" else "invalid_request_error")

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer a question."""
        order = payment.order
        if order.kind == "payout":
            return json_answer(_transfer(payment, status, order.reference, order.amount_paise))
        link = _link(payment, status, order.reference, order.amount_paise)
        return json_answer({**link, "link_url": f"{self._public_url}/checkout/{payment.payment_id}"})

    def not_found(self, kind: Kind) -> Answer:
        """Answer that there is no such payment."""
        return _error(404, "link_not_found" if kind == "payin" else "transfer_id_not_found")

    def _create(self, request: Request, read: Callable[[str, Request], Order]) -> Answer:
        try:
            order = read(self._account(request), request)
        except _RefusedError as problem:
            return _error(problem.status, problem.code, str(problem))
        return self._front.create(order)

    def _status(self, kind: Kind, request: Request, name: str) -> Answer:
        account = self._admitted(request, versioned=True)
        return account if isinstance(account, Answer) else self._front.status(account, kind, name)

    def _admitted(self, request: Request, *, versioned: bool = False) -> str | Answer:
        try:
            return self._account(request, versioned=versioned)
        except _RefusedError as problem:
            return _error(problem.status, problem.code, str(problem))

    def _account(self, request: Request, *, versioned: bool = True) -> str:
        registry = self._simulation.registry
        account = registry.account_of(request.header("x-client-id"))
        if account is None or request.header("x-client-secret") != registry.account(account).webhook_secret:
            raise _RefusedError("authentication_failed", "client id and secret are not a pair", 401)
        if versioned and not request.header("x-api-version"):
            raise _RefusedError("api_version_missing", "the header x-api-version is missing")
        return account


def _link_order(account: str, request: Request) -> Order:
    try:
        link = _link_decoder.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise _RefusedError("request_invalid", str(problem)) from problem
    if not _LINK_ID.fullmatch(link.link_id):
        raise _RefusedError("link_id_invalid", "1 to 50 letters, digits, underscores and hyphens")
    if not _PHONE.fullmatch(link.customer_details.customer_phone):
        raise _RefusedError("customer_phone_invalid", "10 digits")
    return Order(
        provider=NAME,
        account=account,
        kind="payin",
        reference=link.link_id,
        amount_paise=_paise(link.link_amount, link.link_currency),
        mode="UPI",
        party=link.customer_details.customer_name,
        callback_url=link.link_meta.notify_url,
        redirect_url=link.link_meta.return_url,
        remarks=link.link_purpose,
    )


def _transfer_order(account: str, request: Request) -> Order:
    try:
        transfer = _transfer_decoder.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise _RefusedError("request_invalid", str(problem)) from problem
    if not _TRANSFER_ID.fullmatch(transfer.transfer_id):
        raise _RefusedError("transfer_id_invalid", "1 to 40 letters, digits and underscores")
    mode, details = transfer.transfer_mode, transfer.beneficiary_details.beneficiary_instrument_details
    instrument = details.vpa if mode == "upi" else details.bank_account_number and details.bank_ifsc
    if mode not in _MODES or not instrument:
        raise _RefusedError("transfer_mode_invalid", "the mode and the beneficiary do not go together")
    if not _REMARKS.fullmatch(transfer.transfer_remarks):
        raise _RefusedError("transfer_remarks_invalid", "at most 70 letters, digits and spaces")
    return Order(
        provider=NAME,
        account=account,
        kind="payout",
        reference=transfer.transfer_id,
        amount_paise=_paise(transfer.transfer_amount, transfer.transfer_currency),
        mode=mode,
        party=transfer.beneficiary_details.beneficiary_name,
        callback_url="",
        redirect_url="",
        remarks=transfer.transfer_remarks,
    )


def _paise(number: msgspec.Raw, currency: str) -> int:
    try:
        amount_paise = parse_rupees(bytes(number).decode())
    except ValueError as problem:
        raise _RefusedError("amount_invalid", str(problem)) from problem
    if amount_paise < _LEAST_PAISE or currency != "INR":
        raise _RefusedError("amount_invalid", "at least one rupee")
    return amount_paise


def _rupees(amount_paise: int) -> msgspec.Raw:
    return msgspec.Raw(rupees_text(amount_paise).encode())


def _link(payment: Payment, status: Status, reference: str, amount_paise: int) -> dict[str, Any]:
    word = _LINK_WORDS[status]
    return {
        "cf_link_id": payment.payment_id,
        "link_id": reference,
        "link_status": word,
        "link_currency": "INR",
        "link_amount": _rupees(amount_paise),
        "link_amount_paid": _rupees(amount_paise if word == "PAID" else 0),
        "link_purpose": payment.order.remarks,
    }


def _transfer(payment: Payment, status: Status, reference: str, amount_paise: int) -> dict[str, Any]:
    word = _TRANSFER_WORDS[status]
    return {
        "transfer_id": reference,
        "cf_transfer_id": payment.payment_id,
        "status": word,
        "status_code": word,
        "status_description": payment.message or word.capitalize(),
        "transfer_amount": _rupees(amount_paise),
        "transfer_mode": payment.order.mode,
        "transfer_utr": payment.utr if payment.utr and status is payment.status else "",
    }


def _error(status: int, code: str, message: str = "", kind: str = "invalid_request_error") -> Answer:
    return json_answer({"type": kind, "code": code, "message": message or code.replace("_", " ")}, status)


def build(simulation: Simulation, public_url: str) -> CashfreeProvider:
    """Build the provider."""
    return CashfreeProvider(simulation, public_url)
