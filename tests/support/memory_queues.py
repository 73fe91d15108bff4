"""The outbox and the inbox in memory: what the slices' stores do to PostgreSQL, done to dictionaries.

Leases fence: only the holder of a lease changes what it leased. `now` is the database's clock, handed in by the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from wisipay.callbacks.enqueue import NO_LEASE
from wisipay.callbacks.model import Attempt, AttemptOutcome, CallbackEvent, CallbackState, ClaimedCallback
from wisipay.core.queue import Lease
from wisipay.webhooks.model import ClaimedWebhook, Look, ReceivedWebhook, WebhookState

_STATES = {
    AttemptOutcome.DELIVERED: CallbackState.DELIVERED,
    AttemptOutcome.RETRY: CallbackState.WAITING,
    AttemptOutcome.DEAD: CallbackState.DEAD,
    AttemptOutcome.SWITCHED_OFF: CallbackState.SWITCHED_OFF,
}
"""Where an attempt of each outcome leaves its event."""


@dataclass(slots=True)
class OutboxRow:
    """An event and how far its delivery got."""

    event: CallbackEvent
    position: int
    state: CallbackState
    due_at: datetime
    lease_token: UUID | None = None
    attempts: int = 0
    last_error: str | None = None


@dataclass(slots=True)
class MemoryOutbox:
    """Callback events in the order in which they were enqueued."""

    rows: dict[UUID, OutboxRow] = field(default_factory=dict)
    waiting: dict[UUID, OutboxRow] = field(default_factory=dict)
    """The rows that are WAITING; `laid_aside` are those that only an operator makes due again."""
    laid_aside: dict[UUID, OutboxRow] = field(default_factory=dict)
    of_transaction: dict[str, list[OutboxRow]] = field(default_factory=dict)
    recorded: dict[tuple[UUID, datetime, UUID], Attempt] = field(default_factory=dict)
    gone: set[tuple[str, str, str]] = field(default_factory=set)

    def enqueue(
        self, events: Sequence[CallbackEvent], now: datetime, own: Collection[UUID] = (), lease: Lease = NO_LEASE
    ) -> frozenset[UUID]:
        """Add events; one that is already there stays as it is. Returns which of `own` were leased to `lease`."""
        leased = self.may_lease(events, own)
        for event in events:
            if event.event_id in self.rows:
                continue
            row = OutboxRow(event, len(self.rows) + 1, self._first_state(event), now)
            if event.event_id in leased:
                row.lease_token, row.due_at = lease.token, now + timedelta(seconds=lease.seconds)
            self.rows[event.event_id] = row
            self._set_state(row, row.state)
            self.of_transaction.setdefault(event.transaction_id, []).append(row)
        return leased

    def may_lease(self, events: Sequence[CallbackEvent], own: Collection[UUID]) -> frozenset[UUID]:
        """Return which of `own` may be sent at once: new ones, of whose transactions no event waits."""
        return frozenset(
            event.event_id
            for event in events
            if event.event_id in own
            and event.event_id not in self.rows
            and self._first_state(event) is CallbackState.WAITING
            and not any(row.state is CallbackState.WAITING for row in self.of_transaction.get(event.transaction_id, ()))
        )

    def claim(self, places: Mapping[str, int], token: UUID, lease_seconds: int, now: datetime) -> list[ClaimedCallback]:
        """Lease each merchant's due events, oldest first, never one whose predecessor in its transaction waits."""
        due = [row for row in self.waiting.values() if row.due_at <= now and self._is_head(row)]
        due.sort(key=lambda row: (row.due_at, row.position))
        left = dict(places)
        claimed: list[ClaimedCallback] = []
        for row in due:
            merchant_id = row.event.merchant_id
            if left.get(merchant_id, 0) > 0:
                left[merchant_id] -= 1
                row.lease_token, row.due_at = token, now + timedelta(seconds=lease_seconds)
                claimed.append(ClaimedCallback(row.event, row.attempts, token))
        return claimed

    def renew(self, event_ids: Iterable[UUID], token: UUID, lease_seconds: int, now: datetime) -> None:
        """Prolong the lease on those of the events that `token` still holds."""
        for row in (self.rows[each] for each in event_ids):
            if row.lease_token == token:
                row.due_at = now + timedelta(seconds=lease_seconds)

    def record(self, attempts: Sequence[Attempt], now: datetime) -> list[bool]:
        """Record attempts; answers for each whether it also moved its event, i.e. still held the lease."""
        for attempt in attempts:
            if attempt.outcome is AttemptOutcome.SWITCHED_OFF:
                self._switch_off(attempt)
        spoken_of = {attempt.callback.event.event_id for attempt in attempts}
        return [self._finish(attempt, spoken_of, now) for attempt in attempts]

    def switch_on(self, merchant_id: str, type_: str) -> None:
        """Forget that the merchant's endpoints for this type were gone; replays nothing."""
        self.gone = {each for each in self.gone if each[:2] != (merchant_id, type_)}

    def replay(self, event_ids: Iterable[UUID], now: datetime) -> None:
        """Make events due now with a fresh schedule; what is being sent is left alone."""
        for row in (self.rows[each] for each in event_ids if each in self.rows):
            if row.state is not CallbackState.WAITING or row.lease_token is None or row.due_at <= now:
                self._set_state(row, CallbackState.WAITING)
                row.due_at, row.lease_token, row.attempts = now, None, 0

    def _first_state(self, event: CallbackEvent) -> CallbackState:
        if event.url is None:
            return CallbackState.NO_URL
        is_gone = (event.merchant_id, event.type, event.url) in self.gone
        return CallbackState.SWITCHED_OFF if is_gone else CallbackState.WAITING

    def _set_state(self, row: OutboxRow, state: CallbackState) -> None:
        row.state = state
        event_id = row.event.event_id
        self.waiting.pop(event_id, None)
        self.laid_aside.pop(event_id, None)
        if state is CallbackState.WAITING:
            self.waiting[event_id] = row
        elif state is CallbackState.DEAD or state is CallbackState.SWITCHED_OFF:
            self.laid_aside[event_id] = row

    def _is_head(self, row: OutboxRow) -> bool:
        for earlier in self.of_transaction[row.event.transaction_id]:
            if earlier is row:
                return True
            if earlier.state is CallbackState.WAITING:
                return False
        return True

    def _finish(self, attempt: Attempt, spoken_of: set[UUID], now: datetime) -> bool:
        claimed = attempt.callback
        row = self.rows[claimed.event.event_id]
        self.recorded.setdefault((claimed.event.event_id, attempt.started_at, claimed.lease_token), attempt)
        if row.lease_token != claimed.lease_token:
            return False
        if attempt.outcome is not AttemptOutcome.RETRY:
            self._set_state(row, _STATES[attempt.outcome])
        row.attempts += 1
        row.due_at = now + timedelta(seconds=attempt.gap_seconds)
        row.lease_token, row.last_error = None, attempt.error
        for follower in self.of_transaction[claimed.event.transaction_id]:
            if (
                follower.position > row.position
                and follower.state is CallbackState.WAITING
                and follower.lease_token is None
                and follower.event.event_id not in spoken_of
            ):
                follower.due_at = row.due_at
        return True

    def _switch_off(self, attempt: Attempt) -> None:
        event = attempt.callback.event
        if attempt.url is None:
            return
        self.gone.add((event.merchant_id, event.type, attempt.url))
        for row in list(self.waiting.values()):
            other = row.event
            if (other.merchant_id, other.type, other.url) == (event.merchant_id, event.type, attempt.url) and (
                row.lease_token is None
            ):
                self._set_state(row, CallbackState.SWITCHED_OFF)


@dataclass(slots=True)
class InboxRow:
    """A webhook and what became of it."""

    webhook: ReceivedWebhook
    due_at: datetime
    position: int
    state: WebhookState = WebhookState.WAITING
    lease_token: UUID | None = None
    attempts: int = 0
    result: str | None = None
    last_error: str | None = None


@dataclass(slots=True)
class MemoryInbox:
    """Webhooks in the order in which they came."""

    rows: dict[UUID, InboxRow] = field(default_factory=dict)
    waiting: dict[UUID, InboxRow] = field(default_factory=dict)
    """The rows that are WAITING."""

    def insert(self, webhooks: Iterable[ReceivedWebhook], now: datetime) -> None:
        """Store webhooks, due at once."""
        for webhook in webhooks:
            if webhook.webhook_id not in self.rows:
                row = InboxRow(webhook, now, len(self.rows))
                self.rows[webhook.webhook_id] = self.waiting[webhook.webhook_id] = row

    def claim(self, limit: int, token: UUID, lease_seconds: int, now: datetime) -> list[ClaimedWebhook]:
        """Lease up to `limit` due webhooks, the longest due first."""
        return self.lease(self.lock_due(limit, now), token, lease_seconds, now)

    def lock_due(self, limit: int, now: datetime) -> list[ClaimedWebhook]:
        """Return up to `limit` due webhooks, the longest due first, each with the lease found there."""
        due = [row for row in self.waiting.values() if row.due_at <= now]
        due.sort(key=lambda row: (row.due_at, row.position))
        return [ClaimedWebhook(row.webhook, row.attempts, row.lease_token) for row in due[:limit]]

    def lease(
        self, locked: Iterable[ClaimedWebhook], token: UUID, lease_seconds: int, now: datetime
    ) -> list[ClaimedWebhook]:
        """Lease webhooks that the caller has just locked."""
        leased = [ClaimedWebhook(claimed.webhook, claimed.attempts, token) for claimed in locked]
        for claimed in leased:
            row = self.rows[claimed.webhook.webhook_id]
            row.lease_token, row.due_at = token, now + timedelta(seconds=lease_seconds)
        return leased

    def renew(self, webhook_ids: Iterable[UUID], token: UUID, lease_seconds: int, now: datetime) -> None:
        """Prolong the lease on those of the webhooks that `token` still holds."""
        for row in (self.rows[each] for each in webhook_ids):
            if row.lease_token == token:
                row.due_at = now + timedelta(seconds=lease_seconds)

    def record(self, looks: Iterable[Look], now: datetime) -> list[bool]:
        """Record looks; answers for each whether it still held the lease, and so counted."""
        return [self._finish(look, now) for look in looks]

    def replay(self, webhook_ids: Iterable[UUID], now: datetime) -> None:
        """Make webhooks due now with a fresh schedule; what is being looked at is left alone."""
        for row in (self.rows[each] for each in webhook_ids if each in self.rows):
            if row.state is not WebhookState.WAITING or row.lease_token is None or row.due_at <= now:
                row.state, row.due_at, row.lease_token, row.attempts = WebhookState.WAITING, now, None, 0
                self.waiting[row.webhook.webhook_id] = row

    def _finish(self, look: Look, now: datetime) -> bool:
        row = self.rows[look.claimed.webhook.webhook_id]
        if row.lease_token != look.claimed.lease_token or row.state is not WebhookState.WAITING:
            return False
        row.state, row.lease_token = look.state, None
        if look.state is not WebhookState.WAITING:
            del self.waiting[row.webhook.webhook_id]
        row.attempts += 1
        row.due_at = now + timedelta(seconds=look.gap_seconds)
        row.result, row.last_error = look.result, look.error
        return True
