"""Routing as payments use it: gathers what is known of the channels and has `deciding` decide. It calls no provider.

What is known is kept for a quarter of a second, since health, windows and floats change no faster; rules and channels
come with the configuration that the directory keeps. So a payment asks neither PostgreSQL nor Redis.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from wisipay.core.clock import Clock, in_ist
from wisipay.core.money import Paise
from wisipay.merchants import Channel, Directory, RoutingBook, ServiceConfig, ServiceKind, fee_for
from wisipay.payments.errors import PayCode, PaymentError
from wisipay.payments.model import Candidate
from wisipay.payments.routing.board import UNKNOWN_CHANNEL, Board
from wisipay.payments.routing.deciding import decide
from wisipay.payments.routing.matching import RuleIndex
from wisipay.payments.routing.model import Decision, Facts, Place
from wisipay.payments.routing.places import Look, place_of
from wisipay.payments.routing.spending import Spending
from wisipay.providers import Capabilities, HealthStore, ProviderGateway

KEPT: Final = timedelta(milliseconds=250)

_FIELD_OF: Final = {
    "payin": {"name": "customer_name", "email": "customer_email", "phone": "customer_phone"},
    "payout": {
        "name": "beneficiary_name",
        "accountNumber": "account_number",
        "ifsc": "ifsc",
        "bankName": "bank_name",
        "vpa": "vpa",
        "phone": "phone",
    },
}
"""The fields of a provider's order, by the names that a payment's party has for them."""


@dataclass(frozen=True, slots=True)
class Routed:
    """The channels to try, in order, and what is stored of why."""

    candidates: tuple[Candidate, ...]
    record: dict[str, Any]


@dataclass(slots=True)
class _Moment:
    """What is known of the channels for a quarter of a second: one payment sees one moment from beginning to end."""

    book: RoutingBook
    rules: RuleIndex
    capabilities: dict[str, Capabilities | str]
    now: datetime
    boards: dict[tuple[ServiceKind, str], Board] = field(default_factory=dict)
    ready: set[tuple[str, ServiceKind, str, tuple[str, ...]]] = field(default_factory=set)

    def holds_at(self, book: RoutingBook, now: datetime) -> bool:
        """Tell whether this may still be gone by."""
        return book is self.book and self.now <= now < self.now + KEPT


class Router:
    """Routes payments. One per process."""

    def __init__(
        self,
        directory: Directory,
        gateway: ProviderGateway,
        clock: Clock,
        *,
        health: HealthStore | None = None,
        spending: Spending | None = None,
    ) -> None:
        self._directory = directory
        self._gateway = gateway
        self._clock = clock
        self._health = health
        self._spending = spending
        self._latest = _Moment(RoutingBook(), RuleIndex(()), {}, clock.now() - KEPT)

    async def route(self, service: ServiceConfig, facts: Facts) -> Routed:
        """Return the channels for a payment. Raises `PaymentError` when there is none to try."""
        moment = self._moment(await self._directory.routing_book(), self._clock.now())
        decision = await self._decide(moment, service, facts)
        if not decision.ranked and not decision.skipped:
            raise PaymentError(PayCode.ROUTING_MISSING)
        if not decision.ranked:
            unknown = all(reason == UNKNOWN_CHANNEL for _, reason in decision.skipped)
            told = ", ".join(f"{channel_id}: {reason}" for channel_id, reason in decision.skipped)
            raise PaymentError(PayCode.CHANNEL_NOT_FOUND if unknown else PayCode.CHANNEL_INACTIVE, internal=told)
        self._begin(moment, decision.ranked[0], facts)
        channels = moment.book.channels
        candidates = [
            _candidate(channels[channel_id], facts.kind, facts.amount_paise, decision.reason(place))
            for place, channel_id in enumerate(decision.ranked)
        ]
        return Routed(tuple(candidates), decision.record())

    async def dry_run(self, service: ServiceConfig, facts: Facts, at: datetime | None = None) -> Decision:
        """Decide and do nothing about it; `at` another moment than now, its windows and hours hold."""
        book = await self._directory.routing_book()
        moment = _Moment(book, RuleIndex(book.rules), {}, at or self._clock.now())
        return await self._decide(moment, service, facts)

    def _moment(self, book: RoutingBook, now: datetime) -> _Moment:
        latest = self._latest
        if not latest.holds_at(book, now):
            # Rules that are still the same keep what was worked out of them.
            rules = latest.rules if book.rules == latest.book.rules else RuleIndex(book.rules)
            capabilities = latest.capabilities if book is latest.book else {}
            self._latest = latest = _Moment(book, rules, capabilities, now)
        return latest

    async def _decide(self, moment: _Moment, service: ServiceConfig, facts: Facts) -> Decision:
        board = moment.boards.get((facts.kind, facts.mode))
        if board is None:
            board = moment.boards[facts.kind, facts.mode] = Board()
        wanted = (facts.merchant_id, facts.kind, facts.mode, service.routing)
        if wanted not in moment.ready:
            for channel_id in moment.rules.channels_of(facts).union(service.routing):
                channel = moment.book.channels.get(channel_id)
                if channel is not None and channel_id not in board:
                    board.put(await self._place(moment, channel, facts))
            moment.ready.add(wanted)
        return decide(facts, board, moment.rules, service.routing)

    def facts(
        self,
        merchant_id: str,
        kind: ServiceKind,
        mode: str,
        amount_paise: Paise,
        seed: str,
        party: dict[str, Any],
        *,
        redirect_url: str | None = None,
        remarks: str | None = None,
        at: datetime | None = None,
    ) -> Facts:
        """Return what routing goes by in a payment; `seed` is its id."""
        moment = in_ist(at or self._clock.now())
        names = _FIELD_OF[kind]
        fields = {names[name] for name, value in party.items() if value and name in names}
        fields |= {name for name, value in (("redirect_url", redirect_url), ("remarks", remarks)) if value}
        vpa = party.get("vpa") or ""
        return Facts(
            merchant_id=merchant_id,
            kind=kind,
            mode=mode,
            amount_paise=amount_paise,
            minute=moment.hour * 60 + moment.minute,
            seed=seed,
            ifsc=party.get("ifsc") or "",
            vpa_handle=vpa[vpa.index("@") :].lower() if "@" in vpa else "",
            fields=frozenset({*fields, "reference", "amount", "mode", "webhook_url", "expires_at"}),
            reference_length=len(seed),
        )

    async def _place(self, moment: _Moment, channel: Channel, facts: Facts) -> Place:
        capabilities = moment.capabilities.get(channel.id)
        if capabilities is None:
            try:
                capabilities = await self._gateway.capabilities(channel.id)
            except Exception as error:  # noqa: BLE001 - bad credentials of one channel must not stop the others
                capabilities = type(error).__name__
            moment.capabilities[channel.id] = capabilities
        health = None if self._health is None else self._health.health(channel.id, facts.kind)
        look = Look(
            capabilities,
            health,
            may_try=health is not None and health.may_try,
            used=None if self._spending is None else self._spending.used(channel.id, facts.kind),
            told=None if self._spending is None else self._spending.told(channel.id),
        )
        return place_of(moment.book, channel, facts.kind, facts.mode, look, moment.now)

    def _begin(self, moment: _Moment, channel_id: str, facts: Facts) -> None:
        """Note what a payment that goes to this channel first means to the next one."""
        board = moment.boards[facts.kind, facts.mode]
        board.spend(channel_id, facts.amount_paise)
        if self._spending is not None:
            self._spending.sent(channel_id, facts.kind, facts.amount_paise)
        if self._health is not None and board[channel_id].on_trial:
            self._health.tried(channel_id, facts.kind)
            moment.now -= KEPT  # it is over: the next payment must see that somebody tries the channel


def _candidate(channel: Channel, kind: ServiceKind, amount_paise: Paise, reason: str) -> Candidate:
    config = channel.service(kind)
    fee = fee_for(config.tiers, amount_paise)
    return Candidate(
        channel_id=channel.id,
        provider_id=channel.provider_id,
        legal_entity_id=channel.legal_entity_id,
        provider_fee_paise=fee.charge_paise if fee else Paise(0),
        provider_tax_paise=fee.tax_paise if fee else Paise(0),
        daily_limit_paise=config.limits.daily_paise,
        monthly_limit_paise=config.limits.monthly_paise,
        poll_immediately=config.poll_immediately,
        reason=reason,
    )
