"""The circuit breaker as a pure state machine, one circuit per channel and operation.

Decides when calls to a channel are held back: after `failures_to_open` failures in a row, for `open_seconds`; then
exactly one trial is let through, whose success closes the circuit and whose failure opens it again. A trial that never
reports (its process died) makes way for another after `trial_seconds`. Must never do I/O or read a clock: moments come
in as Unix milliseconds. `breaker_*.lua` are the same machine inside Redis; a test holds the two together.

Every change of the circuit raises its generation, and a report counts only while the generation that it was admitted
under still stands: late answers of calls sent before the circuit opened cannot close it.
"""

from dataclasses import dataclass

import msgspec

MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """The figures of the breaker; `trial_seconds` must exceed the longest provider call."""

    failures_to_open: int = 5
    open_seconds: int = 30
    trial_seconds: int = 60


class Circuit(msgspec.Struct, frozen=True):
    """One circuit. `blocked_until_ms` 0: closed. Otherwise open, or on trial, until then."""

    failures: int = 0
    generation: int = 0
    blocked_until_ms: int = 0


CLOSED = Circuit()


class Admission(msgspec.Struct, frozen=True):
    """Whether one call may go out. `generation` fences its report; `retry_after_ms` tells how long it is held back."""

    allowed: bool
    generation: int
    retry_after_ms: int = 0


def admit(circuit: Circuit, now_ms: int, policy: BreakerPolicy) -> tuple[Circuit, Admission]:
    """Ask for one call: allowed while closed; refused while blocked; the first one after that is the trial."""
    if circuit.blocked_until_ms == 0:
        return circuit, Admission(allowed=True, generation=circuit.generation)
    if now_ms < circuit.blocked_until_ms:
        wait_ms = circuit.blocked_until_ms - now_ms
        return circuit, Admission(allowed=False, generation=circuit.generation, retry_after_ms=wait_ms)
    trial = Circuit(circuit.failures, circuit.generation + 1, now_ms + policy.trial_seconds * MILLISECONDS)
    return trial, Admission(allowed=True, generation=trial.generation)


def report(circuit: Circuit, generation: int, *, success: bool, now_ms: int, policy: BreakerPolicy) -> Circuit:
    """Tell how an admitted call went; one of an earlier generation changes nothing."""
    if generation != circuit.generation:
        return circuit
    if success:
        return Circuit(generation=generation)
    failures = circuit.failures + 1
    if failures < policy.failures_to_open:
        return Circuit(failures, generation)
    return Circuit(failures, generation + 1, now_ms + policy.open_seconds * MILLISECONDS)
