"""The load generator, a process of its own: sends signed initiate calls and times their answers.

Usage: jobs on standard input, outcomes on standard output, one JSON object per line. Closed loop: every connection
sends its next request when the last one is answered. Open loop: requests arrive at random moments (Poisson) of a given
rate whether or not earlier ones are answered, and time counts from the moment a request should have been sent, so that
a stall is seen by all who would have met it. It must cost little: it shares the machine with what it measures.
"""

import asyncio
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

_POLL_SECONDS = 0.02
_STALLED_SECONDS = 60.0
_CONNECTIONS_MAX = 1024
_OK = 200


class Job(msgspec.Struct, kw_only=True):
    """What to send. `rate` (per second) makes it an open loop.

    `window` waits for the callbacks, and bounds the payments of a closed loop that are without theirs.
    """

    kind: Kind
    run: str
    ports: list[int]
    senders: list[Sender]
    payments: int
    connections: int
    simulator_port: int
    rate: float | None = None
    window: int | None = None


class Outcome(msgspec.Struct, kw_only=True):
    """What came of it. Seconds from the first request to the last answer, and to the last verified callback."""

    statuses: dict[int, int]
    answer_seconds: float
    callback_seconds: float | None
    p50_ms: float
    p95_ms: float
    p99_ms: float
    connections: int

    @property
    def answered(self) -> int:
        """How many requests were answered with 200."""
        return self.statuses.get(_OK, 0)


class Load:
    """Carries out one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._make = requests_of(job.kind, job.run, job.senders)
        self._ports = cycle(job.ports)
        self._idle: list[Connection] = []
        self._overdue: deque[float] = deque()
        self._opened: list[Connection] = []
        self._sent = 0
        self._answers = 0
        self._completed = 0
        self._last_answer = 0.0
        self._all_answered = asyncio.Event()
        self._statuses: Counter[int] = Counter()
        self._latencies: list[float] = []

    async def run(self) -> Outcome:
        """Send everything, wait for the answers, and for the callbacks where a window is set."""
        for _ in range(self._job.connections):
            self._idle.append(await self._connect())
        receiver = Asking(self._job.simulator_port)
        before = await _callbacks(receiver)
        started = time.perf_counter()
        arriving = asyncio.create_task(self._arrive()) if self._job.rate else None
        if arriving is None:
            self._send_on()
        callback_seconds = None
        if self._job.window:
            await self._until_called_back(receiver, before)
            callback_seconds = time.perf_counter() - started
        await self._all_answered.wait()
        for connection in self._opened:
            connection.close()
        receiver.close()
        latencies = sorted(self._latencies)
        return Outcome(
            statuses=dict(self._statuses),
            answer_seconds=self._last_answer - started,
            callback_seconds=callback_seconds,
            p50_ms=_percentile_ms(latencies, 50),
            p95_ms=_percentile_ms(latencies, 95),
            p99_ms=_percentile_ms(latencies, 99),
            connections=len(self._opened),
        )

    async def _connect(self) -> Connection:
        connection = await connect(next(self._ports), self._answered)
        self._opened.append(connection)
        return connection

    def _send_on(self) -> None:
        """Closed loop: send on every idle connection, as far as number and window allow."""
        window = self._job.window or self._job.payments
        while self._idle and self._sent < min(self._job.payments, self._completed + window):
            self._sent += 1
            self._idle.pop().send(self._make(), time.perf_counter())

    async def _arrive(self) -> None:
        """Open loop: send at each arrival, or as soon as a connection is there for it."""
        due = time.perf_counter()
        for gap in _gaps(self._job.rate or 1.0, self._job.payments):
            due += gap
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if not self._idle and len(self._opened) < _CONNECTIONS_MAX:
                self._idle.append(await self._connect())
            if self._idle:
                self._idle.pop().send(self._make(), due)
            else:
                self._overdue.append(due)

    def _answered(self, connection: Connection, status: int) -> None:
        now = time.perf_counter()
        self._latencies.append(now - connection.due)
        self._statuses[status] += 1
        self._answers += 1
        self._last_answer = now
        if self._answers == self._job.payments:
            self._all_answered.set()
        elif self._overdue:
            connection.send(self._make(), self._overdue.popleft())
        else:
            self._idle.append(connection)
            if self._job.rate is None:
                self._send_on()

    async def _until_called_back(self, receiver: Asking, before: int) -> None:
        """Follow the merchant's receiver until the callback of every payment begun was verified there."""
        changed_at = time.perf_counter()
        while self._completed < self._job.payments:
            await asyncio.sleep(_POLL_SECONDS)
            refused = self._answers - self._statuses[_OK]
            completed = await _callbacks(receiver) - before + refused
            now = time.perf_counter()
            if completed != self._completed:
                self._completed, changed_at = completed, now
                if self._job.rate is None:
                    self._send_on()
            elif now - changed_at > _STALLED_SECONDS:
                raise TimeoutError(f"only {completed} of {self._job.payments} payments were called back")


async def _callbacks(receiver: Asking) -> int:
    """Return how many distinct events the simulator's merchants have received and verified so far."""
    counts = msgspec.json.decode(await receiver.ask("GET", "/control/summary"))["callbacks"]
    return int(min(counts["events"], counts["verified"]))


def _gaps(rate: float, count: int) -> Iterator[float]:
    generator = random.Random(count)  # noqa: S311 - the same arrivals in every run, not a secret
    return (generator.expovariate(rate) for _ in range(count))


def _percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """Return the smallest latency that `percent` of all do not exceed; `seconds` is sorted."""
    return round(seconds[max(0, -(-len(seconds) * percent // 100) - 1)] * 1000, 2)


def main() -> None:
    """Do one job after another until the input ends."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            outcome = runner.run(Load(msgspec.json.decode(line, type=Job)).run())
            sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
