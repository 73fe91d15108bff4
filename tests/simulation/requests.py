"""What the product's coroutines wait for in a history: a commit, a provider, a merchant.

A coroutine that would do I/O yields one of these to whoever drives it, and is resumed with the answer or an error.
"""

from __future__ import annotations

from collections.abc import Generator
from types import coroutine
from typing import Any

import msgspec

from wisipay.payments.commands import Command
from wisipay.providers import PayinOrder, PaymentKind, PayoutOrder


class Submit(msgspec.Struct, frozen=True):
    """A command for the desk of the process."""

    command: Command


class Call(msgspec.Struct, frozen=True):
    """An order on its way to a provider."""

    channel_id: str
    kind: PaymentKind
    order: PayinOrder | PayoutOrder


class Ask(msgspec.Struct, frozen=True):
    """A question to a provider about a payment."""

    channel_id: str
    kind: PaymentKind
    reference: str
    provider_reference: str | None


class Tell(msgspec.Struct, frozen=True):
    """A callback on its way to a merchant; `event_id` is its `webhook-id` header."""

    url: str
    event_id: str


Request = Submit | Call | Ask | Tell


@coroutine
def wait_for(request: Request) -> Generator[Request, Any, Any]:
    """Yield the request to the driver and return its answer."""
    return (yield request)
