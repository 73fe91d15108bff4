"""Callbacks to merchants: outbox, signing, delivery, retries, dead letters, replay.

The public face of the slice. `worker` is mounted by entrypoints.
"""

from wisipay.callbacks.delivery import Delivery
from wisipay.callbacks.enqueue import enqueue
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
from wisipay.callbacks.model import AttemptOutcome, CallbackEvent, CallbackState, ClaimedCallback
from wisipay.callbacks.store import switch_on

__all__ = [
    "NEEDS_A_PERSON",
    "AttemptOutcome",
    "AttemptRecord",
    "CallbackEvent",
    "CallbackFilter",
    "CallbackRecord",
    "CallbackState",
    "ClaimedCallback",
    "Delivery",
    "Outbox",
    "Writing",
    "enqueue",
    "find",
    "replay",
    "replay_matching",
    "show",
    "switch_on",
]
