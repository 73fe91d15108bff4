"""What can be set to go wrong: the closed list of faults and the settings of `PUT /control/faults`. Types only.

Which request meets which fault is chosen in `behaviour.py`.
"""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wisipay_simulator.tokens import MAX_MS

RequestKind = Literal["payin", "payout", "status"]
REQUEST_KINDS: tuple[RequestKind, ...] = ("payin", "payout", "status")
Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
Milliseconds = Annotated[int, Meta(ge=0, le=MAX_MS)]


class Fault(StrEnum):
    """What goes wrong with one request. The value is its name in `PUT /control/faults`."""

    REJECT = "reject"
    MAINTENANCE = "maintenance"
    THROTTLE = "throttle"
    HTTP_500 = "http_500"
    HTTP_500_AFTER_EXECUTING = "http_500_after_executing"
    TIMEOUT_BEFORE_EXECUTING = "timeout_before_executing"
    TIMEOUT_AFTER_EXECUTING = "timeout_after_executing"
    ANSWER_LOST = "answer_lost"
    BROKEN_JSON = "broken_json"
    NOT_FOUND = "not_found"
    STALE = "stale"


TIMEOUTS = frozenset({Fault.TIMEOUT_BEFORE_EXECUTING, Fault.TIMEOUT_AFTER_EXECUTING})
EXECUTES = frozenset(
    {Fault.HTTP_500_AFTER_EXECUTING, Fault.TIMEOUT_AFTER_EXECUTING, Fault.ANSWER_LOST, Fault.BROKEN_JSON}
)


class KindShares(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share per kind of request."""

    payin: Share = 0.0
    payout: Share = 0.0
    status: Share = 0.0


class Fixed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="fixed", tag_field="kind"):
    """Always the same delay."""

    ms: Milliseconds


class Uniform(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="uniform", tag_field="kind"):
    """Any delay between two bounds."""

    from_ms: Milliseconds
    to_ms: Milliseconds


class Lognormal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lognormal", tag_field="kind"):
    """A long-tailed delay, as real networks have; `sigma` 0.5 is mild, 1.5 is wild."""

    median_ms: Annotated[int, Meta(ge=1, le=MAX_MS)]
    sigma: Annotated[float, Meta(ge=0, le=4)]


Delay = Milliseconds | Fixed | Uniform | Lognormal
Shares = Share | KindShares


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How accepted payments end, as weights against each other."""

    success: Weight = 1.0
    failure: Weight = 0.0
    pending: Weight = 0.0
    expired: Weight = 0.0

    def __post_init__(self) -> None:
        """Refuse weights of which none is above zero."""
        if not self.success + self.failure + self.pending + self.expired:
            raise ValueError("at least one outcome needs a weight above zero")


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that `PUT /control/faults` sets. The defaults are a provider that works."""

    latency: Delay = 0
    timeout_ms: Milliseconds = 15_000
    complete_after_ms: Delay = 2_000
    outcome: Outcome = Outcome()
    instant: Shares = 0.0
    accept_duplicate: Shares = 0.0
    reject: Shares = 0.0
    maintenance: Shares = 0.0
    throttle: Shares = 0.0
    http_500: Shares = 0.0
    http_500_after_executing: Shares = 0.0
    timeout_before_executing: Shares = 0.0
    timeout_after_executing: Shares = 0.0
    answer_lost: Shares = 0.0
    broken_json: Shares = 0.0
    not_found: Shares = 0.0
    stale: Shares = 0.0
    reverse: Share = 0.0
    reverse_after_ms: Delay = 2_000
    webhook_missing: Share = 0.0
    webhook_late_ms: Delay = 0
    webhook_duplicate: Share = 0.0
    webhook_early: Share = 0.0
    webhook_out_of_order: Share = 0.0
    webhook_wrong_amount: Share = 0.0
    webhook_wrong_currency: Share = 0.0
    webhook_forged: Share = 0.0
    webhook_unsigned: Share = 0.0
    webhook_broken: Share = 0.0
    webhook_unknown_reference: Share = 0.0

    def __post_init__(self) -> None:
        """Refuse shares that together claim more requests of a kind than there are."""
        for kind in REQUEST_KINDS:
            total = sum(share_of(getattr(self, fault), kind) for fault in Fault)
            if total > 1.0 + 1e-9:
                raise ValueError(f"the shares of {kind} requests add up to {total:.3f}, more than 1")


def share_of(shares: Shares, kind: RequestKind) -> float:
    """Return the share that applies to one kind of request. NOT a share of money."""
    return float(getattr(shares, kind)) if isinstance(shares, KindShares) else float(shares)
