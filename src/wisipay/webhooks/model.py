"""The words of the webhooks slice: what a provider sent us, and what became of it.

Pure types, and the schedule of second looks. Nothing here may do I/O or read a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from wisipay.providers import WebhookRoute

BODY_MAX_BYTES: Final = 65_536

GAPS_SECONDS: Final = (1, 2, 5, 15, 60, 300, 900)
"""Waits between looks at a webhook that could not be applied: it may have overtaken our own commit, or the database or
the provider's status check may be down. About 21 minutes in all; after that a person looks at it."""


class WebhookState(StrEnum):
    """Where a stored webhook stands."""

    WAITING = "WAITING"
    DONE = "DONE"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedWebhook:
    """A webhook exactly as it came, header names in lower case.

    `legal_entity_id` is None where the provider calls one address for all its legal entities.
    """

    webhook_id: UUID
    route: WebhookRoute
    provider_id: str
    legal_entity_id: str | None
    headers: Mapping[str, str]
    body: bytes
    peer_address: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimedWebhook:
    """A webhook leased to this worker, or locked by it. `attempts` looks were taken before this one.

    `lease_token` is what the row carries: that of a locked one is of a lease that ran out, or None.
    """

    webhook: ReceivedWebhook
    attempts: int
    lease_token: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one look at a webhook ended. WAITING means: again after `gap_seconds`."""

    claimed: ClaimedWebhook
    state: WebhookState
    gap_seconds: int = 0
    result: str | None = None
    error: str | None = None


def again_or_dead(claimed: ClaimedWebhook, *, error: str, result: str | None = None) -> Look:
    """Give the webhook another look later while the schedule lasts, then lay it aside as dead."""
    if claimed.attempts >= len(GAPS_SECONDS):
        return Look(claimed=claimed, state=WebhookState.DEAD, error=error, result=result)
    gap_seconds = GAPS_SECONDS[claimed.attempts]
    return Look(claimed=claimed, state=WebhookState.WAITING, gap_seconds=gap_seconds, error=error, result=result)
