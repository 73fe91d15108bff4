"""Work on rows that are their own queue: claim what is due, handle it, keep its lease alive, let others have the rest.

Decides when rows are claimed and how many are held at a time. A row belongs to whoever holds its lease: the slice's
`claim` marks it with the lease's token and end, `handle` finishes it in a statement that checks the token (fencing),
and a lease that runs out, because its process was killed, makes the row claimable again. NOTIFY wakes the loop at once
and a sweep finds what nobody woke it for. Delivery is at least once: never rely on a row being handled only once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, replace
from random import uniform
from time import monotonic
from typing import Any, Final, Generic, TypeVar
from uuid import UUID, uuid4

from wisipay.core.database import Pool
from wisipay.core.listener import Listener
from wisipay.core.logging import get_logger
from wisipay.core.metrics import CLAIMED, QUEUE_AGE_SECONDS, QUEUE_DEPTH

Row = TypeVar("Row")

_LEAST_CLAIM_GAP_SECONDS: Final = 0.02
_RENEWALS_PER_LEASE: Final = 4
_CANCEL_SECONDS: Final = 5
_OBSERVE_EVERY_SECONDS: Final = 15
_DEPTH_COUNTED_MAX: Final = 10_000

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """What a claim writes into its rows: the `token` that finishing must show, valid for `seconds` from now."""

    token: UUID
    seconds: float


@dataclass(slots=True)
class _Held(Generic[Row]):
    """A row that is being handled since `taken_at`, under a lease last written at `leased_at` (monotonic seconds)."""

    row: Row
    lease: Lease
    taken_at: float
    leased_at: float


class ClaimLoop(Generic[Row]):
    """Claims and handles rows until it is stopped; at most `concurrency` at a time. Any number of processes may run it.

    `claim(limit, lease)` leases up to `limit` due rows and returns them. `renew(rows, lease)` extends the lease of rows
    that still carry its token, to `lease.seconds` from now; zero seconds gives them back. `handle(row)` does the work
    and finishes or reschedules the row. If it raises, or takes longer than `handle_timeout_seconds`, the row comes back
    when its lease runs out. `depth()`, for the metrics, counts the due rows and tells the age of the oldest in seconds.
    `sweep_seconds` plus `lease_seconds` stay below ten seconds.
    """

    def __init__(
        self,
        *,
        name: str,
        claim: Callable[[int, Lease], Awaitable[Sequence[Row]]],
        handle: Callable[[Row], Coroutine[Any, Any, None]],
        renew: Callable[[Sequence[Row], Lease], Awaitable[None]],
        channel: str | None,
        listener: Listener | None,
        concurrency: int,
        depth: Callable[[], Awaitable[tuple[int, float]]] | None = None,
        sweep_seconds: float = 1.0,
        lease_seconds: float = 8.0,
        handle_timeout_seconds: float = 120,
    ) -> None:
        self._name = name
        self._task_name = f"handle {name}"
        self._claim = claim
        self._handle = handle
        self._renew = renew
        self._channel = channel
        self._listener = listener
        self._concurrency = concurrency
        self._depth = depth
        self._sweep_seconds = sweep_seconds
        self._lease_seconds = lease_seconds
        self._handle_timeout_seconds = handle_timeout_seconds
        self._running: dict[asyncio.Task[None], _Held[Row]] = {}
        self._outcomes = {each: CLAIMED.labels(queue=name, outcome=each) for each in ("done", "failed", "released")}
        self._wake = asyncio.Event()
        self._room_was_short = False
        self._stopping = False
        self._claimer: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._observer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to claim; returns at once."""
        if self._channel is not None and self._listener is not None:
            await self._listener.listen(self._channel, lambda _payload: self.wake())
        self._claimer = asyncio.create_task(self._claim_until_stopped(), name=f"claim {self._name}")
        self._keeper = asyncio.create_task(self._keep_leases(), name=f"leases {self._name}")
        if self._depth is not None:
            self._observer = asyncio.create_task(self._observe(self._depth), name=f"depth {self._name}")

    @property
    def room(self) -> int:
        """How many more rows it may handle at present; none once it is stopping."""
        return 0 if self._stopping else max(0, self._concurrency - len(self._running))

    def new_lease(self) -> Lease:
        """Return a lease for rows that it will `adopt`."""
        return Lease(uuid4(), self._lease_seconds)

    def adopt(self, rows: Sequence[Row], lease: Lease, leased_at: float) -> None:
        """Handle rows that were written with this lease, at or after `leased_at`, by whoever wrote them.

        While it stops it takes none: their lease runs out, and somebody else claims them.
        """
        if not self._stopping:
            self._begin([_Held(row, lease, leased_at, leased_at) for row in rows])

    def wake(self) -> None:
        """Have it look for due rows now, rather than at the next sweep."""
        self._wake.set()

    async def stop(self, *, timeout_seconds: float = 25) -> None:
        """Claim no more, let what is being handled finish, and give back what has not finished in time."""
        self._stopping = True
        self._wake.set()
        deadline = monotonic() + timeout_seconds
        await _finish([self._claimer], timeout_seconds)
        left = dict(self._running)
        await _finish(left, deadline - monotonic())
        await _finish([self._keeper, self._observer], 0)
        await self._release(held for task, held in left.items() if task.cancelled())

    async def _claim_until_stopped(self) -> None:
        """Claim whenever there may be something to claim and room for it: after a NOTIFY, a finished row, or a sweep.

        Claims keep a small distance, so that under load each of them brings a batch.
        """
        while not self._stopping:
            self._wake.clear()
            gap_seconds = _LEAST_CLAIM_GAP_SECONDS
            try:
                await self._take_up(self.room)
            except Exception:  # noqa: BLE001 - a database that is away comes back
                _log.exception("queue.claim_failed", queue=self._name)
                gap_seconds = self._sweep_seconds
            await asyncio.sleep(gap_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_seconds * uniform(0.8, 1.2)):  # noqa: S311 - keeps workers apart
                    await self._wake.wait()

    async def _take_up(self, limit: int) -> None:
        if limit == 0:
            self._room_was_short = True
            return
        lease = self.new_lease()
        leased_at = monotonic()
        rows = await self._claim(limit, lease)
        self._room_was_short = len(rows) >= limit
        held_rows = [_Held(row, lease, leased_at, leased_at) for row in rows]
        if self._stopping:
            await self._release(held_rows)
        else:
            self._begin(held_rows)

    def _begin(self, held_rows: Iterable[_Held[Row]]) -> None:
        for held in held_rows:
            # In a context of its own: a row's work belongs to no request, in logs and traces neither.
            task = asyncio.create_task(self._handle(held.row), name=self._task_name, context=Context())
            self._running[task] = held
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if self._room_was_short:
            self.wake()
        if task.cancelled():
            outcome = "released" if self._stopping else "failed"
        elif (error := task.exception()) is not None:
            outcome = "failed"
            _log.error("queue.handle_failed", queue=self._name, exc_info=error)
        else:
            outcome = "done"
        self._outcomes[outcome].inc()

    async def _keep_leases(self) -> None:
        """Renew the leases of rows that take long, and give up those that take too long.

        Quick rows are done before it is their turn, so that none of them costs a timer of its own.
        """
        gap_seconds = self._lease_seconds / _RENEWALS_PER_LEASE
        while True:
            await asyncio.sleep(gap_seconds)
            now = monotonic()
            for task, held in self._running.items():
                if now - held.taken_at >= self._handle_timeout_seconds:
                    _log.error("queue.handle_timed_out", queue=self._name, seconds=self._handle_timeout_seconds)
                    task.cancel()
            old = [held for held in self._running.values() if now - held.leased_at >= gap_seconds]
            for lease, group in _by_lease(old).items():
                try:
                    async with asyncio.timeout(gap_seconds):
                        await self._renew([held.row for held in group], lease)
                except Exception:  # noqa: BLE001 - tried again at the next turn; fencing guards the rows meanwhile
                    _log.exception("queue.renewal_failed", queue=self._name, rows=len(group))
                    continue
                for held in group:
                    held.leased_at = now

    async def _observe(self, depth: Callable[[], Awaitable[tuple[int, float]]]) -> None:
        """Tell the metrics how much waits."""
        while True:
            try:
                due, age_seconds = await depth()
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                _log.warning("queue.depth_unknown", queue=self._name, error=repr(error))
            else:
                QUEUE_DEPTH.labels(queue=self._name).set(due)
                QUEUE_AGE_SECONDS.labels(queue=self._name).set(age_seconds)
            await asyncio.sleep(_OBSERVE_EVERY_SECONDS)

    async def _release(self, leftover: Iterable[_Held[Row]]) -> None:
        """Give rows back now, rather than when their leases run out."""
        for lease, group in _by_lease(leftover).items():
            try:
                await self._renew([held.row for held in group], replace(lease, seconds=0))
            except Exception:  # noqa: BLE001 - their leases run out by themselves
                _log.exception("queue.release_failed", queue=self._name, rows=len(group))


async def read_depth(pool: Pool, query: str) -> tuple[int, float]:
    """Give how many rows are due, counted up to a bound, and the age of the oldest in seconds, as `query` tells."""
    row = await pool.fetchrow(query, _DEPTH_COUNTED_MAX)
    return (row["due"], row["age_seconds"]) if row is not None else (0, 0.0)


def _by_lease(held_rows: Iterable[_Held[Row]]) -> dict[Lease, list[_Held[Row]]]:
    groups: dict[Lease, list[_Held[Row]]] = defaultdict(list)
    for held in held_rows:
        groups[held.lease].append(held)
    return groups


async def _finish(tasks: Iterable[asyncio.Task[None] | None], timeout_seconds: float) -> None:
    """Wait for `tasks`, and cancel those that are not done in time."""
    waiting = {task for task in tasks if task is not None}
    if not waiting:
        return
    _, unfinished = await asyncio.wait(waiting, timeout=max(timeout_seconds, 0))
    for task in unfinished:
        task.cancel()
    if unfinished:
        await asyncio.wait(unfinished, timeout=_CANCEL_SECONDS)
