"""Callbacks to merchants: outbox, signing, delivery, retries, dead letters, replay."""

from wisipay.callbacks.enqueue import enqueue
from wisipay.callbacks.model import Attempt, AttemptOutcome, CallbackEvent, CallbackState

__all__ = ["Attempt", "AttemptOutcome", "CallbackEvent", "CallbackState", "enqueue"]
