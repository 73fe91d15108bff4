"""The wire format of the provider `dummy`: bearer key, JSON, rupee texts, webhooks signed with HMAC-SHA256.

Only this file knows its field names. Behaviour is not decided here.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from wisipay_simulator.amounts import parse_rupees, rupees_text
from wisipay_simulator.front import Front
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Answer, ProblemError, Request, Router, decode, json_answer
from wisipay_simulator.simulation import Simulation

NAME = "dummy"
_encoder = msgspec.json.Encoder()
_PAYIN_MODES = frozenset({"UPI", "QR", "INTENT"})
_PAYOUT_MODES = frozenset({"UPI", "IMPS", "NEFT", "RTGS"})
_MAX_REFERENCE = 40


class _Customer(msgspec.Struct, gc=False):
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class _Beneficiary(msgspec.Struct, gc=False):
    name: str
    account_number: str | None = None
    ifsc: str | None = None
    bank_name: str | None = None
    vpa: str | None = None
    phone: str | None = None


class _Create(msgspec.Struct, gc=False):
    ref_id: str
    amount: str
    mode: str
    currency: str = "INR"
    callback_url: str | None = None
    redirect_url: str | None = None
    remarks: str | None = None


class _CreatePayin(_Create, kw_only=True, gc=False):
    customer: _Customer


class _CreatePayout(_Create, kw_only=True, gc=False):
    beneficiary: _Beneficiary


_payin_decoder = msgspec.json.Decoder(_CreatePayin)
_payout_decoder = msgspec.json.Decoder(_CreatePayout)


class DummyFormat:
    """Ids and webhooks of the dummy provider."""

    name = NAME

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of a payment id."""
        return "DUMMY_PY_" if kind == "payin" else "DUMMY_PO_"

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return a webhook's headers and body; the signature is over `timestamp.body`."""
        payment = webhook.payment
        body = _encoder.encode(
            {
                "payment_id": payment.payment_id,
                "status": webhook.status,
                "amount": rupees_text(webhook.amount_paise),
                "currency": webhook.currency,
                "ref_id": webhook.reference,
                "transaction_id": webhook.reference,
                "utr": payment.utr or (f"SIM_{now_ms}" if webhook.status is Status.SUCCESS else None),
                "message": payment.message or None,
            }
        )
        if webhook.broken:
            body = body[: len(body) // 2]
        headers = {"content-type": "application/json"}
        if webhook.signature != "none":
            secret = account.webhook_secret.encode()
            key = secret if webhook.signature == "valid" else b"wrong-" + secret
            signature = hmac.digest(key, b"%d.%b" % (now_ms, body), hashlib.sha256).hex()
            headers |= {"x-dummy-timestamp": str(now_ms), "x-dummy-signature": signature}
        return headers, body


class DummyProvider:
    """The routes of the dummy provider. `public_url` gives the address under which people open the checkout."""

    formats = (DummyFormat(),)

    def __init__(self, simulation: Simulation, public_url: str) -> None:
        self._front = Front(simulation, self)
        self._simulation = simulation
        self._public_url = public_url

    def add_routes(self, router: Router) -> None:
        """Add the provider's API."""
        router.add("POST", "/dummy/v1/payins", self.create_payin)
        router.add("POST", "/dummy/v1/payouts", self.create_payout)
        router.add("GET", "/dummy/v1/payins/{}", self.payin_status)
        router.add("GET", "/dummy/v1/payouts/{}", self.payout_status)

    def create_payin(self, request: Request) -> Answer:
        """Start a collection."""
        account = self._account(request)
        body = decode(request, _payin_decoder)
        return self._front.create(_order("payin", account, body, body.customer.name or "", _PAYIN_MODES))

    def create_payout(self, request: Request) -> Answer:
        """Start a disbursement."""
        account = self._account(request)
        body = decode(request, _payout_decoder)
        beneficiary = body.beneficiary
        if not beneficiary.vpa and not (beneficiary.account_number and beneficiary.ifsc):
            raise ProblemError(400, "BAD_REQUEST", "beneficiary: give a vpa, or account_number and ifsc")
        return self._front.create(_order("payout", account, body, beneficiary.name, _PAYOUT_MODES))

    def payin_status(self, request: Request) -> Answer:
        """Tell a collection's status."""
        return self._status("payin", request)

    def payout_status(self, request: Request) -> Answer:
        """Tell a disbursement's status."""
        return self._status("payout", request)

    def _account(self, request: Request) -> str:
        scheme, _, key = request.header("authorization").partition(" ")
        account = self._simulation.registry.account_of(key) if scheme == "Bearer" else None
        if account is None:
            raise ProblemError(401, "UNAUTHORIZED", "the header Authorization: Bearer <apiKey> is missing or wrong")
        return account

    def taken(self, payment: Payment) -> Answer:
        """Answer a new order."""
        return json_answer({"success": True, "data": self._data(payment, payment.status)})

    def duplicate(self, payment: Payment) -> Answer:
        """Answer with the first order's payment."""
        error = {"code": "DUPLICATE_REFERENCE", "message": "this ref_id was used before"}
        return json_answer({"success": False, "error": error, "data": self._data(payment, payment.status)}, 409)

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer with the plain HTTP status."""
        del kind
        return json_answer({"success": False, "error": {"code": code, "message": message}}, status)

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer a question."""
        return json_answer({"success": True, "data": self._data(payment, status)})

    def not_found(self, kind: Kind) -> Answer:
        """Answer that there is no such payment."""
        return self.refused(kind, 404, "NOT_FOUND", "there is no payment with this ref_id")

    def _status(self, kind: Kind, request: Request) -> Answer:
        return self._front.status(self._account(request), kind, request.arguments[0])

    def _data(self, payment: Payment, status: Status) -> dict[str, Any]:
        order = payment.order
        data: dict[str, Any] = {
            "payment_id": payment.payment_id,
            "ref_id": order.reference,
            "status": status,
            "amount": rupees_text(order.amount_paise),
        }
        if order.kind == "payin":
            data["payment_link"] = f"{self._public_url}/checkout/{payment.payment_id}"
        if payment.utr and status is payment.status:
            data["utr"] = payment.utr
        if payment.message:
            data["message"] = payment.message
        return data


def _order(kind: Kind, account: str, body: _Create, party: str, modes: frozenset[str]) -> Order:
    try:
        amount_paise = parse_rupees(body.amount)
    except ValueError as problem:
        raise ProblemError(400, "BAD_REQUEST", f"amount: {problem}") from problem
    callback_url, redirect_url = body.callback_url or "", body.redirect_url or ""
    complaint = None
    if amount_paise == 0:
        complaint = "amount: must be above zero"
    elif body.currency != "INR":
        complaint = "currency: only INR"
    elif body.mode not in modes:
        complaint = f"mode: one of {', '.join(sorted(modes))}"
    elif not 0 < len(body.ref_id) <= _MAX_REFERENCE:
        complaint = f"ref_id: 1 to {_MAX_REFERENCE} characters"
    elif not (_is_http(callback_url) and _is_http(redirect_url)):
        complaint = "callback_url, redirect_url: http or https"
    if complaint is not None:
        raise ProblemError(400, "BAD_REQUEST", complaint)
    return Order(
        provider=NAME,
        account=account,
        kind=kind,
        reference=body.ref_id,
        amount_paise=amount_paise,
        mode=body.mode,
        party=party,
        callback_url=callback_url,
        redirect_url=redirect_url,
        remarks=body.remarks or "",
    )


def _is_http(url: str) -> bool:
    return not url or url.startswith(("http://", "https://"))


def build(simulation: Simulation, public_url: str) -> DummyProvider:
    """Build the provider."""
    return DummyProvider(simulation, public_url)
