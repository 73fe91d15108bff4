"""Every way a payment can go: each answer of the provider with each order of its webhooks and each fault.

Pure. The tokens are the simulator's (docs/simulator.md); the ends are those of the lifecycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["payin", "payout"]
KINDS: Final[tuple[Kind, Kind]] = ("payin", "payout")

OUTCOMES: Final = {"success": ("sim:after=300", "SUCCESS"), "failure": ("sim:fail sim:after=300", "FAILED")}
WEBHOOKS: Final = {
    "in order": "",
    "missing": "sim:webhook-missing",
    "late": "sim:late=2000",
    "early": "sim:webhook-early",
    "three times": "sim:webhook-duplicate=3",
    "out of order": "sim:webhook-out-of-order",
    "forged": "sim:webhook-forged",
    "unsigned": "sim:webhook-unsigned",
    "broken": "sim:webhook-broken",
    "unknown reference": "sim:webhook-unknown-reference",
}
FAULTS: Final = {
    "answered": "",
    "answer lost": "sim:answer-lost",
    "half an answer": "sim:broken-json",
    "error page": "sim:http-500-after-executing",
    "time-out": "sim:timeout-after-executing",
}
STATUS_FAULTS: Final = (
    *("http-500", "timeout", "answer-lost", "broken-json"),
    *("throttle", "maintenance", "not-found", "stale"),
)


@dataclass(frozen=True)
class Scenario:
    """One payment: what its provider does, what its merchant is answered, how it ends.

    `alone` has channels of its own, because it makes their status checks fail. `by_hand` is what the customer or the
    bank does once the payment has reached `after`.
    """

    name: str
    kind: Kind
    tokens: str
    ends: str
    answers: frozenset[int] = frozenset({200})
    flag: str = ""
    attempts: int = 1
    fallback: bool = False
    alone: bool = False
    poor: bool = False
    by_hand: str = ""
    after: str = ""

    @property
    def is_held(self) -> bool:
        """Whether it waits for an operator, so that the books rightly disagree."""
        return self.flag == "AMOUNT_MISMATCH"


def scenarios() -> tuple[Scenario, ...]:
    """Return all of them, each by a name of its own."""
    return (*_crossed(), *(each for kind in KINDS for each in _answers(kind)), *_payins(), *_payouts())


def _crossed() -> Iterator[Scenario]:
    for kind in KINDS:
        for outcome, (tokens, ends) in OUTCOMES.items():
            for webhook, order in WEBHOOKS.items():
                for fault, trouble in FAULTS.items():
                    answers = {200}
                    if trouble and kind == "payin":
                        answers.add(504)
                    if ends == "FAILED":
                        answers.add(400)  # the failure may be known before the answer is given
                    whole = " ".join(f"{tokens} {order} {trouble}".split())
                    yield Scenario(
                        f"{kind}, {outcome}, webhook {webhook}, {fault}", kind, whole, ends, frozenset(answers)
                    )


def _answers(kind: Kind) -> Iterator[Scenario]:
    """Return what a provider may answer to either kind."""
    refused = frozenset({400})
    yield Scenario(f"{kind}, success at once", kind, "sim:instant", "SUCCESS")
    yield Scenario(f"{kind}, failure at once", kind, "sim:fail sim:instant", "FAILED", refused)
    yield Scenario(f"{kind}, processing first", kind, "sim:processing sim:after=600", "SUCCESS")
    yield Scenario(f"{kind}, returned", kind, "sim:after=300 sim:reverse-after=4000", "REVERSED")
    yield Scenario(
        f"{kind}, late success", kind, "sim:fail sim:after=300 sim:success-after=1500", "SUCCESS", flag="LATE_SUCCESS"
    )
    for token in ("reject", "maintenance", "throttle"):
        yield Scenario(
            f"{kind}, every channel says {token}", kind, f"sim:{token}", "FAILED", refused, attempts=2, fallback=True
        )
    for lie in ("amount", "currency"):
        tokens = f"sim:after=300 sim:webhook-wrong-{lie}"
        status = "PENDING" if kind == "payin" else "PROCESSING"
        yield Scenario(f"{kind}, wrong {lie}", kind, tokens, status, flag="AMOUNT_MISMATCH")


def _payins() -> Iterator[Scenario]:
    yield Scenario("payin, expired by its provider", "payin", "sim:expire sim:after=300", "EXPIRED")
    yield Scenario("payin, never paid", "payin", "sim:pending", "EXPIRED")
    yield Scenario(
        "payin, paid once expired",
        "payin",
        "sim:pending",
        "SUCCESS",
        flag="LATE_SUCCESS",
        by_hand="complete",
        after="EXPIRED",
    )
    for token in ("http-500", "timeout-before-executing"):
        yield Scenario(f"payin, {token}", "payin", f"sim:{token}", "EXPIRED", frozenset({504}))


def _payouts() -> Iterator[Scenario]:
    yield Scenario("payout, no money", "payout", "sim:success", "FAILED", frozenset({402}), attempts=0, poor=True)
    yield Scenario("payout, lapsed then paid", "payout", "sim:expire sim:after=300 sim:success-after=1500", "SUCCESS")
    for action, ends in (("complete", "SUCCESS"), ("fail", "FAILED")):
        yield Scenario(
            f"payout, pending, then {action}", "payout", "sim:pending", ends, by_hand=action, after="PROCESSING"
        )
    for token in ("http-500", "timeout-before-executing"):
        yield Scenario(f"payout, {token}", "payout", f"sim:{token}", "FAILED")
    for fault in STATUS_FAULTS:
        tokens = f"sim:after=300 sim:late=13000 sim:status-{fault}"
        yield Scenario(f"payout, status checks meet {fault}", "payout", tokens, "SUCCESS", alone=True)
