"""The words between us and any payment provider: orders, outcomes, webhooks and the adapter interface.

Decides the vocabulary only. Must never do I/O, read a clock, or know a provider by name.

The law of outcomes: `Rejected` is given only when it is certain that nothing was executed, `Accepted` only on the
provider's own word, and everything else (time-out, broken connection after sending, 5xx, an answer that cannot be read)
is `Unknown`. An unknown payout keeps its hold and is asked about; it is never sent again and never failed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Protocol, TypeAlias

import msgspec

from wisipay.core.money import Paise

PaymentKind: TypeAlias = Literal["payin", "payout"]
WebhookRoute: TypeAlias = Literal["payin", "payout", "common"]

BaseUrl: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2_000)]
"""Where a provider's API lives: http or https, no user, query or fragment."""
SecretText: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=8_000)]
"""A key, salt or token of a channel; long enough for a PEM key."""


class ProviderStatus(StrEnum):
    """What a provider says about one payment, in our words. An unknown word of a provider is PENDING."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    REVERSED = "REVERSED"


@dataclass(frozen=True, slots=True)
class OrderRules:
    """What a provider asks of an order of one kind, beyond its mode; what does not fit is refused before it is sent.

    `needs`: the fields of the order that must hold something; `needs_by_mode`: further ones, pairs of mode and field.
    `takes_paise=False`: whole rupees only. Amounts in paise.
    """

    needs: frozenset[str] = frozenset()
    needs_by_mode: frozenset[tuple[str, str]] = frozenset()
    takes_paise: bool = True
    amount_min: Paise | None = None
    amount_max: Paise | None = None


ANY_ORDER: Final = OrderRules()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do. A kind without modes is one that it does not do.

    `checks_status`: it can be asked how a payment stands, but for `unchecked_kinds`.
    `not_found_is_definite`: a `NotFound` from a status check proves that the payment was never executed.
    `reference_max_length`: the longest reference of ours that it takes, in characters.
    `numeric_kinds`: those whose reference must be of digits only; the adapter sends and hears `numeric_name` in its
    place, and tells it as the provider's reference, which payments keep under a unique key.
    `tells_reversals`: the kinds for which it has a word for money that came back after a success.
    `validates`: of which beneficiaries (`account`, `vpa`) it can tell whether they can be paid, and `tells_balance`: it
    can tell what its provider holds of ours; see `inquiries`.
    """

    payin_modes: frozenset[str]
    payout_modes: frozenset[str]
    checks_status: bool
    signs_webhooks: bool
    not_found_is_definite: bool
    reference_max_length: int
    unchecked_kinds: frozenset[PaymentKind] = frozenset()
    numeric_kinds: frozenset[PaymentKind] = frozenset()
    tells_reversals: frozenset[PaymentKind] = frozenset({"payin", "payout"})
    payin_rules: OrderRules = ANY_ORDER
    payout_rules: OrderRules = ANY_ORDER
    validates: frozenset[str] = frozenset()
    tells_balance: bool = False

    def checks(self, kind: PaymentKind) -> bool:
        """Tell whether payments of this kind can be asked about."""
        return self.checks_status and kind not in self.unchecked_kinds

    def modes(self, kind: PaymentKind) -> frozenset[str]:
        """Return the modes of a kind; empty where it is not done at all."""
        return self.payin_modes if kind == "payin" else self.payout_modes

    def rules(self, kind: PaymentKind) -> OrderRules:
        """Return what an order of this kind must bring."""
        return self.payin_rules if kind == "payin" else self.payout_rules


class PayinOrder(msgspec.Struct, frozen=True):
    """A collection to start. `reference` is ours and unique per attempt; `amount` is in paise.

    `expires_at`: when we give it up; where a provider can be told, it should not take payments for much longer.
    """

    reference: str
    amount: Paise
    mode: str
    customer_name: str
    customer_email: str
    customer_phone: str
    remarks: str | None = None
    redirect_url: str | None = None
    webhook_url: str | None = None
    expires_at: datetime | None = None


class PayoutOrder(msgspec.Struct, frozen=True):
    """A disbursement to start: to an account (number and IFSC) or, for UPI, to a VPA. `amount` is in paise."""

    reference: str
    amount: Paise
    mode: str
    beneficiary_name: str
    account_number: str | None = None
    ifsc: str | None = None
    bank_name: str | None = None
    vpa: str | None = None
    phone: str | None = None
    remarks: str | None = None
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the order and gave it this status (which may be FAILED: its own, definite word)."""

    status: ProviderStatus
    provider_reference: str | None = None
    payment_url: str | None = None
    utr: str | None = None
    amount: Paise | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """For certain not executed. `sent=False`: not a byte of the order left us.

    `outage=True`: the provider said that it cannot serve anybody now (maintenance); the circuit breaker counts it.
    """

    code: str
    message: str
    sent: bool
    outage: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say whether the order was executed, or how it stands. `reason` is for logs and operators.

    `provider_reference`: under what the provider will speak of it, where the adapter knows that before any answer.
    """

    reason: str
    provider_reference: str | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The provider's own answer to our question about a payment. `amount` in paise; None where it tells none."""

    status: ProviderStatus
    provider_reference: str | None = None
    utr: str | None = None
    amount: Paise | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """The provider says that it knows no such payment. Definite only where the capabilities say so."""

    message: str


CreateOutcome: TypeAlias = Accepted | Rejected | Unknown
StatusOutcome: TypeAlias = StatusReport | NotFound | Unknown


@dataclass(frozen=True, slots=True)
class WebhookWord:
    """One payment's news from a webhook. `authentic=False`: only a hint, to be confirmed by a status check."""

    kind: PaymentKind
    reference: str | None
    provider_reference: str | None
    status: ProviderStatus
    amount: Paise | None
    currency: str | None
    utr: str | None
    message: str | None
    authentic: bool


class WebhookUnreadable(Exception):  # noqa: N818 -- names the fact, like NotFound and Unknown beside it
    """The body is not what this provider sends; it belongs on the dead-letter list."""


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Base of every adapter's credentials schema; shows the names of its fields, never their values."""

    def __repr__(self) -> str:
        names = ", ".join(self.__struct_fields__)
        return f"{type(self).__name__}({names})"


class ProviderAdapter(Protocol):
    """One provider's wire format, built per channel as `AdapterClass(credentials, http)`.

    The three calls never raise for anything that a network or a provider can do: it comes back as an outcome.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter can do."""
        ...

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Ask the provider to start a collection; sent at most once."""
        ...

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Ask the provider to start a disbursement; sent at most once."""
        ...

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask how a payment stands; safe to repeat."""
        ...

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read a webhook (pure). Raises `WebhookUnreadable`."""
        ...

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """HTTP status, content type and body with which the provider wants its webhook answered."""
        ...
