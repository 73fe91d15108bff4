"""Callbacks to merchants: outbox, signing, delivery, retries, dead letters, replay.

The public face of the slice. `worker` is mounted by entrypoints.
"""

from wisipay.callbacks.callback_urls import SwitchedOn, UrlSwitchedOff, switch_on_url, switched_off_urls
from wisipay.callbacks.delivery import Delivery
from wisipay.callbacks.endpoints.delivery import EndpointDelivery
from wisipay.callbacks.endpoints.keeping import (
    OVERLAP,
    OVERLAP_MAX,
    EndpointChange,
    EndpointDetails,
    EndpointEvent,
    add_endpoint,
    change_endpoint,
    disable_endpoint,
    enable_endpoint,
    endpoint_details,
    endpoint_of_merchant,
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
from wisipay.callbacks.endpoints.pinging import Ping, ping_endpoint
from wisipay.callbacks.endpoints.replaying import CALLBACK_URL, Range, Resent, resend, resend_page, resend_range
from wisipay.callbacks.enqueue import enqueue
from wisipay.callbacks.following import following, latest
from wisipay.callbacks.handover import Outbox, Writing
from wisipay.callbacks.history import (
    NEEDS_A_PERSON,
    AttemptRecord,
    CallbackFilter,
    CallbackRecord,
    DeliveredEvent,
    DeliveryRecord,
    delivered_to,
    deliveries_of,
    find,
    replay,
    replay_matching,
    show,
)
from wisipay.callbacks.model import Attempt, AttemptOutcome, CallbackEvent, CallbackState, ClaimedCallback
from wisipay.callbacks.proof import ProofKeys, proof_record, read_proof, verify_proof
from wisipay.callbacks.signing import AmountUnit, SignedCallback, sign
from wisipay.callbacks.store import switch_on
from wisipay.callbacks.switching import Patience

__all__ = [
    "CALLBACK_URL",
    "ENDPOINTS_MAX",
    "NEEDS_A_PERSON",
    "OVERLAP",
    "OVERLAP_MAX",
    "AmountUnit",
    "Attempt",
    "AttemptOutcome",
    "AttemptRecord",
    "CallbackEvent",
    "CallbackFilter",
    "CallbackRecord",
    "CallbackState",
    "ClaimedCallback",
    "DeliveredEvent",
    "Delivery",
    "DeliveryRecord",
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
    "Ping",
    "ProofKeys",
    "Range",
    "Resent",
    "SignedCallback",
    "SwitchedOn",
    "UrlSwitchedOff",
    "Writing",
    "add_endpoint",
    "change_endpoint",
    "delivered_to",
    "deliveries_of",
    "disable_endpoint",
    "enable_endpoint",
    "endpoint_details",
    "endpoint_of_merchant",
    "endpoints_of",
    "enqueue",
    "filter_text",
    "find",
    "following",
    "latest",
    "ping_endpoint",
    "proof_record",
    "read_proof",
    "remove_endpoint",
    "replay",
    "replay_matching",
    "resend",
    "resend_page",
    "resend_range",
    "rotate_endpoint_secret",
    "show",
    "sign",
    "switch_on",
    "switch_on_url",
    "switched_off_urls",
    "verify_proof",
]
