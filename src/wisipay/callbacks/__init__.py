"""Callbacks to merchants: outbox, signing, delivery, retries, dead letters, replay.

The public face of the slice. `worker` is mounted by entrypoints.
"""

from wisipay.callbacks.delivery import Delivery
from wisipay.callbacks.enqueue import enqueue
from wisipay.callbacks.following import following, latest
from wisipay.callbacks.handover import Outbox, Writing
from wisipay.callbacks.history import (
    NEEDS_A_PERSON,
    AttemptRecord,
    CallbackFilter,
    CallbackRecord,
    find,
    replay,
    replay_matching,
    show,
)
from wisipay.callbacks.model import Attempt, AttemptOutcome, CallbackEvent, CallbackState, ClaimedCallback
from wisipay.callbacks.signing import AmountUnit, SignedCallback, sign
from wisipay.callbacks.store import switch_on

__all__ = [
    "NEEDS_A_PERSON",
    "AmountUnit",
    "Attempt",
    "AttemptOutcome",
    "AttemptRecord",
    "CallbackEvent",
    "CallbackFilter",
    "CallbackRecord",
    "CallbackState",
    "ClaimedCallback",
    "Delivery",
    "Outbox",
    "SignedCallback",
    "Writing",
    "enqueue",
    "find",
    "following",
    "latest",
    "replay",
    "replay_matching",
    "show",
    "sign",
    "switch_on",
]
