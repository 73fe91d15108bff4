"""Wisipay for a merchant's program: start payins and payouts, ask how they stand, verify callbacks.

Sync (`Wisipay`) and async (`AsyncWisipay`) alike. Needs nothing of the server but its address. This file is the
package's public face.
"""

from wisipay_sdk.async_client import AsyncWisipay
from wisipay_sdk.callbacks import Callback, verify_callback
from wisipay_sdk.client import Wisipay
from wisipay_sdk.developer import ApiRequest, Attempt, EndpointDelivery, Environment, Event, EventDetail, Page
from wisipay_sdk.developer_calls import Place, RequestFilter
from wisipay_sdk.errors import (
    CallbackNotAuthentic,
    InvalidAnswer,
    NoAnswer,
    PaymentRefused,
    Refused,
    WisipayError,
)
from wisipay_sdk.models import (
    Payin,
    PayinOrder,
    PaymentState,
    PaymentType,
    Payout,
    PayoutOrder,
    Status,
)
from wisipay_sdk.retries import Retries
from wisipay_sdk.signing import sign_request

__all__ = [
    "ApiRequest",
    "AsyncWisipay",
    "Attempt",
    "Callback",
    "CallbackNotAuthentic",
    "EndpointDelivery",
    "Environment",
    "Event",
    "EventDetail",
    "InvalidAnswer",
    "NoAnswer",
    "Page",
    "Payin",
    "PayinOrder",
    "PaymentRefused",
    "PaymentState",
    "PaymentType",
    "Payout",
    "PayoutOrder",
    "Place",
    "Refused",
    "RequestFilter",
    "Retries",
    "Status",
    "Wisipay",
    "WisipayError",
    "sign_request",
    "verify_callback",
]
