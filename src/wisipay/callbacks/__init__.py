"""Callbacks to merchants: outbox, signing, delivery, retries, dead letters, replay.

The public face of the slice. `worker` is mounted by entrypoints.
"""

from wisipay.callbacks.delivery import Delivery
from wisipay.callbacks.endpoints.delivery import EndpointDelivery
from wisipay.callbacks.endpoints.keeping import (
    EndpointChange,
    EndpointDetails,
    EndpointEvent,
    add_endpoint,
    change_endpoint,
    disable_endpoint,
    enable_endpoint,
    endpoint_details,
    endpoints_of,
    remove_endpoint,
    rotate_endpoint_secret,
)
from wisipay.callbacks.endpoints.model import (
    ENDPOINTS_MAX,
    DeliveryState,
    Endpoint,
    EndpointStatus,
    NewEndpointSecret,
    filter_text,
)
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
from wisipay.callbacks.switching import Patience

__all__ = [
    "ENDPOINTS_MAX",
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
    "DeliveryState",
    "Endpoint",
    "EndpointChange",
    "EndpointDelivery",
    "EndpointDetails",
    "EndpointEvent",
    "EndpointStatus",
    "NewEndpointSecret",
    "Outbox",
    "Patience",
    "SignedCallback",
    "Writing",
    "add_endpoint",
    "change_endpoint",
    "disable_endpoint",
    "enable_endpoint",
    "endpoint_details",
    "endpoints_of",
    "enqueue",
    "filter_text",
    "find",
    "following",
    "latest",
    "remove_endpoint",
    "replay",
    "replay_matching",
    "rotate_endpoint_secret",
    "show",
    "sign",
    "switch_on",
]
