"""What an adapter's test case tells the contract tests: its wire format, in answers and webhooks.

A new adapter adds one file `tests/contract/case_<name>.py` with a subclass called `Case`; every test of the contract
then runs for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from support.loopback import Received, WireAnswer
from wisipay.core.money import Paise
from wisipay.providers import PaymentKind, ProviderStatus, WebhookRoute


@dataclass(frozen=True)
class WireWebhook:
    """One webhook as it comes over the wire."""

    headers: Mapping[str, str]
    body: bytes


class ProviderCase(ABC):
    """One adapter's wire format. `kinds`: what it can create. Amounts are in paise."""

    name: str
    kinds: Sequence[PaymentKind]
    payin_mode: str = "UPI"
    payout_mode: str = "IMPS"
    amount: Paise = Paise(10_010)
    """What the orders of the tests are over; whole rupees where the provider takes no paise."""
    echoes_reference: bool = True
    """Whether its answers name our reference."""
    public_credentials: Sequence[str] = ("baseUrl", "payoutBaseUrl")
    """The fields of its credentials that are no secrets."""
    unchecked: Sequence[PaymentKind] = ()
    """The kinds that it cannot be asked about."""

    @abstractmethod
    def credentials(self, base_url: str) -> Mapping[str, str]:
        """Return credentials under which the adapter calls `base_url` and its webhooks verify."""

    @abstractmethod
    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        """Return every status word of the provider and what it means for this kind, an unknown word included."""

    def create_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        """Return the words of an answer that takes an order, where they are others than those of a status check."""
        return self.status_words(kind)

    def webhook_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        """Return the words of a webhook, where they are others than those of a status check."""
        return self.status_words(kind)

    def gives_reference(self, kind: PaymentKind) -> bool:
        """Tell whether the answer to an order names the payment in the provider's own way."""
        del kind
        return True

    def names(self, kind: PaymentKind, reference: str) -> str:
        """Return what our reference is on this provider's wire."""
        del kind
        return reference

    def in_clear(self, request: Received) -> bytes:
        """Return path and body of a request, decrypted where the provider has it encrypted."""
        return request.path.encode() + b"\n" + request.body

    @abstractmethod
    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        """Return the answer that takes an order; `amount` stands in it as it is given."""

    @abstractmethod
    def amounts(self) -> Mapping[str, msgspec.Raw]:
        """Return the ways to write `amount` in JSON that the provider is known to use: text, number, paise."""

    def broken_amounts(self) -> Sequence[msgspec.Raw]:
        """Return amounts that must make an answer unreadable."""
        return [msgspec.Raw(text) for text in (b'"100.105"', b'"abc"', b"true", b"-1", b"1e400", b"[]", b"0.001")]

    @abstractmethod
    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        """Return the answers that say for certain: not executed."""

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer | None:
        """Return the answer to a reference used before, or None where the provider has no such answer."""
        del kind, reference, word
        return None

    @abstractmethod
    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        """Return the answer to a status check."""

    def not_found(self, kind: PaymentKind) -> WireAnswer | None:
        """Return the answer to a status check for an unknown payment, or None where there is none such."""
        del kind
        return None

    @abstractmethod
    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        """Return a webhook as the provider sends it, signed where it signs."""

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        """Return the same news in other shapes that the provider is known to use: an array, a form."""
        del kind, reference, word
        return ()

    def forged(self, webhook: WireWebhook) -> Sequence[WireWebhook]:
        """Return fakes of a webhook: unsigned, signed with a wrong key, or with a body changed after signing."""
        return (webhook,)

    def route(self, kind: PaymentKind) -> WebhookRoute:
        """Return the route to which the provider posts news of this kind."""
        return kind
