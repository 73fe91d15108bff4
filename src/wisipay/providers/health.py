"""How well a channel's provider does lately, and when it is left alone. Pure.

Counts fade: calls by half in a minute, ends of payments by half in ten, so that what was long ago stops to matter and a
provider about which little is known is tried again. A channel of which too many calls fail is held; after a while some
payments try it, and what becomes of them releases it or holds it for longer; `recent` tells which one is well again
without ever having been held. Must never do I/O or read a clock: moments come in as Unix milliseconds. It never decides
where a payment goes: routing does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from wisipay.providers.base import CreateOutcome, Rejected, Unknown
from wisipay.providers.recent import Recent

CALLS_HALF_LIFE_MS: Final = 60_000
ENDS_HALF_LIFE_MS: Final = 600_000
_IMAGINED: Final = 4
"""Payments imagined of every channel: what is believed of one about which nothing is known."""
_EVIDENCE_MIN: Final = 20
"""Of so many calls, or ends, a channel is known well enough to be what others are hoped to be like."""


class Hopes(msgspec.Struct, frozen=True):
    """Which share of the imagined payments of a channel is taken, and which share of those ends well."""

    taken: float = 0.9
    well: float = 0.9


_HOPES: Final = Hopes()


class Tally(msgspec.Struct, array_like=True):
    """What one process has seen of one channel and kind; all counts fade, so they are no whole numbers.

    `served`: calls with an answer to the payment; `refused`: those with a definite no; `failed`: those that brought no
    word, or word of an outage. `waited_seconds` is what all of them took. `well` and `badly`: how payments ended.
    `release` and `trial`: since when the standing holds to which the counts of calls, and of trials, belong.
    `answers` and `failures` are all that this process ever saw and do not fade: `recent` goes by what is new of them.
    """

    at_ms: int
    served: float = 0
    refused: float = 0
    failed: float = 0
    waited_seconds: float = 0
    well: float = 0
    badly: float = 0
    release: int = 0
    trial: int = 0
    trial_served: int = 0
    trial_failed: int = 0
    answered_at_ms: int = 0
    blocked_at_ms: int = 0
    blocked_until_ms: int = 0
    answers: int = 0
    failures: int = 0

    @property
    def calls(self) -> float:
        """How many calls are counted."""
        return self.served + self.refused + self.failed

    def fade(self, now_ms: int) -> None:
        """Let the counts fade to what they are worth now."""
        age_ms = max(0, now_ms - self.at_ms)
        calls, ends = 0.5 ** (age_ms / CALLS_HALF_LIFE_MS), 0.5 ** (age_ms / ENDS_HALF_LIFE_MS)
        self.served *= calls
        self.refused *= calls
        self.failed *= calls
        self.waited_seconds *= calls
        self.well *= ends
        self.badly *= ends
        self.at_ms += age_ms

    def add(self, other: "Tally") -> None:
        """Take in the counts of another process, as faded as this one."""
        self.served += other.served
        self.refused += other.refused
        self.failed += other.failed
        self.waited_seconds += other.waited_seconds
        self.well += other.well
        self.badly += other.badly
        self.trial_served += other.trial_served
        self.trial_failed += other.trial_failed
        self.answered_at_ms = max(self.answered_at_ms, other.answered_at_ms)
        if other.blocked_at_ms > self.blocked_at_ms:
            self.blocked_at_ms, self.blocked_until_ms = other.blocked_at_ms, other.blocked_until_ms

    def belong_to(self, standing: "Standing") -> None:
        """Forget the counts that are of an earlier standing than this one."""
        if standing.state is State.OPEN and self.release != standing.since_ms:
            self.served = self.refused = self.failed = self.waited_seconds = 0
            self.release = standing.since_ms
        if standing.state is State.TRIAL and self.trial != standing.since_ms:
            self.trial_served = self.trial_failed = 0
            self.trial = standing.since_ms

    def block(self, now_ms: int, until_ms: int) -> None:
        """Note that the circuit is open until a moment, unless an answer comes before."""
        self.blocked_at_ms, self.blocked_until_ms = now_ms, until_ms

    def count(self, outcome: CreateOutcome, seconds: float, now_ms: int, standing: "Standing") -> None:
        """Count one call to the provider, begun under this standing."""
        self.fade(now_ms)
        self.belong_to(standing)
        self.waited_seconds += seconds
        is_on_trial = standing.state is State.TRIAL
        if is_failure(outcome):
            self.failed += 1
            self.trial_failed += is_on_trial
            if (
                self.answered_at_ms >= self.blocked_at_ms
            ):  # else it opened the circuit or tried it: that has its own say
                self.failures += 1
            return
        self.answers += 1
        self.answered_at_ms = now_ms
        self.trial_served += is_on_trial
        if isinstance(outcome, Rejected):
            self.refused += 1
        else:
            self.served += 1


class State(StrEnum):
    """Whether a channel may be used as far as its health goes."""

    OPEN = "open"
    HELD = "held"
    TRIAL = "trial"


class Standing(msgspec.Struct, frozen=True):
    """A state since and, where it is held, until a moment; `level` counts how often in a row it was held."""

    state: State = State.OPEN
    since_ms: int = 0
    until_ms: int = 0
    level: int = 0


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """When a channel is held: more than `hold_from` of the latest calls, ten or so, failed.

    `trial_served` answers on trial release it, twice as many where one failed; `trial_failed` failures hold it again,
    each time for twice as long, until `forgiven_seconds` have gone well. Each process lets one payment try it every
    `trial_gap_seconds`.
    """

    hold_from: float = 0.6
    hold_seconds: int = 30
    hold_longest_seconds: int = 120
    forgiven_seconds: int = 600
    trial_served: int = 5
    trial_failed: int = 2
    trial_gap_seconds: float = 1


@dataclass(frozen=True, slots=True)
class Health:
    """How a channel stands now, for one kind.

    `mean` and `spread` are of the share of payments that are taken and end well, of which `calls` and `ends` are the
    evidence; `answered` is the share of calls with an answer. `is_blocked`: its circuit is open. `may_try`: a payment
    may find out now whether it is well again.
    """

    mean: float
    spread: float
    answered: float
    calls: float
    ends: float
    seconds: float
    standing: Standing
    is_blocked: bool
    may_try: bool = False


def is_failure(outcome: object) -> bool:
    """Tell whether an outcome says that the provider did not serve us: nothing heard, nothing sent, or an outage."""
    return isinstance(outcome, Unknown) or (isinstance(outcome, Rejected) and (outcome.outage or not outcome.sent))


def health_of(tally: Tally, standing: Standing, now_ms: int, hopes: Hopes = _HOPES, *, may_try: bool = False) -> Health:
    """Tell what faded counts are worth."""
    calls = tally.calls
    taken, taken_variance = _beta(tally.served, tally.refused + tally.failed, hopes.taken)
    well, well_variance = _beta(tally.well, tally.badly, hopes.well)
    variance = taken**2 * well_variance + well**2 * taken_variance + taken_variance * well_variance
    is_blocked = now_ms < tally.blocked_until_ms and tally.blocked_at_ms >= tally.answered_at_ms
    return Health(
        mean=taken * well,
        spread=variance**0.5,
        answered=(calls - tally.failed) / calls if calls else 1,
        calls=calls,
        ends=tally.well + tally.badly,
        seconds=tally.waited_seconds / calls if calls else 0,
        standing=standing,
        is_blocked=is_blocked,
        may_try=may_try,
    )


def hopes_of(tallies: Iterable[Tally]) -> Hopes:
    """Tell what is hoped of channels of one kind: to be like the best that is known well.

    So one that has recovered, or is new, is not behind the others merely because they are better known.
    """
    taken, well = [], []
    for tally in tallies:
        if tally.calls >= _EVIDENCE_MIN:
            taken.append(_beta(tally.served, tally.refused + tally.failed, _HOPES.taken)[0])
        if tally.well + tally.badly >= _EVIDENCE_MIN:
            well.append(_beta(tally.well, tally.badly, _HOPES.well)[0])
    return Hopes(max(taken, default=_HOPES.taken), max(well, default=_HOPES.well))


def judge(standing: Standing, tally: Tally, recent: Recent, now_ms: int, policy: HealthPolicy) -> Standing:
    """Return how a channel stands from now on, by what all processes together have seen of it.

    One that is well again stands anew since now, which makes all processes forget what was counted before.
    """
    if standing.state is State.HELD:
        return Standing(State.TRIAL, now_ms, 0, standing.level) if now_ms >= standing.until_ms else standing
    if standing.state is State.TRIAL:
        if tally.trial_failed >= policy.trial_failed:
            return _held(now_ms, standing.level + 1, policy)
        if tally.trial_served >= policy.trial_served * (1 + tally.trial_failed):
            return Standing(State.OPEN, now_ms, 0, standing.level)
        return standing
    if recent.failing > policy.hold_from:
        forgiven = now_ms - standing.since_ms > policy.forgiven_seconds * 1_000
        return _held(now_ms, 0 if forgiven else standing.level + 1, policy)
    return Standing(State.OPEN, now_ms, 0, standing.level) if recent.is_well_again else standing


def may_try(recent: Recent, standing: Standing, tried_ms: int, now_ms: int, policy: HealthPolicy) -> bool:
    """Tell whether another payment may find out if a channel is well again; the last one of this process did then."""
    if standing.state is State.TRIAL:
        return now_ms - tried_ms >= policy.trial_gap_seconds * 1_000
    return standing.state is State.OPEN and recent.may_try(tried_ms, now_ms)


def together(tallies: Iterable[Tally], standing: Standing, now_ms: int) -> Tally:
    """Add up what processes have seen under this standing; fades and changes the tallies that it is given."""
    total = Tally(now_ms, release=standing.since_ms, trial=standing.since_ms)
    for tally in tallies:
        tally.fade(now_ms)
        tally.belong_to(standing)
        total.add(tally)
    return total


def _held(now_ms: int, level: int, policy: HealthPolicy) -> Standing:
    seconds = min(policy.hold_seconds << min(level, 10), policy.hold_longest_seconds)
    return Standing(State.HELD, now_ms, now_ms + seconds * 1_000, level)


def _beta(good: float, bad: float, hoped: float) -> tuple[float, float]:
    """Return mean and variance of what may be believed of a share after so many good and bad ones."""
    alpha, beta = good + _IMAGINED * hoped, bad + _IMAGINED * (1 - hoped)
    whole = alpha + beta
    return alpha / whole, alpha * beta / (whole * whole * (whole + 1))
