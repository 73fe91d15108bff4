"""Webhooks from providers: stored first, answered at once, understood afterwards.

The public face of the slice. `http` and `worker` are mounted by entrypoints.
"""

from wisipay.webhooks.debug import Captures
from wisipay.webhooks.history import WebhookRecord, find, replay, replay_dead, show
from wisipay.webhooks.model import ReceivedWebhook, WebhookState
from wisipay.webhooks.processing import OutcomeSink, Processing
from wisipay.webhooks.receiving import Receiving

__all__ = [
    "Captures",
    "OutcomeSink",
    "Processing",
    "ReceivedWebhook",
    "Receiving",
    "WebhookRecord",
    "WebhookState",
    "find",
    "replay",
    "replay_dead",
    "show",
]
