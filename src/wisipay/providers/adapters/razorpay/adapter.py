"""What goes to Razorpay: payment links, payouts with contact and fund account in one call, and questions about both.

Decides the fields of each. Must never send a payout without its idempotency key, which is our reference: the same order
always has the same key, and another order never has it.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final
from urllib.parse import quote, urlencode

import msgspec

from wisipay.core.money import Paise
from wisipay.core.signing import equal, hmac_sha256_hex
from wisipay.providers.adapters.razorpay import inquiries, reading
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
    WebhookRoute,
    WebhookUnreadable,
    WebhookWord,
)
from wisipay.providers.http import ProviderHttp, ProviderRequest
from wisipay.providers.inquiries import BalanceOutcome, Beneficiary, ValidationOutcome
from wisipay.providers.outgoing import basic_authorization, json_body, plain_text
from wisipay.providers.wire import Unreadable, header, read_objects

_PAYIN_MODES: Final = frozenset({"UPI", "QR", "INTENT"})
_PAYOUT_MODES: Final = frozenset({"UPI", "IMPS", "NEFT", "RTGS"})
_ONE_RUPEE: Final = Paise(100)
_NEEDS_BY_MODE: Final = frozenset(
    {("UPI", "vpa")} | {(mode, field) for mode in ("IMPS", "NEFT", "RTGS") for field in ("account_number", "ifsc")}
)
_EXPIRY_MARGIN_SECONDS: Final = 900
"""A link lives this much longer than we wait: Razorpay refuses one that would live for less than 15 minutes."""
_NAME_SIGNS: Final = "'-_/()."
_DESCRIPTION_LONGEST: Final = 2_048
_ACCOUNT_NAME_LONGEST: Final = 120
_CONTACT_NAME_LONGEST: Final = 50
_NARRATION_LONGEST: Final = 30
_PATHS: Final[Mapping[PaymentKind, tuple[str, str]]] = {
    "payin": ("payment_links", "plink_"),
    "payout": ("payouts", "pout_"),
}


class RazorpayCredentials(Credentials, frozen=True):
    """No payouts without `accountNumber`, the account that pays; without `webhookSecret` events are only hints."""

    key_id: Annotated[str, msgspec.Meta(pattern=r"^rzp_(test|live)_[0-9A-Za-z]{6,40}$")]
    key_secret: SecretText
    webhook_secret: SecretText | None = None
    account_number: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{5,35}$")] | None = None
    base_url: BaseUrl = "https://api.razorpay.com/v1"


class RazorpayAdapter:
    """Razorpay on one channel."""

    def __init__(self, credentials: RazorpayCredentials, http: ProviderHttp) -> None:
        self._base_url = credentials.base_url.rstrip("/")
        self._webhook_secret = credentials.webhook_secret
        self._account_number = credentials.account_number
        self._is_live = credentials.key_id.startswith("rzp_live_")
        self._http = http
        self._headers = {
            "Authorization": basic_authorization(credentials.key_id, credentials.key_secret),
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    @property
    def capabilities(self) -> Capabilities:
        """What Razorpay can do with these credentials."""
        return Capabilities(
            payin_modes=_PAYIN_MODES,
            payout_modes=_PAYOUT_MODES if self._account_number else frozenset(),
            checks_status=True,
            signs_webhooks=True,
            not_found_is_definite=False,  # their documentation asks for an hour of questions before that
            reference_max_length=36,  # as the idempotency key; references have 40
            tells_reversals=frozenset({"payout"}),
            payin_rules=OrderRules(amount_min=_ONE_RUPEE),
            payout_rules=OrderRules(amount_min=_ONE_RUPEE, needs_by_mode=_NEEDS_BY_MODE),
            validates=frozenset({"account", "vpa"} if self._account_number else {"vpa"}),
            tells_balance=self._account_number is not None,
        )

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Ask for a payment link, paid in one piece; in live mode one for UPI only."""
        expires_at = order.expires_at
        content = {
            "amount": order.amount,
            "currency": "INR",
            "accept_partial": False,
            "upi_link": True if self._is_live else None,
            "reference_id": order.reference,
            "description": (order.remarks or f"Order {order.reference}")[:_DESCRIPTION_LONGEST],
            "customer": {
                "name": order.customer_name,
                "contact": order.customer_phone,
                "email": order.customer_email,
            },
            "notify": {"sms": False, "email": False},
            "reminder_enable": False,
            "notes": {reading.REFERENCE_NOTE: order.reference},
            "callback_url": order.redirect_url,
            "callback_method": "get" if order.redirect_url else None,
            "expire_by": int(expires_at.timestamp()) + _EXPIRY_MARGIN_SECONDS if expires_at else None,
        }
        url = f"{self._base_url}/payment_links"
        request = ProviderRequest("payin", order.reference, "POST", url, self._headers, json_body(content))
        return await self._http.create(request, partial(reading.read_created, "payin", order.reference))

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a payout; it is refused, not queued, when the account lacks the money."""
        contact = {
            "name": plain_text(order.beneficiary_name, _CONTACT_NAME_LONGEST, also=_NAME_SIGNS),
            "contact": order.phone,
            "type": "customer",
        }
        content = {
            "account_number": self._account_number,
            "amount": order.amount,
            "currency": "INR",
            "mode": order.mode,
            "purpose": "payout",
            "fund_account": {**_instrument(order), "contact": {name: text for name, text in contact.items() if text}},
            "queue_if_low_balance": False,
            "reference_id": order.reference,
            "narration": plain_text(order.remarks or "", _NARRATION_LONGEST) or None,
        }
        headers = {**self._headers, "X-Payout-Idempotency": order.reference}
        url = f"{self._base_url}/payouts"
        request = ProviderRequest("payout", order.reference, "POST", url, headers, json_body(content))
        return await self._http.create(request, partial(reading.read_created, "payout", order.reference))

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by their id where we have it, else for all that have our reference."""
        path, prefix = _PATHS[kind]
        if provider_reference is not None and provider_reference.startswith(prefix):
            question = f"/{quote(provider_reference, safe='')}"
        else:
            account = {"account_number": self._account_number or ""} if kind == "payout" else {}
            question = f"?{urlencode({**account, 'reference_id': reference})}"
        request = ProviderRequest("status", reference, "GET", f"{self._base_url}/{path}{question}", self._headers)
        return await self._http.ask(request, partial(reading.read_status, kind, reference))

    async def validate(self, beneficiary: Beneficiary) -> ValidationOutcome:
        """Ask about a VPA, or have an account validated: by a penny or without one, as Razorpay sees fit."""
        if beneficiary.vpa is not None:
            content: dict[str, object] = {"vpa": beneficiary.vpa}
            request = self._inquiry("validation", beneficiary.reference, "payments/validate/vpa", content)
            return await self._http.ask(request, partial(inquiries.read_vpa, beneficiary.vpa))
        name = plain_text(beneficiary.name, _ACCOUNT_NAME_LONGEST, also=_NAME_SIGNS)
        account = {"name": name, "ifsc": beneficiary.ifsc, "account_number": beneficiary.account_number}
        contact = {"name": name[:_CONTACT_NAME_LONGEST], "type": "customer"}
        content = {
            "source_account_number": self._account_number,
            "validation_type": "optimized",
            "reference_id": beneficiary.reference,
            "fund_account": {"account_type": "bank_account", "bank_account": account, "contact": contact},
        }
        request = self._inquiry("validation", beneficiary.reference, "fund_accounts/validations", content)
        return await self._http.ask(request, inquiries.read_validation)

    async def validated(self, ticket: str) -> ValidationOutcome:
        """Ask what became of a validation of an account; that of a VPA is answered at once."""
        request = self._inquiry("validation", ticket, f"fund_accounts/validations/{quote(ticket, safe='')}")
        return await self._http.ask(request, inquiries.read_validation)

    async def balance(self) -> BalanceOutcome:
        """Ask for the balance of the account that pays."""
        request = self._inquiry("balance", "", "banking_balances?count=100")
        return await self._http.ask(request, partial(inquiries.read_balance, self._account_number or ""))

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read an event; its payload tells what it is about, whatever the route."""
        del kind_of_route
        authentic = self._is_signed(headers, body)
        try:
            events = [reading.read_event(fields, authentic=authentic) for fields in read_objects(body)]
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason
        return tuple(word for words in events for word in words)

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return any success; it must come within five seconds."""
        return 200, "application/json", b'{"status":"ok"}'

    def _inquiry(
        self, operation: str, reference: str, path: str, content: Mapping[str, object] | None = None
    ) -> ProviderRequest:
        method, body = ("GET", None) if content is None else ("POST", json_body(content))
        return ProviderRequest(operation, reference, method, f"{self._base_url}/{path}", self._headers, body)

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        signature = header(headers, "X-Razorpay-Signature")
        if not self._webhook_secret or not signature:
            return False
        return equal(hmac_sha256_hex(self._webhook_secret, body), signature.strip().lower())


def _instrument(order: PayoutOrder) -> dict[str, object]:
    if order.mode == "UPI":
        return {"account_type": "vpa", "vpa": {"address": order.vpa}}
    account = {
        "name": plain_text(order.beneficiary_name, _ACCOUNT_NAME_LONGEST, also=_NAME_SIGNS),
        "ifsc": order.ifsc,
        "account_number": order.account_number,
    }
    return {"account_type": "bank_account", "bank_account": account}
