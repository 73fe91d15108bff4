"""Whether a run was survived: everything that is wrong, each as one sentence. No sentence depends on a machine's speed.

Decides which takeovers of a dead worker's rows can be judged by time: those during which nothing else was hurt that the
claim needs. All others only have to happen, which the books show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crash.faults import MERCHANT, WORKERS, Deed
from crash.inflict import RECOVERY_SECONDS_MAX, Inflicted
from crash.load import Order, is_bug
from crash.settle import Left
from support.lease_log import TakeOver
from support.pulse import Pulse
from wisipay.entrypoints.demonstration.books import Comparison

LEASE: Final = timedelta(seconds=8)
TAKEN_UP: Final = timedelta(seconds=10)
_AFTERMATH: Final = timedelta(seconds=3)
"""Until the others have noticed that something is back."""
_FAIRNESS: Final = timedelta(seconds=15)
"""A merchant whose endpoint was in trouble gets few deliveries at a time for a while, and its backlog comes first."""
_ORDERS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """A takeover from a worker that died or was stopped at `left_at`."""

    take_over: TakeOver
    left_at: datetime
    was_killed: bool
    is_undisturbed: bool

    @property
    def waited(self) -> timedelta:
        """How long nobody worked on the row."""
        return self.take_over.waited(self.left_at)


def taken_from_workers(take_overs: Iterable[TakeOver], inflicted: Sequence[Inflicted]) -> list[Taken]:
    """Return the takeovers that a worker's death or stop explains, each with the last such moment."""
    found = []
    for each in take_overs:
        causes = [
            fault
            for fault in inflicted
            if fault.fault.where in WORKERS and each.last_sign_at <= fault.began_at <= each.at
        ]
        if causes:
            cause = max(causes, key=lambda fault: fault.began_at)
            others = [fault for fault in inflicted if fault is not cause]
            undisturbed = not any(_disturbs(fault, each) for fault in others)
            found.append(Taken(each, cause.began_at, cause.fault.what is Deed.KILL, undisturbed))
    return found


def _disturbs(other: Inflicted, take_over: TakeOver) -> bool:
    where = other.fault.where
    tells_merchants = take_over.queue == "callbacks_outbox" and where in {MERCHANT, "simulator"}
    if where != "postgres" and where not in WORKERS and not tells_merchants:
        return False
    rest = _FAIRNESS if tells_merchants else _AFTERMATH
    return other.began_at <= take_over.at and take_over.last_sign_at <= other.ended_at + rest


def wrong(
    *,
    inflicted: Sequence[Inflicted],
    orders: Sequence[Order],
    found: Mapping[tuple[str, str], str],
    left: Left,
    comparison: Comparison,
    crooked_counters: int,
    taken: Sequence[Taken],
    pulse: Pulse,
) -> list[str]:
    """Return what is wrong; nothing when the run was survived. `found` is each stored order's status by merchant."""
    return [
        *_recovery(inflicted),
        *_answers(orders, found),
        *([] if left.is_nothing else [f"not everything came to its end: {left}"]),
        *_books(comparison, crooked_counters),
        *_leases(taken, pulse),
    ]


def _recovery(inflicted: Sequence[Inflicted]) -> Iterator[str]:
    for each in inflicted:
        if each.recovery_seconds is None:
            yield f"{each.fault.where} was not well {RECOVERY_SECONDS_MAX:.0f} s after {each.fault.what}"


def _answers(orders: Sequence[Order], found: Mapping[tuple[str, str], str]) -> Iterator[str]:
    lost = [each for each in orders if each.is_acknowledged and (each.shop.merchant_id, each.order_id) not in found]
    if lost:
        yield f"{len(lost)} acknowledged orders are lost: {[each.order_id for each in lost[:_ORDERS_SHOWN]]}"
    bugs = [each for each in orders if any(is_bug(status) for status, _ in each.answers)]
    if bugs:
        yield f"{len(bugs)} orders were answered 500: {[each.order_id for each in bugs[:_ORDERS_SHOWN]]}"
    undecided = [each for each in orders if each.key and each.is_undecided]
    if undecided:
        yield f"{len(undecided)} orders with a key were never decided: {[each.answers for each in undecided[:2]]}"


def _books(comparison: Comparison, crooked_counters: int) -> Iterator[str]:
    yield from map(str, comparison.disagreements)
    if not comparison.ledger.balanced:
        yield "the ledger is not balanced"
    if crooked_counters:
        yield f"{crooked_counters} counters of the ledger differ from their lines"
    if comparison.provider.double_payouts or comparison.provider.double_payins:
        yield f"the provider moved money twice: {comparison.provider}"
    told = comparison.callbacks
    if not told.expected == told.delivered == told.verified:
        yield f"not every final status was told once: {told}"


def _leases(taken: Sequence[Taken], pulse: Pulse) -> Iterator[str]:
    for each in taken:
        row = f"{each.take_over.queue} {each.take_over.row_id}"
        if each.was_killed and each.take_over.lease_until - each.left_at > LEASE:
            yield f"{row} was leased for longer than {LEASE} beyond its holder's death"
        if each.is_undisturbed and each.waited > pulse.allowed(TAKEN_UP, each.left_at, each.take_over.at):
            yield f"{row} was taken over only after {each.waited}"
