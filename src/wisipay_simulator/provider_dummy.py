"""The wire format of the provider `dummy`: bearer key, JSON, rupee texts, webhooks signed with HMAC-SHA256.

Only this file knows its field names. Behaviour is not decided here.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from wisipay_simulator.amounts import parse_rupees, rupees_text
from wisipay_simulator.book import BookFullError
from wisipay_simulator.faults import Fault
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.server.http import Answer, ProblemError, Request, Router, decode, json_answer
from wisipay_simulator.simulation import Created, Simulation
from wisipay_simulator.tokens import BadTokenError

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

    def render(self, webhook: Webhook, secret: bytes, now_ms: int) -> tuple[Mapping[str, str], bytes]:
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
            key = secret if webhook.signature == "valid" else b"wrong-" + secret
            signature = hmac.digest(key, b"%d.%b" % (now_ms, body), hashlib.sha256).hex()
            headers |= {"x-dummy-timestamp": str(now_ms), "x-dummy-signature": signature}
        return headers, body


class DummyApi:
    """The routes of the dummy provider. `public_url` gives the address under which people open the checkout."""

    def __init__(self, simulation: Simulation, public_url: str) -> None:
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
        return self._create("payin", account, body, body.customer.name or "", _PAYIN_MODES)

    def create_payout(self, request: Request) -> Answer:
        """Start a disbursement."""
        account = self._account(request)
        body = decode(request, _payout_decoder)
        beneficiary = body.beneficiary
        if not beneficiary.vpa and not (beneficiary.account_number and beneficiary.ifsc):
            raise ProblemError(400, "BAD_REQUEST", "beneficiary: give a vpa, or account_number and ifsc")
        return self._create("payout", account, body, beneficiary.name, _PAYOUT_MODES)

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

    def _create(self, kind: Kind, account: str, body: _Create, party: str, modes: frozenset[str]) -> Answer:
        order = _order(kind, account, body, party, modes)
        try:
            created = self._simulation.create(order)
        except BadTokenError as problem:
            raise ProblemError(400, "BAD_SIMULATOR_TOKEN", str(problem)) from problem
        except BookFullError:
            limit = self._simulation.book.max_payments
            message = (
                f"the simulator holds its maximum of {limit} payments: POST /control/reset or raise --max-payments"
            )
            raise ProblemError(422, "BOOK_FULL", message) from None
        answer = self._created_answer(created)
        early = created.early_webhook
        if early is None:
            return answer
        return msgspec.structs.replace(answer, first=lambda: self._simulation.sender.send_now(early))

    def _created_answer(self, created: Created) -> Answer:
        if created.payment is None:
            return self._fault_answer(created.fault, created.latency_ms, b"", created.reject_code)
        data = self._data(created.payment, created.payment.status)
        if created.duplicate:
            error = {"code": "DUPLICATE_REFERENCE", "message": "this ref_id was used before"}
            answer = json_answer({"success": False, "error": error, "data": data}, 409, delay_ms=created.latency_ms)
        else:
            answer = json_answer({"success": True, "data": data}, delay_ms=created.latency_ms)
        if created.fault is None:
            return answer
        return self._fault_answer(created.fault, created.latency_ms, answer.body, created.reject_code)

    def _status(self, kind: Kind, request: Request) -> Answer:
        account = self._account(request)
        payment, fault, latency_ms = self._simulation.check(account, kind, request.arguments[0])
        if payment is None or fault is Fault.NOT_FOUND:
            error = {"code": "NOT_FOUND", "message": "there is no payment with this ref_id"}
            return json_answer({"success": False, "error": error}, 404, delay_ms=latency_ms)
        status = Status.PENDING if fault is Fault.STALE else payment.status
        answer = json_answer({"success": True, "data": self._data(payment, status)}, delay_ms=latency_ms)
        if fault is None or fault is Fault.STALE:
            return answer
        return self._fault_answer(fault, latency_ms, answer.body, "REJECTED")

    def _fault_answer(self, fault: Fault | None, latency_ms: int, body: bytes, reject_code: str) -> Answer:
        match fault:
            case Fault.REJECT | Fault.MAINTENANCE | Fault.THROTTLE:
                return _refusal(fault, reject_code, latency_ms)
            case Fault.TIMEOUT_BEFORE_EXECUTING | Fault.TIMEOUT_AFTER_EXECUTING | Fault.ANSWER_LOST:
                return Answer(abort=True, delay_ms=latency_ms)
            case Fault.BROKEN_JSON:
                return Answer(body=body[: len(body) // 2] or b"{", delay_ms=latency_ms)
            case _:
                html = b"<html><body><h1>500 Internal Server Error</h1></body></html>"
                return Answer(status=500, body=html, content_type="text/html", delay_ms=latency_ms)

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


def _refusal(fault: Fault, reject_code: str, latency_ms: int) -> Answer:
    if fault is Fault.MAINTENANCE:
        status, code, message = 503, "MAINTENANCE", "the bank is closed for maintenance"
    elif fault is Fault.THROTTLE:
        status, code, message = 429, "THROTTLED", "too many requests"
    else:
        status = 402 if reject_code == "INSUFFICIENT_BALANCE" else 422
        code, message = reject_code, "refused by the simulator, nothing was executed"
    error = {"code": code, "message": message}
    return json_answer({"success": False, "error": error}, status, delay_ms=latency_ms)
