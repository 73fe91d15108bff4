"""What goes to SabioPay: UPI intent addresses for payins, transfers for payouts, and the questions about both.

Decides the fields of each form; every value is hashed exactly as it is sent. Must never send a value that could stand
in another field's place under the hash.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final, Literal

import msgspec

from wisipay.core.money import Paise, rupees_text
from wisipay.providers.adapters.sabiopay import reading
from wisipay.providers.adapters.sabiopay.hashing import hashable, is_hashed, request_hash
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
from wisipay.providers.inquiries import BalanceOutcome
from wisipay.providers.outgoing import form_body
from wisipay.providers.wire import Unreadable, read_objects

_CAPABILITIES: Final = Capabilities(
    payin_modes=frozenset({"UPI", "QR", "INTENT"}),
    payout_modes=frozenset({"IMPS", "NEFT", "RTGS"}),
    checks_status=True,
    signs_webhooks=True,
    not_found_is_definite=False,  # right after an order it may only mean "not yet"
    reference_max_length=30,
    tells_reversals=frozenset({"payout"}),
    payin_rules=OrderRules(amount_min=Paise(100)),
    payout_rules=OrderRules(needs=frozenset({"account_number", "ifsc", "bank_name"}), amount_min=Paise(100)),
    tells_balance=True,
)
_IMPS_LARGEST: Final = Paise(20_000_000)
"""Two lakh rupees: what is above goes by NEFT."""


class SabioPayCredentials(Credentials, frozen=True):
    """`city` and `zipCode` stand in every payin, since the provider asks for them and our merchants give none."""

    api_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z-]{36}$")]
    api_salt: SecretText
    base_url: BaseUrl = "https://pgbiz.sabiopg.in"
    mode: Literal["LIVE", "TEST"] = "LIVE"
    city: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z ]{1,49}$")] = "Mumbai"
    zip_code: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{5}$")] = "400001"


class SabioPayAdapter:
    """SabioPay on one channel."""

    def __init__(self, credentials: SabioPayCredentials, http: ProviderHttp) -> None:
        self._credentials = credentials
        self._base_url = credentials.base_url.rstrip("/")
        self._http = http

    @property
    def capabilities(self) -> Capabilities:
        """What SabioPay can do."""
        return _CAPABILITIES

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Ask for a UPI intent address, which is what the customer opens."""
        values = {
            "amount": rupees_text(order.amount),
            "city": self._credentials.city,
            "country": "IND",
            "currency": "INR",
            "description": order.remarks or f"Order {order.reference}",
            "email": order.customer_email,
            "mode": self._credentials.mode,
            "name": order.customer_name,
            "order_id": order.reference,
            "phone": order.customer_phone,
            "return_url": order.redirect_url or order.webhook_url or "",
            "zip_code": self._credentials.zip_code,
        }
        request = self._request("payin", order.reference, "/v2/getpaymentrequestintenturl", values)
        return await self._http.create(request, partial(reading.read_payin_created, order.reference))

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a transfer; RTGS, and what is over the provider's limit for IMPS, go by NEFT."""
        by_imps = order.mode == "IMPS" and order.amount <= _IMPS_LARGEST
        values = {
            "account_name": order.beneficiary_name,
            "account_number": order.account_number or "",
            "amount": rupees_text(order.amount),
            "bank_name": order.bank_name or "",
            "ifsc_code": order.ifsc or "",
            "merchant_reference_number": order.reference,
            "transfer_type": "IMPS" if by_imps else "NEFT",
        }
        request = self._request("payout", order.reference, "/v3/fundtransfer", values)
        return await self._http.create(request, partial(reading.read_payout_created, order.reference))

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by our reference."""
        del provider_reference
        if kind == "payin":
            request = self._request("status", reference, "/v2/paymentstatus", {"order_id": reference})
            return await self._http.ask(request, partial(reading.read_payin_status, reference))
        values = {"merchant_reference_number": reference}
        request = self._request("status", reference, "/v3/fundtransferstatus", values)
        return await self._http.ask(request, partial(reading.read_payout_status, reference))

    async def balance(self) -> BalanceOutcome:
        """Ask for the balance that transfers are paid from."""
        request = self._request("balance", "", "/v3/fundtransfer/getbalance", {})
        return await self._http.ask(request, reading.read_balance)

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read JSON or a form; a hash covers a whole body, so the words of an array are hints."""
        del headers  # the hash stands in the body
        try:
            objects = read_objects(body)
            is_array = body.lstrip().startswith(b"[")
            authentic = not is_array and is_hashed(self._credentials.api_salt, objects[0], body)
            return tuple(reading.read_word(kind_of_route, fields, authentic=authentic) for fields in objects)
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return any success: the provider looks at nothing but the status."""
        return 200, "application/json", b'{"status":"ok"}'

    def _request(self, operation: str, reference: str, path: str, values: Mapping[str, str]) -> ProviderRequest:
        sent = {"api_key": self._credentials.api_key, **values}
        filled = {name: clean for name, value in sent.items() if (clean := hashable(value))}
        body = form_body({**filled, "hash": request_hash(self._credentials.api_salt, filled)})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return ProviderRequest(operation, reference, "POST", f"{self._base_url}{path}", headers, body)
