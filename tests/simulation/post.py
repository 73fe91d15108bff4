"""Webhooks from the moment a provider writes them until our inbox has them: delayed, lost, repeated, out of order.

A letter's body is its number; reading it as a channel says whether that channel's secret vouches for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from simulation.parties import HABITS
from simulation.provider import Order
from wisipay.core.money import Paise
from wisipay.payments import Kind
from wisipay.providers import ProviderStatus, WebhookUnreadable, WebhookWord
from wisipay.webhooks.model import ReceivedWebhook

Twist = Literal["true", "bare", "by our id", "by its name", "wrong amount", "wrong currency", "garbled"]
TWISTS: tuple[Twist, ...] = ("true", "bare", "by our id", "by its name", "wrong amount", "wrong currency", "garbled")


@dataclass(slots=True)
class Letter:
    """One webhook: to which address, signed by which channel (None: nobody), saying what.

    `hint` is what a channel reads whose secret did not sign it; made when the first one does.
    """

    number: int
    provider_id: str
    legal_entity_id: str | None
    signer: str | None
    word: WebhookWord
    is_readable: bool = True
    hint: WebhookWord | None = None

    def webhook(self, webhook_id: UUID, now: datetime) -> ReceivedWebhook:
        """Return it as it is stored."""
        return ReceivedWebhook(
            webhook_id=webhook_id,
            route="common",
            provider_id=self.provider_id,
            legal_entity_id=self.legal_entity_id,
            headers={},
            body=b"%d" % self.number,
            peer_address=None,
            received_at=now,
        )


@dataclass(slots=True)
class PostOffice:
    """Every letter ever written, and those that are on their way."""

    letters: list[Letter] = field(default_factory=list)
    on_the_way: list[Letter] = field(default_factory=list)

    def write(self, order: Order, twist: Twist = "true") -> Letter:
        """Let a provider write how an order stands; what it signs truthfully counts as said."""
        habits = HABITS[order.provider_id]
        signer = order.channel_id if habits.signs else None
        is_true = twist not in {"wrong amount", "wrong currency", "garbled"}
        if signer is not None and (is_true or order.status is not ProviderStatus.SUCCESS):
            order.said.add(order.status)
        address = None if habits.one_address else order.legal_entity_id
        return self._send(order.provider_id, address, signer, word_of(order, twist), is_readable=twist != "garbled")

    def forge(self, word: WebhookWord, provider_id: str, legal_entity_id: str | None, signer: str | None) -> Letter:
        """Let somebody else write: unsigned, or with the secret of a channel that the payment is not on."""
        return self._send(provider_id, legal_entity_id, signer, word)

    def read(self, body: bytes, channel_id: str) -> tuple[WebhookWord, ...]:
        """Read a letter as this channel."""
        letter = self.letters[int(body)]
        if not letter.is_readable:
            raise WebhookUnreadable("garbled")
        if letter.signer == channel_id:
            return (letter.word,)
        if letter.hint is None:
            letter.hint = replace(letter.word, authentic=False)
        return (letter.hint,)

    def _send(
        self, provider_id: str, address: str | None, signer: str | None, word: WebhookWord, *, is_readable: bool = True
    ) -> Letter:
        letter = Letter(len(self.letters), provider_id, address, signer, word, is_readable)
        self.letters.append(letter)
        self.on_the_way.append(letter)
        return letter


def word_of(order: Order, twist: Twist = "true") -> WebhookWord:
    """Return what a provider says of an order, signed."""
    amount: Paise | None = order.amount
    if twist == "wrong amount":
        amount = Paise(order.amount + 1)
    elif twist == "bare":
        amount = None
    return WebhookWord(
        kind="payin" if order.kind is Kind.PAYIN else "payout",
        reference=None if twist == "by its name" else order.reference,
        provider_reference=None if twist == "by our id" else order.name,
        status=order.status,
        amount=amount,
        currency="USD" if twist == "wrong currency" else None if twist == "bare" else "INR",
        utr=f"UTR{order.name}",
        message=None,
        authentic=True,
    )
