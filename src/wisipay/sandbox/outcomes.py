"""Every way in which a sandbox payment can end, and what a merchant sends to have it.

The table is the contract of docs/integrate/testing.md, which is written from it. Pure: how a payment stands is told by
its outcome and the time that has passed; nothing needs to happen for it to move.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from wisipay.payments import Kind, PayCode, Status

CALLBACK_SECONDS: Final = 2
"""A callback goes out no earlier than this after the request, so that its answer was read before."""
_RUPEE: Final = 100
_VPA_HANDLE: Final = "@uat"


@dataclass(frozen=True, slots=True)
class Step:
    """The payment's status from so many seconds after the request on."""

    after_seconds: int
    status: Status


Ways: TypeAlias = tuple[tuple[Step, ...] | None, tuple[Step, ...] | None]
"""The steps of payins, and of payouts."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table: asked for by an amount in rupees, or for a payout by the VPA `name@uat`.

    `ways` are the steps of payins and of payouts after the first answer; None means that payments of the kind do not
    have this outcome, and succeed. `refused`: the request is answered with this error, and nothing is stored unless
    `kept`.
    `late_seconds` puts callbacks off, `copies` is how often each is sent.
    """

    name: str
    rupees: int
    meaning: str
    ways: Ways
    refused: PayCode | None = None
    kept: bool = True
    late_seconds: int = 0
    copies: int = 1

    def steps(self, kind: Kind) -> tuple[Step, ...] | None:
        """Return the steps of a kind."""
        payin, payout = self.ways
        return payin if kind is Kind.PAYIN else payout

    @property
    def vpa(self) -> str:
        """The beneficiary VPA that asks for this outcome."""
        return self.name + _VPA_HANDLE


def _both(*steps: tuple[int, Status]) -> Ways:
    made = tuple(Step(after, status) for after, status in steps)
    return made, made


SUCCESS: Final = Outcome("success", 100, "succeeds; so does every other amount", _both((2, Status.SUCCESS)))
OUTCOMES: Final = (
    SUCCESS,
    Outcome("failure", 101, "fails", _both((2, Status.FAILED))),
    Outcome(
        "delayed",
        102,
        "is in progress, then succeeds",
        ((Step(2, Status.PROCESSING), Step(10, Status.SUCCESS)), (Step(10, Status.SUCCESS),)),
    ),
    Outcome("pending", 103, "stays open for as long as the sandbox remembers it; no callback", _both()),
    Outcome("expiry", 104, "expires", ((Step(5, Status.EXPIRED),), None)),
    Outcome(
        "timeout",
        105,
        "the provider's answer is lost: a payin is answered with PAY_1302, a payout with PROCESSING; both succeed",
        _both((5, Status.SUCCESS)),
        refused=PayCode.PROVIDER_TIMEOUT,
    ),
    Outcome(
        "duplicate-callback",
        106,
        "succeeds, and the same callback comes twice under one `webhook-id`",
        _both((2, Status.SUCCESS)),
        copies=2,
    ),
    Outcome("late-callback", 107, "succeeds; its callback comes late", _both((2, Status.SUCCESS)), late_seconds=28),
    Outcome(
        "late-success",
        108,
        "a payin expires, a payout fails; then it succeeds after all, with a callback each",
        ((Step(2, Status.EXPIRED), Step(6, Status.SUCCESS)), (Step(2, Status.FAILED), Step(6, Status.SUCCESS))),
    ),
    Outcome(
        "reversal",
        109,
        "succeeds, and the money comes back, with a callback each",
        _both((2, Status.SUCCESS), (6, Status.REVERSED)),
    ),
    Outcome(
        "rejected",
        110,
        "is refused by the provider at once",
        _both((0, Status.FAILED)),
        refused=PayCode.PROVIDER_REJECTED,
    ),
    Outcome(
        "insufficient-balance",
        111,
        "the balance is too small; nothing is stored",
        (None, ()),
        refused=PayCode.INSUFFICIENT_BALANCE,
        kept=False,
    ),
    Outcome(
        "unavailable",
        112,
        "no provider can be reached",
        _both((0, Status.FAILED)),
        refused=PayCode.PROVIDER_UNAVAILABLE,
    ),
    Outcome("at-once", 113, "has succeeded in the first answer already", _both((0, Status.SUCCESS))),
)

_BY_NAME: Final = {outcome.name: outcome for outcome in OUTCOMES}
_BY_PAISE: Final = {outcome.rupees * _RUPEE: outcome for outcome in OUTCOMES}
_BY_VPA: Final = {outcome.vpa: outcome for outcome in OUTCOMES}


def outcome_of(kind: Kind, amount_paise: int, vpa: str | None) -> Outcome:
    """Return the outcome that a request asks for; its VPA goes before its amount."""
    chosen = _BY_VPA.get((vpa or "").lower()) or _BY_PAISE.get(amount_paise, SUCCESS)
    return chosen if chosen.steps(kind) is not None else SUCCESS


def named(name: str) -> Outcome:
    """Return an outcome by its name; one that is no longer in the table is a success."""
    return _BY_NAME.get(name, SUCCESS)


def refusal(outcome: Outcome, kind: Kind) -> PayCode | None:
    """Return the error with which a request is answered; as in earnest, a payout whose answer is lost has none."""
    if kind is Kind.PAYOUT and outcome.refused is PayCode.PROVIDER_TIMEOUT:
        return None
    return outcome.refused


def first_status(kind: Kind) -> Status:
    """Return how a payment stands before its first step."""
    return Status.PENDING if kind is Kind.PAYIN else Status.PROCESSING


def callbacks_of(outcome: Outcome, kind: Kind) -> tuple[tuple[int, int], ...]:
    """Return (number of the step, seconds after the request) of each callback, copies included."""
    return tuple(
        (number, max(step.after_seconds, CALLBACK_SECONDS) + outcome.late_seconds)
        for number, step in enumerate(outcome.steps(kind) or ())
        if step.status not in {Status.PENDING, Status.PROCESSING}
        for _ in range(outcome.copies)
    )
