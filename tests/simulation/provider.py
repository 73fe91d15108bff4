"""The providers' own books: what reached them, how it stands with them, and what they have said of it.

The truth that a history's outcome is judged by. A provider here executes whatever reaches it, as often as it does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulation.broken import Broken
from simulation.requests import Call
from wisipay.core.money import Paise
from wisipay.payments import Kind
from wisipay.payments.model import split_reference
from wisipay.providers import Accepted, ProviderStatus, StatusReport

ID_LENGTH = 25
GOING = frozenset({ProviderStatus.PENDING, ProviderStatus.PROCESSING})


@dataclass(slots=True, eq=False)
class Order:
    """One order that reached a provider; `name` is the provider's own reference for it.

    `said` is every status that it told of in a way that we must believe, with an amount that agrees with ours.
    """

    channel_id: str
    provider_id: str
    legal_entity_id: str
    kind: Kind
    transaction_id: str
    attempt: int
    reference: str
    amount: Paise
    name: str
    status: ProviderStatus = ProviderStatus.PENDING
    said: set[ProviderStatus] = field(default_factory=set)

    @property
    def is_going(self) -> bool:
        """Whether its end is still open."""
        return self.status in GOING

    def accepted(self) -> Accepted:
        """Say that it was taken, as it stands."""
        self.said.add(self.status)
        return Accepted(self.status, self.name, payment_url=f"https://pay.example/{self.name}", amount=self.amount)

    def report(self) -> StatusReport:
        """Say how it stands."""
        self.said.add(self.status)
        return StatusReport(self.status, self.name, utr=f"UTR{self.name}", amount=self.amount)


@dataclass(slots=True)
class Provider:
    """All orders of all providers, by channel and our reference."""

    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    of_payment: dict[str, list[Order]] = field(default_factory=dict)

    def take(self, call: Call) -> Order:
        """Execute an order that arrived. Raises `Broken` when it came before: an order is sent at most once."""
        reference = call.order.reference
        provider_id, _, legal_entity_id = call.channel_id.partition("_")
        named = split_reference(reference, ID_LENGTH)
        if named is None:
            raise Broken("reference", f"{reference} names no payment")
        if (call.channel_id, reference) in self.orders:
            raise Broken("sent twice", f"{reference} to {call.channel_id}")
        order = Order(
            channel_id=call.channel_id,
            provider_id=provider_id,
            legal_entity_id=legal_entity_id,
            kind=Kind.PAYIN if call.kind == "payin" else Kind.PAYOUT,
            transaction_id=named[0],
            attempt=named[1],
            reference=reference,
            amount=call.order.amount,
            name=f"P{len(self.orders) + 1}",
        )
        others = self.of_payment.setdefault(order.transaction_id, [])
        if order.kind is Kind.PAYOUT and any(other.status is not ProviderStatus.FAILED for other in others):
            raise Broken(
                "executed twice", f"payout {reference} on {call.channel_id}, and before on {others[0].channel_id}"
            )
        others.append(order)
        self.orders[call.channel_id, reference] = order
        return order

    def find(self, channel_id: str, reference: str) -> Order | None:
        """Return the order that reached this channel under our reference."""
        return self.orders.get((channel_id, reference))
