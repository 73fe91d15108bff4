"""The load generator, a process of its own: sends signed initiate calls and times their answers.

Usage: jobs on standard input, outcomes on standard output, one JSON object per line. Closed loop: every connection
sends its next request when the last one is answered. Open loop: requests arrive at random moments (Poisson) of given
rates whether or not earlier ones are answered, and time counts from the moment a request should have been sent, so that
a stall is seen by all who would have met it. It must cost little: it shares the machine with what it measures.
"""

import asyncio
import gc
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import msgspec
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.connection import Asking, Connection, connect
from benchmarks.orders import Kind, Sender, requests_of

_POLL_SECONDS = 0.05
_STALLED_SECONDS = 60.0
_ANSWERED_SECONDS = 60.0
_CONNECTIONS_MAX = 2048
_OK = 200


class Phase(msgspec.Struct, frozen=True):
    """A part of a load: how long it lasts, and how many requests a second arrive; without a rate, a closed loop."""

    name: str
    seconds: float
    rate: float | None = None


class Job(msgspec.Struct, kw_only=True):
    """What to send: the phases one after the other, all of them with a rate or a single one without.

    `window` waits for the callbacks, and bounds the payments of a closed loop that are without theirs.
    """

    kind: Kind
    run: str
    ports: list[int]
    senders: list[Sender]
    phases: list[Phase]
    connections: int
    simulator_port: int
    window: int | None = None


class Told(msgspec.Struct, kw_only=True):
    """What was answered to the requests that were due in a phase; milliseconds from due to the end of the answer.

    `p50_ms` to `p99_ms` are of those answered 200, `refused_p99_ms` of the others; `retry_after` counts the others that
    said when to come back.
    """

    name: str
    seconds: float
    statuses: dict[int, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused_p99_ms: float
    retry_after: int

    @property
    def accepted(self) -> int:
        """How many requests were answered with 200."""
        return self.statuses.get(_OK, 0)


class Outcome(msgspec.Struct, kw_only=True):
    """What came of it. Seconds from the first request to the last answer, and to the last verified callback."""

    phases: list[Told]
    answer_seconds: float
    callback_seconds: float | None
    connections: int

    @property
    def accepted(self) -> int:
        """How many requests were answered with 200."""
        return sum(phase.accepted for phase in self.phases)


class _Tally:
    """Counts the answers of one phase."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self.retry_after = 0

    def told(self, phase: Phase) -> Told:
        self.accepted.sort()
        self.refused.sort()
        return Told(
            name=phase.name,
            seconds=phase.seconds,
            statuses=dict(self.statuses),
            p50_ms=_percentile_ms(self.accepted, 50),
            p95_ms=_percentile_ms(self.accepted, 95),
            p99_ms=_percentile_ms(self.accepted, 99),
            refused_p99_ms=_percentile_ms(self.refused, 99),
            retry_after=self.retry_after,
        )


class Load:
    """Carries out one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._make = requests_of(job.kind, job.run, job.senders)
        self._ports = cycle(job.ports)
        self._is_closed_loop = job.phases[0].rate is None
        self._idle: list[Connection] = []
        self._overdue: deque[tuple[float, int]] = deque()
        self._opened: list[Connection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._sent = 0
        self._answers = 0
        self._accepted = 0
        self._completed = 0
        self._until = 0.0
        self._last_answer = 0.0
        self._tallies = [_Tally() for _ in job.phases]

    async def run(self) -> Outcome:
        """Send everything, wait for the answers, and for the callbacks where a window is set."""
        await asyncio.gather(*(self._open() for _ in range(self._job.connections)))
        receiver = Asking(self._job.simulator_port)
        before = await _callbacks(receiver)
        started = time.perf_counter()
        self._until = started + sum(phase.seconds for phase in self._job.phases)
        following = asyncio.create_task(self._follow_callbacks(receiver, before)) if self._job.window else None
        if self._is_closed_loop:
            self._send_on()
            await asyncio.sleep(self._until - time.perf_counter())
        else:
            await self._arrive()
        await self._until_answered()
        callback_seconds = None if following is None else await following - started
        for connection in self._opened:
            connection.close()
        receiver.close()
        return Outcome(
            phases=[tally.told(phase) for tally, phase in zip(self._tallies, self._job.phases, strict=True)],
            answer_seconds=self._last_answer - started,
            callback_seconds=callback_seconds,
            connections=len(self._opened),
        )

    async def _open(self) -> None:
        connection = await connect(next(self._ports), self._answered)
        self._opened.append(connection)
        self._take(connection)

    def _take(self, connection: Connection) -> None:
        """Use a connection that is free for whoever is due."""
        if self._overdue:
            self._send(connection, *self._overdue.popleft())
        else:
            self._idle.append(connection)

    def _send(self, connection: Connection, due: float, phase: int) -> None:
        self._sent += 1
        connection.send(self._make(), due, phase)

    def _send_on(self) -> None:
        """Closed loop: send on every idle connection, as far as time and window allow."""
        now = time.perf_counter()
        limit = sys.maxsize if self._job.window is None else self._completed + self._job.window
        while self._idle and self._accepted + self._sent - self._answers < limit and now < self._until:
            self._send(self._idle.pop(), now, 0)

    async def _arrive(self) -> None:
        """Open loop: send at each arrival, or as soon as a connection is there for it."""
        for due, phase in _arrivals(self._job.phases, time.perf_counter()):
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if self._idle:
                self._send(self._idle.pop(), due, phase)
            else:
                self._overdue.append((due, phase))
                if len(self._opened) + len(self._opening) < _CONNECTIONS_MAX:
                    opening = asyncio.create_task(self._open())
                    self._opening.add(opening)
                    opening.add_done_callback(self._opening.discard)

    def _answered(self, connection: Connection, status: int) -> None:
        now = time.perf_counter()
        tally = self._tallies[connection.phase]
        tally.statuses[status] += 1
        self._answers += 1
        self._last_answer = now
        if status == _OK:
            self._accepted += 1
            tally.accepted.append(now - connection.due)
            self._free(connection)
            return
        tally.refused.append(now - connection.due)
        wait = connection.retry_after_seconds()
        tally.retry_after += wait is not None
        if self._is_closed_loop and wait:
            asyncio.get_running_loop().call_later(wait, self._free, connection)
        else:
            self._free(connection)

    def _free(self, connection: Connection) -> None:
        self._take(connection)
        if self._is_closed_loop:
            self._send_on()

    async def _until_answered(self) -> None:
        deadline = time.perf_counter() + _ANSWERED_SECONDS
        while self._overdue or self._answers < self._sent:
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{self._sent - self._answers} requests were not answered")
            await asyncio.sleep(_POLL_SECONDS)

    async def _follow_callbacks(self, receiver: Asking, before: int) -> float:
        """Follow the merchant's receiver; return the moment at which every payment's callback was verified there."""
        changed_at = time.perf_counter()
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            completed = await _callbacks(receiver) - before
            now = time.perf_counter()
            if completed != self._completed:
                self._completed, changed_at = completed, now
                if self._is_closed_loop:
                    self._send_on()
            elif now - changed_at > _STALLED_SECONDS:
                raise TimeoutError(f"only {completed} of {self._accepted} payments were called back")
            if now > self._until and not self._overdue and self._answers == self._sent:
                if completed >= self._accepted:
                    return now
            elif not self._is_closed_loop:
                changed_at = now


async def _callbacks(receiver: Asking) -> int:
    """Return how many distinct events the simulator's merchants have received and verified so far."""
    counts = msgspec.json.decode(await receiver.ask("GET", "/control/summary"))["callbacks"]
    return int(min(counts["events"], counts["verified"]))


def _arrivals(phases: Sequence[Phase], start: float) -> Iterator[tuple[float, int]]:
    """Walk over the moments at which requests are due, with the number of their phase."""
    generator = random.Random(len(phases))  # noqa: S311 - the same arrivals in every run, not a secret
    for number, phase in enumerate(phases):
        due = start
        while (due := due + generator.expovariate(phase.rate or 1.0)) < start + phase.seconds:
            yield due, number
        start += phase.seconds


def _percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """Return the smallest latency that `percent` of all do not exceed, 0 of none; `seconds` is sorted."""
    return round(seconds[max(0, -(-len(seconds) * percent // 100) - 1)] * 1000, 2) if seconds else 0.0


def main() -> None:
    """Do one job after another until the input ends."""
    gc.disable()  # nothing here makes cycles that matter, and a collection would be taken for the product's stall
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            outcome = runner.run(Load(msgspec.json.decode(line, type=Job)).run())
            sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
            sys.stdout.buffer.flush()
            gc.collect()


if __name__ == "__main__":
    main()
