"""The wire format of `easemyneeds` and `alphapay`: key and salt in headers, orders encrypted, questions in clear.

Payin webhooks come in clear, payout webhooks encrypted. An account's webhook secret is its salt.
"""

import base64
import binascii
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wisipay_simulator.amounts import read_exact, rupees_text
from wisipay_simulator.front import Front
from wisipay_simulator.members import MissingError, amount_paise, one_of, text, texts
from wisipay_simulator.model import Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook
from wisipay_simulator.registry import Account
from wisipay_simulator.server.http import Answer, ProblemError, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

_BRANDS = {"easemyneeds": "EMN", "alphapay": "ALP"}
_WORDS = {Status.REVERSED: "REFUNDED"}
_IDS: dict[Kind, str] = {"payin": "payment_id", "payout": "request_id"}
_KEY_BYTES, _IV_BYTES, _BLOCK_BITS = 32, 16, 128
_PAYIN_MODES = frozenset({"INTENT", "IMPS_TRANSFER"})
_PAYOUT_MODES = frozenset({"IMPS", "NEFT", "RTGS"})


class WhiteLabelFormat:
    """Ids and webhooks of one brand."""

    def __init__(self, name: str) -> None:
        self.name = name

    def id_prefix(self, kind: Kind) -> str:
        """Return the beginning of a payment's or request's id."""
        return f"{_BRANDS[self.name]}_{'PAY' if kind == 'payin' else 'REQ'}_"

    def render(self, webhook: Webhook, account: Account, now_ms: int) -> tuple[Mapping[str, str], bytes]:
        """Return a webhook; one of a payout is encrypted, with another key where it is forged."""
        payment, kind = webhook.payment, webhook.payment.order.kind
        news: dict[str, Any] = {
            _IDS[kind]: payment.payment_id,
            "status": _WORDS.get(webhook.status, webhook.status),
            "amount": rupees_text(webhook.amount_paise),
            "utr_number": payment.utr or (f"SIM{now_ms}" if webhook.status is Status.SUCCESS else ""),
            "payment_message": payment.message,
            "ref_id": webhook.reference,
        }
        if kind == "payin":
            news |= {"currency": webhook.currency, "payment_method": "UPI", "payment_time": str(now_ms)}
        body = msgspec.json.encode(news)
        if kind == "payout" and webhook.signature != "none":
            key = account.api_key if webhook.signature == "valid" else f"wrong{account.api_key}"
            body = msgspec.json.encode({"payload": _sealed(body, key, account.webhook_secret)})
        return {"content-type": "application/json"}, body[: len(body) // 2] if webhook.broken else body


class _Wire:
    """How one brand words its answers."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def taken(self, payment: Payment) -> Answer:
        """Answer a new order."""
        return self.told(payment, payment.status)

    def duplicate(self, payment: Payment) -> Answer:
        """Answer that the reference is used."""
        return self.refused(payment.order.kind, 400, "DUPLICATE", "The ref_id has already been taken.")

    def refused(self, kind: Kind, status: int, code: str, message: str) -> Answer:
        """Answer with words only."""
        del kind
        return json_answer({"success": False, "message": f"{code}: {message}"}, status)

    def told(self, payment: Payment, status: Status) -> Answer:
        """Answer how a payment stands."""
        order = payment.order
        data: dict[str, Any] = {
            _IDS[order.kind]: payment.payment_id,
            "amount": rupees_text(order.amount_paise),
            "status": _WORDS.get(status, status),
            "utr_number": payment.utr if status is payment.status else "",
            "ref_id": order.reference,
            "message": payment.message,
        }
        if order.kind == "payin":
            data["payment_link"] = f"{self._public_url}/checkout/{payment.payment_id}"
        else:
            data["requested_amount"] = rupees_text(order.amount_paise)
        return json_answer({"success": True, "message": "ok", "data": data})

    def not_found(self, kind: Kind) -> Answer:
        """Answer that there is no such payment."""
        return self.refused(kind, 404, "NOT_FOUND", "Transaction not found")


class WhiteLabelProvider:
    """The routes of both brands."""

    formats = tuple(WhiteLabelFormat(name) for name in _BRANDS)

    def __init__(self, simulation: Simulation, public_url: str) -> None:
        self._simulation = simulation
        self._wire = _Wire(public_url)
        self._front = Front(simulation, self._wire)

    def add_routes(self, router: Router) -> None:
        """Add the API of each brand under its name."""
        for name in _BRANDS:
            base = f"/{name}/api/v1"
            router.add("POST", f"{base}/create-payment", partial(self._create, name, "payin"))
            router.add("POST", f"{base}/payout/request-payout", partial(self._create, name, "payout"))
            router.add("POST", f"{base}/get-status", partial(self._status, "payin"))
            router.add("POST", f"{base}/payout/get-status", partial(self._status, "payout"))

    def _create(self, name: str, kind: Kind, request: Request) -> Answer:
        account = self._account(request)
        try:
            members = _opened(request)
            return self._front.create(_order(name, kind, account, members))
        except (MissingError, ValueError) as problem:
            return self._wire.refused(kind, 422, "VALIDATION", str(problem))

    def _status(self, kind: Kind, request: Request) -> Answer:
        account = self._account(request)
        try:
            members = read_exact(request.body)
        except ValueError as problem:
            return self._wire.refused(kind, 422, "VALIDATION", str(problem))
        return self._front.status(account, kind, text(members, _IDS[kind]) or text(members, "ref_id"))

    def _account(self, request: Request) -> str:
        registry = self._simulation.registry
        account = registry.account_of(request.header("x-api-key"))
        if account is None or registry.account(account).webhook_secret != request.header("x-api-salt"):
            raise ProblemError(401, "UNAUTHORIZED", "X-Api-Key or X-Api-Salt is missing or wrong")
        return account


def _order(name: str, kind: Kind, account: str, members: Mapping[str, Any]) -> Order:
    if kind == "payin":
        one_of(members, "payment_mode", _PAYIN_MODES)
        details = members.get("customer_details")
        texts(details if isinstance(details, dict) else {}, "customer_email", "customer_phone")
        callback_url, party = texts(members, "callback_url", "customer_name")
    else:
        one_of(members, "payment_mode", _PAYOUT_MODES)
        callback_url = ""
        party, *_ = texts(
            members, "beneficiary_name", "beneficiary_acc_number", "beneficiary_ifsc", "beneficiary_bank_name"
        )
    (reference,) = texts(members, "ref_id")
    return Order(
        provider=name,
        account=account,
        kind=kind,
        reference=reference,
        amount_paise=amount_paise(members),
        mode=text(members, "payment_mode"),
        party=party,
        callback_url=callback_url,
        redirect_url=text(members, "redirect_url"),
        remarks=text(members, "remarks"),
    )


def _opened(request: Request) -> dict[str, Any]:
    """Decrypt an order with the key and salt in its own headers."""
    (sealed,) = texts(read_exact(request.body), "payload")
    cipher = _cipher(request.header("x-api-key"), request.header("x-api-salt"))
    try:
        padded = base64.b64decode(sealed, validate=True)
    except binascii.Error as problem:
        raise ValueError("payload is not Base64") from problem
    decryptor, unpadder = cipher.decryptor(), padding.PKCS7(_BLOCK_BITS).unpadder()
    plain = unpadder.update(decryptor.update(padded) + decryptor.finalize()) + unpadder.finalize()
    return read_exact(plain)


def _sealed(plain: bytes, key: str, salt: str) -> str:
    padder, encryptor = padding.PKCS7(_BLOCK_BITS).padder(), _cipher(key, salt).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def _cipher(key: str, salt: str) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES256(_sized(key, _KEY_BYTES)), modes.CBC(_sized(salt, _IV_BYTES)))


def _sized(secret: str, size: int) -> bytes:
    """Size a secret as the provider does: hex of twice the size is decoded, the rest cut or filled with zeros."""
    if len(secret) == 2 * size:
        try:
            return binascii.unhexlify(secret)
        except (binascii.Error, ValueError):
            pass
    raw = secret.encode("utf-8")
    return (raw + bytes(size))[:size]


def build(simulation: Simulation, public_url: str) -> WhiteLabelProvider:
    """Build both brands."""
    return WhiteLabelProvider(simulation, public_url)
