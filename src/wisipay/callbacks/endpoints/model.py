"""The words of endpoints: what one is, which events it wants, and what is on its way to it.

Pure types and the reading of filters and secrets. Nothing here may do I/O, read a clock or show a secret.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from wisipay.callbacks.model import CallbackEvent, ClaimedCallback, PaymentType
from wisipay.merchants import InvalidValue

ENDPOINTS_MAX: Final = 10
"""Endpoints that one merchant may have."""

SECRET_BYTES: Final = 32
EVERYTHING: Final = "all"
STATUSES: Final = ("SUCCESS", "FAILED", "EXPIRED", "REVERSED")
"""The status words that a callback may tell."""

_ANY_STATUS: Final = "*"
_KEY_MARK: Final = "whsec_"
_TYPES: Final[tuple[PaymentType, PaymentType]] = ("PAYIN", "PAYOUT")
_WORDS: Final = frozenset(f"{type_}.{status}" for type_ in _TYPES for status in (*STATUSES, _ANY_STATUS))


class EndpointStatus(StrEnum):
    """Whether an endpoint is sent to. REMOVED ones are kept for their proofs only."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    REMOVED = "REMOVED"


class DeliveryState(StrEnum):
    """Where a delivery stands. Only WAITING ones are ever sent."""

    WAITING = "WAITING"
    PAUSED = "PAUSED"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    SWITCHED_OFF = "SWITCHED_OFF"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint as its merchant sees it. `wanted` is empty for every event; `disabled_*` are set while it is off."""

    id: str
    merchant_id: str
    url: str
    description: str
    wanted: tuple[str, ...]
    status: EndpointStatus
    disabled_reason: str | None
    disabled_at: datetime | None
    created_at: datetime

    def wants(self, event: CallbackEvent) -> bool:
        """Whether its filter lets an event through; says what the statement that writes events does."""
        words = {f"{event.type}.{event.status}", f"{event.type}.{_ANY_STATUS}"}
        return not self.wanted or not words.isdisjoint(self.wanted)


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret of an endpoint as it is stored; it signs until `retires_at`."""

    id: str
    sealed: bytes = field(repr=False)
    created_at: datetime
    retires_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewEndpointSecret:
    """A secret that was just made; `value` is shown once."""

    id: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Addressee:
    """What a delivery needs of its endpoint: the endpoint, and its valid secrets, newest first."""

    endpoint: Endpoint
    secrets: tuple[SealedSecret, ...]


class ClaimedDelivery(msgspec.Struct, frozen=True):
    """A delivery leased to this worker: its event with the attempts made so far, and where it goes."""

    callback: ClaimedCallback
    addressee: Addressee

    @property
    def key(self) -> tuple[UUID, str]:
        """Event and endpoint: what a delivery is known by."""
        return self.callback.event.event_id, self.addressee.endpoint.id


def read_filter(given: Iterable[str]) -> tuple[str, ...]:
    """Read words such as `payin.success`, `payout.*` or `all`; empty for every event. Raises InvalidValue."""
    words = [word.strip().upper() for each in given for word in each.split(",") if word.strip()]
    if not words or EVERYTHING.upper() in words:
        return ()
    wrong = [word for word in words if word not in _WORDS]
    if wrong:
        statuses = ", ".join(status.lower() for status in STATUSES)
        problem = f"{wrong[0].lower()[:40]!r} is none; wants all, payin.* or payout.*, or one of them with {statuses}"
        raise InvalidValue("events", problem)
    return tuple(sorted(set(words)))


def filter_text(wanted: Iterable[str]) -> str:
    """Write a filter as it is given."""
    return ", ".join(word.lower() for word in wanted) or EVERYTHING


def secret_text(key: bytes) -> str:
    """Write a key as Standard Webhooks wants it: `whsec_` and its base64."""
    return _KEY_MARK + b64encode(key).decode()


def secret_key(text: str) -> bytes:
    """Return the key inside `whsec_...`."""
    return b64decode(text.removeprefix(_KEY_MARK), validate=True)
