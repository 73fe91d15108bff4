"""What goes to Cashfree: payment links, transfers, and questions about both.

Decides the fields of each and which of two pairs of keys goes with them: payments and payouts have their own. Must
never believe a webhook by a secret that is not one of this channel's.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Final
from urllib.parse import quote, urlencode

import msgspec

from wisipay.core.money import Paise
from wisipay.core.signing import equal, hmac_sha256
from wisipay.providers.adapters.cashfree import inquiries, reading
from wisipay.providers.base import (
    BaseUrl,
    Capabilities,
    CreateOutcome,
    Credentials,
    OrderRules,
    PayinOrder,
    PaymentKind,
    PayoutOrder,
    SecretText,
    StatusOutcome,
    Unknown,
    WebhookRoute,
    WebhookUnreadable,
    WebhookWord,
)
from wisipay.providers.http import ProviderHttp, ProviderRequest
from wisipay.providers.inquiries import BalanceOutcome, Beneficiary, ValidationOutcome
from wisipay.providers.outgoing import json_body, plain_text, rupees_number
from wisipay.providers.wire import Unreadable, header, read_objects

_ONE_RUPEE: Final = Paise(100)
_CAPABILITIES: Final = Capabilities(
    payin_modes=frozenset({"UPI", "QR", "INTENT"}),
    payout_modes=frozenset({"UPI", "IMPS", "NEFT", "RTGS"}),
    checks_status=True,
    signs_webhooks=True,
    not_found_is_definite=False,  # nothing says how soon after an order it can be found
    reference_max_length=40,
    tells_reversals=frozenset({"payout"}),
    payin_rules=OrderRules(amount_min=_ONE_RUPEE),
    payout_rules=OrderRules(
        amount_min=_ONE_RUPEE,
        needs_by_mode=frozenset(
            {("UPI", "vpa")}
            | {(mode, field) for mode in ("IMPS", "NEFT", "RTGS") for field in ("account_number", "ifsc")}
        ),
    ),
    validates=frozenset({"account", "vpa"}),
    tells_balance=True,
)
_VERSIONS: Final[Mapping[PaymentKind, str]] = {"payin": "2025-01-01", "payout": "2024-01-01"}
_VERIFICATION_VERSION: Final = "2023-12-18"
_BASE_URL: Final = "https://api.cashfree.com"
_OLDER_BASE_URL: Final = "https://payout-api.cashfree.com"
"""Where the API of before V2 is, which alone tells the balance; elsewhere than in production it is at the other one."""
_EXPIRY_MARGIN: Final = timedelta(minutes=15)
"""A link lives this much longer than we wait, so that one which is about to end is not refused."""
_NAME_SIGNS: Final = "'-_/()."
_NAME_LONGEST: Final = 100
_REMARKS_LONGEST: Final = 70
_PURPOSE_LONGEST: Final = 500
_RETURN_URL_LONGEST: Final = 250
"""With a longer address of return the customer stays on their page."""
_ClientId = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_]{8,100}$")]


class CashfreeCredentials(Credentials, frozen=True):
    """The payout keys are those of the payouts dashboard; without them the payment keys stand for both.

    `webhookSecret`: the client secret that signs webhooks where it is an older one that is still active. The
    verification keys are those of Secure ID; likewise.
    """

    client_id: _ClientId
    client_secret: SecretText
    payout_client_id: _ClientId | None = None
    payout_client_secret: SecretText | None = None
    webhook_secret: SecretText | None = None
    verification_client_id: _ClientId | None = None
    verification_client_secret: SecretText | None = None
    base_url: BaseUrl = _BASE_URL


class CashfreeAdapter:
    """Cashfree on one channel."""

    def __init__(self, credentials: CashfreeCredentials, http: ProviderHttp) -> None:
        self._base_url = credentials.base_url.rstrip("/")
        self._http = http
        payout_id = credentials.payout_client_id or credentials.client_id
        payout_secret = credentials.payout_client_secret or credentials.client_secret
        self._headers: Mapping[PaymentKind, Mapping[str, str]] = {
            "payin": _headers("payin", credentials.client_id, credentials.client_secret),
            "payout": _headers("payout", payout_id, payout_secret),
        }
        self._verification_headers = {
            **self._headers["payin"],
            "x-client-id": credentials.verification_client_id or credentials.client_id,
            "x-client-secret": credentials.verification_client_secret or credentials.client_secret,
            "x-api-version": _VERIFICATION_VERSION,
        }
        self._older_url = _OLDER_BASE_URL if self._base_url == _BASE_URL else self._base_url
        self._secrets = {credentials.client_secret, payout_secret, credentials.webhook_secret or payout_secret}

    @property
    def capabilities(self) -> Capabilities:
        """What Cashfree can do."""
        return _CAPABILITIES

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Ask for a payment link, paid by UPI and in one piece."""
        redirect_url = order.redirect_url or ""
        ends_at = order.expires_at + _EXPIRY_MARGIN if order.expires_at else None
        meta = {
            "return_url": redirect_url if len(redirect_url) <= _RETURN_URL_LONGEST else "",
            "notify_url": order.webhook_url,
            "upi_intent": "true" if order.mode == "INTENT" else "false",
            "payment_methods": "upi",
        }
        content = {
            "link_id": order.reference,
            "link_amount": rupees_number(order.amount),
            "link_currency": "INR",
            "link_purpose": (order.remarks or f"Order {order.reference}")[:_PURPOSE_LONGEST],
            "link_partial_payments": False,
            "link_auto_reminders": False,
            "link_notify": {"send_sms": False, "send_email": False},
            "link_expiry_time": ends_at.isoformat("T", "seconds") if ends_at else None,
            "customer_details": {
                "customer_phone": order.customer_phone,
                "customer_email": order.customer_email,
                "customer_name": order.customer_name,
            },
            "link_meta": {name: text for name, text in meta.items() if text},
        }
        url = f"{self._base_url}/pg/links"
        request = ProviderRequest("payin", order.reference, "POST", url, self._headers["payin"], json_body(content))
        return await self._http.create(request, partial(reading.read_created, "payin", order.reference))

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a transfer; its id, our reference, is what keeps it from being made twice."""
        by_vpa = order.mode == "UPI"
        instrument = (
            {"vpa": order.vpa} if by_vpa else {"bank_account_number": order.account_number, "bank_ifsc": order.ifsc}
        )
        beneficiary = {
            "beneficiary_name": plain_text(order.beneficiary_name, _NAME_LONGEST, also=_NAME_SIGNS),
            "beneficiary_instrument_details": instrument,
            "beneficiary_contact_details": {"beneficiary_phone": order.phone} if order.phone else None,
        }
        content = {
            "transfer_id": order.reference,
            "transfer_amount": rupees_number(order.amount),
            "transfer_currency": "INR",
            "transfer_mode": order.mode.lower(),
            "beneficiary_details": {name: value for name, value in beneficiary.items() if value},
            "transfer_remarks": plain_text(order.remarks or "", _REMARKS_LONGEST) or None,
        }
        url = f"{self._base_url}/payout/transfers"
        request = ProviderRequest("payout", order.reference, "POST", url, self._headers["payout"], json_body(content))
        return await self._http.create(request, partial(reading.read_created, "payout", order.reference))

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by our reference, which is the link's or the transfer's id."""
        del provider_reference
        if kind == "payin":
            url = f"{self._base_url}/pg/links/{quote(reference, safe='')}"
        else:
            url = f"{self._base_url}/payout/transfers?{urlencode({'transfer_id': reference})}"
        request = ProviderRequest("status", reference, "GET", url, self._headers[kind])
        return await self._http.ask(request, partial(reading.read_status, kind, reference))

    async def validate(self, beneficiary: Beneficiary) -> ValidationOutcome:
        """Have an account or a VPA verified, which is answered at once."""
        name = plain_text(beneficiary.name, _NAME_LONGEST, also="-.")
        if beneficiary.vpa is not None:
            content = {"verification_id": beneficiary.reference, "vpa": beneficiary.vpa, "name": name}
            path, read = "upi", partial(inquiries.read_vpa, beneficiary.vpa)
        else:
            content = {
                "bank_account": beneficiary.account_number or "",
                "ifsc": beneficiary.ifsc or "",
                "name": name,
            }
            path, read = "bank-account/sync", partial(inquiries.read_account)
        url, headers = f"{self._base_url}/verification/{path}", self._verification_headers
        request = ProviderRequest("validation", beneficiary.reference, "POST", url, headers, json_body(content))
        return await self._http.ask(request, read)

    async def validated(self, ticket: str) -> ValidationOutcome:
        """Return nothing: whatever is asked is answered at once."""
        return Unknown(f"no answer is awaited under {ticket[:40]}")

    async def balance(self) -> BalanceOutcome:
        """Ask for a token of the older API, then for the balance."""
        keys = {name: self._headers["payout"][name] for name in ("x-client-id", "x-client-secret")}
        url = f"{self._older_url}/payout/v1"
        token = await self._http.ask(
            ProviderRequest("balance", "", "POST", f"{url}/authorize", keys), inquiries.read_token
        )
        if isinstance(token, Unknown):
            return token
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await self._http.ask(
            ProviderRequest("balance", "", "GET", f"{url}/getBalance", headers), inquiries.read_balance
        )

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read an event; its type tells what it is about, whatever the route."""
        del kind_of_route
        authentic = self._is_signed(headers, body)
        try:
            events = [reading.read_event(fields, authentic=authentic) for fields in read_objects(body)]
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason
        return tuple(word for words in events for word in words)

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return any success."""
        return 200, "application/json", b'{"status":"ok"}'

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp, signature = header(headers, "x-webhook-timestamp"), header(headers, "x-webhook-signature")
        if not timestamp or not signature:
            return False
        # Time and body are joined with nothing between them, so only digits may stand for the time: a digit of the body
        # cannot be moved into it, because a body begins with a bracket.
        if not timestamp.isdecimal() or not timestamp.isascii():
            return False
        message = timestamp.encode() + body
        wanted = [b64encode(hmac_sha256(secret, message)).decode() for secret in sorted(self._secrets)]
        return any(equal(each, signature.strip()) for each in wanted)


def _headers(kind: PaymentKind, client_id: str, client_secret: str) -> Mapping[str, str]:
    return {
        "x-client-id": client_id,
        "x-client-secret": client_secret,
        "x-api-version": _VERSIONS[kind],
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
