"""The wire format of SabioPay (the Omniware family): hashed forms in, one envelope of data or error out.

Only this file knows its field names. Behaviour is not decided here. An account's webhook secret is the salt of the
provider's hashes; webhooks go where the account has them entered, since no order names an address.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from wisipay_simulator.amounts import parse_rupees, rupees_text
from wisipay_simulator.bank import balance_paise
from wisipay_simulator.front import Front
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

NAME = "sabiopay"
_MAX_REFERENCE = 30
_MAX_FIELDS = 60
_IMPS_LARGEST_PAISE = 20_000_000
_PAYIN_FIELDS = (
    *("order_id", "amount", "currency", "description", "name", "email", "phone", "city", "country", "zip_code"),
    "return_url",
)
_PAYOUT_FIELDS = (
    *("merchant_reference_number", "amount", "transfer_type", "account_number", "ifsc_code", "account_name"),
    "bank_name",
)
_CODES = {
    "REJECTED": 1011,
    "INSUFFICIENT_BALANCE": 1015,
    "THROTTLED": 1016,
    "BOOK_FULL": 1016,
    "BAD_SIMULATOR_TOKEN": 1007,
}
_PAYIN_CODES = {
    Status.PENDING: 1006,
    Status.PROCESSING: 1030,
    Status.SUCCESS: 0,
    Status.FAILED: 1000,
    Status.EXPIRED: 1029,
    Status.REVERSED: 0,
}
_PAYOUT_WORDS = {
    Status.PENDING: "PROCESSING",
    Status.PROCESSING: "SENT_TO_BENEFICIARY",
    Status.SUCCESS: "SUCCESS",
    Status.FAILED: "FAILED",
    Status.EXPIRED: "INCOMPLETE",
    Status.REVERSED: "RETURNED_FROM_BENEFICIARY",
}
_CLOSED = b"<html><head><title>503 Service Unavailable</title></head></html>"


class _FaultError(Exception):
    """A request is refused with a code of the family."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class SabioPayFormat:
    """Ids and webhooks: JSON as PHP writes it, its hash over salt and text."""

    name = NAME

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of a payment id."""
        return "SABIO_PY_" if kind == "payin" else "SABIO_PO_"

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return a webhook's headers and body."""
        del now_ms
        members = _payin_news(webhook) if webhook.payment.order.kind == "payin" else _payout_news(webhook, account)
        if webhook.signature != "none":
            salt = account.webhook_secret if webhook.signature == "valid" else f"wrong-{account.webhook_secret}"
            members["hash"] = hashlib.sha512(salt.encode() + _php_json(members)).hexdigest().upper()
        body = _php_json(members)
        return {"content-type": "application/json"}, body[: len(body) // 2] if webhook.broken else body


class SabioPayProvider:
    """The routes of SabioPay."""

    formats = (SabioPayFormat(),)

    def __init__(self, simulation: Simulation) -> None:
        self._front = Front(simulation, self)
        self._simulation = simulation

    def add_routes(self, router: Router) -> None:
        """Add the provider's API."""
        router.add("POST", "/sabiopay/v2/getpaymentrequestintenturl", self.create_payin)
        router.add("POST", "/sabiopay/v2/paymentstatus", self.payin_status)
        router.add("POST", "/sabiopay/v3/fundtransfer", self.create_payout)
        router.add("POST", "/sabiopay/v3/fundtransferstatus", self.payout_status)
        router.add("POST", "/sabiopay/v3/fundtransfer/getbalance", self.balance)

    def create_payin(self, request: Request) -> Answer:
        """Start a collection."""
        return self._create(request, _PAYIN_FIELDS, _payin_order)

    def create_payout(self, request: Request) -> Answer:
        """Start a disbursement."""
        return self._create(request, _PAYOUT_FIELDS, _payout_order)

    def payin_status(self, request: Request) -> Answer:
        """Tell a collection's status."""
        return self._status("payin", request, "order_id")

    def payout_status(self, request: Request) -> Answer:
        """Tell a disbursement's status."""
        return self._status("payout", request, "merchant_reference_number")

    def balance(self, request: Request) -> Answer:
        """Tell what is left for transfers."""
        try:
            account, _ = self._read(request, ())
        except _FaultError as problem:
            return _error(problem.code, str(problem))
        float_paise = self._simulation.registry.account(account).float_paise
        left = balance_paise(float_paise, self._simulation.book.payments.values(), account)
        return self._front.inquiry(account, json_answer({"data": {"balance": rupees_text(max(0, left))}}))

    def taken(self, payment: Payment) -> Answer:
        """Answer a new order."""
        order = payment.order
        if order.kind == "payout":
            return json_answer({"data": _transfer(payment, payment.status)})
        number = int(payment.payment_id.removeprefix("SABIO_PY_"), 36)
        link = {"pa": "simulator@invalid", "pn": "Sabio", "am": rupees_text(order.amount_paise), "tr": number}
        data = {"upi_intent_url": f"upi://pay?{urlencode(link)}", "qr_code": None}
        return json_answer({"data": {**data, "payment_request_id": number, "order_id": order.reference}})

    def duplicate(self, payment: Payment) -> Answer:
        """Answer that the reference was used."""
        name = "order id" if payment.order.kind == "payin" else "Merchant reference number"
        return _error(1003, f"{name} should be unique")

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer with a code of the family; it has none for maintenance, which is a page."""
        del kind
        if code == "MAINTENANCE":
            return Answer(status=status, body=_CLOSED, content_type="text/html")
        return _error(int(code) if code.isdecimal() else _CODES.get(code, 1007), message)

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer a question."""
        if payment.order.kind == "payin":
            entry = _payin(payment, status, payment.order.reference, payment.order.amount_paise, "INR")
            return json_answer({"data": [entry], "hash": "0" * 128})
        data = {**_transfer(payment, status), "beneficiary_name": payment.order.party}
        return json_answer({"data": {**data, "transaction_id": _bank_reference(payment, status)}})

    def not_found(self, kind: Kind) -> Answer:
        """Answer that there is no such payment."""
        del kind
        return _error(1028, "No Transaction found")

    def _create(
        self, request: Request, names: tuple[str, ...], read: Callable[[str, Mapping[str, str]], Order]
    ) -> Answer:
        try:
            order = read(*self._read(request, names))
        except _FaultError as problem:
            return _error(problem.code, str(problem))
        return self._front.create(order)

    def _status(self, kind: Kind, request: Request, name: str) -> Answer:
        try:
            account, form = self._read(request, (name,))
        except _FaultError as problem:
            return _error(problem.code, str(problem))
        return self._front.status(account, kind, form[name])

    def _read(self, request: Request, names: tuple[str, ...]) -> tuple[str, dict[str, str]]:
        """Return account and form of a request with a good hash and all the named fields, or _FaultError."""
        try:
            form = dict(parse_qsl(request.body.decode(), strict_parsing=True, max_num_fields=_MAX_FIELDS))
        except ValueError as problem:
            raise _FaultError(1024, "the body is not a form") from problem
        account = self._simulation.registry.account_of(form.get("api_key", ""))
        if account is None:
            raise _FaultError(1001, "The api key field is incorrect")
        if form.get("hash") != _form_hash(self._simulation.registry.account(account).webhook_secret, form):
            raise _FaultError(1023, "Hash Mismatch")
        missing = [name for name in names if not form.get(name)]
        if missing:
            raise _FaultError(1024, f"missing: {', '.join(missing)}")
        return account, form


def _payin_order(account: str, form: Mapping[str, str]) -> Order:
    if form["currency"] != "INR" or form["country"] != "IND":
        raise _FaultError(1007, "currency and country: INR and IND")
    return _order("payin", account, form, form["order_id"], "INTENT", form["name"])


def _payout_order(account: str, form: Mapping[str, str]) -> Order:
    mode = form["transfer_type"]
    order = _order("payout", account, form, form["merchant_reference_number"], mode, form["account_name"])
    if mode not in {"NEFT", "IMPS"} or (mode == "IMPS" and order.amount_paise > _IMPS_LARGEST_PAISE):
        raise _FaultError(1007, "transfer_type: NEFT, or IMPS up to 200000")
    return order


def _order(kind: Kind, account: str, form: Mapping[str, str], reference: str, mode: str, party: str) -> Order:
    try:
        amount_paise = parse_rupees(form["amount"])
    except ValueError as problem:
        raise _FaultError(1007, f"amount: {problem}") from problem
    if amount_paise < 100:  # noqa: PLR2004 - a rupee, as its error code says
        raise _FaultError(1010, "amount: at least 1.00")
    if len(reference) > _MAX_REFERENCE:
        raise _FaultError(1007, f"the reference has more than {_MAX_REFERENCE} characters")
    return Order(
        provider=NAME,
        account=account,
        kind=kind,
        reference=reference,
        amount_paise=amount_paise,
        mode=mode,
        party=party,
        callback_url="",
        redirect_url=form.get("return_url", ""),
        remarks=form.get("description", ""),
    )


def _form_hash(salt: str, form: Mapping[str, str]) -> str:
    text = salt
    for name, value in sorted(form.items()):
        if name != "hash" and value:
            text += f"|{value}"
    return hashlib.sha512(text.encode()).hexdigest().upper()


def _php_json(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=True).replace("/", r"\/").encode()


def _payin(payment: Payment, status: Status, reference: str, amount_paise: int, currency: str) -> dict[str, Any]:
    code = _PAYIN_CODES[status]
    return {
        "transaction_id": payment.payment_id,
        "payment_mode": "UPI",
        "payment_channel": "UPI",
        "payment_datetime": f"{_moment(payment):%d-%m-%Y %H:%M:%S}",
        "response_code": code,
        "response_message": "success" if code == 0 else payment.message or "failure",
        "order_id": reference,
        "amount": rupees_text(amount_paise),
        "currency": currency,
        "description": payment.order.remarks,
        "name": payment.order.party,
        "bank_ref_id": _bank_reference(payment, status),
    }


def _payin_news(webhook: Webhook) -> dict[str, Any]:
    return _payin(webhook.payment, webhook.status, webhook.reference, webhook.amount_paise, webhook.currency)


def _payout_news(webhook: Webhook, account: Account) -> dict[str, Any]:
    payment = webhook.payment
    reference = _bank_reference(payment, webhook.status)
    return {
        "transaction_reference_number": payment.payment_id,
        "status": _PAYOUT_WORDS[webhook.status],
        "error_message": payment.message or None,
        "bank_reference_number": int(reference) if reference else None,
        "merchant_reference_number": webhook.reference,
        "transaction_date": f"{_moment(payment):%Y-%m-%d %H:%M:%S}",
        "transaction_amount": rupees_text(webhook.amount_paise),
        "api_key": account.api_key,
    }


def _transfer(payment: Payment, status: Status) -> dict[str, Any]:
    return {
        "status": _PAYOUT_WORDS[status],
        "merchant_reference_number": payment.order.reference,
        "transaction_id": payment.payment_id,
        "error_message": payment.message or None,
    }


def _bank_reference(payment: Payment, status: Status) -> str | None:
    return payment.utr if payment.utr and status is payment.status else None


def _moment(payment: Payment) -> datetime:
    return datetime.fromtimestamp(payment.updated_ms / 1000, tz=UTC)


def _error(code: int, message: str) -> Answer:
    return json_answer({"error": {"code": code, "message": message}})


def build(simulation: Simulation, public_url: str) -> SabioPayProvider:
    """Build the provider; its payins are opened in a UPI app, not on a page of ours."""
    del public_url
    return SabioPayProvider(simulation)
