"""Turn commands that arrive one by one into batches that are carried out together; each caller gets its own result.

Decides when a batch is cut: an idle batcher flushes at once, so nothing waits without need; while a flush is under way
the commands that arrive queue up, and that queue (up to `max_batch`) is the next batch. So it clocks itself by how long
a commit takes, or by a gap: where commits are quick and many come at a time, a few milliseconds of patience make one
commit of several. Where batches are large, as under full load, it has more patience: the fixed cost of a commit is then
better spent on commands. A batch that fails is split until the command at fault stands alone and fails alone.
Knows nothing of what it carries, never reorders what it is given, and never holds more than `max_waiting` commands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from random import uniform
from time import perf_counter
from typing import Final, Generic, TypeVar, cast

from wisipay.core.database import CONFLICTS, OUTAGES
from wisipay.core.errors import ServiceUnavailable
from wisipay.core.logging import get_logger
from wisipay.core.metrics import BATCH_COMMIT_SECONDS, BATCH_SIZE, QUEUE_DEPTH

Command = TypeVar("Command")
Result = TypeVar("Result")

_RETRY_GAPS_SECONDS: Final = (0.01, 0.05, 0.25)
_RETRY_WINDOW_SECONDS: Final = 5

LARGE: Final = 32
PATIENCE: Final = 2
PATIENCE_SECONDS_MAX: Final = 0.04
"""After a batch of `LARGE` the next begins twice as long after it as it took, within bounds: there are a third fewer
batches then, which under full load saves a tenth of the process's time, and nobody waits longer for it. At half load
fewer than `LARGE` gather in that time, so that a batch that was made large by a stall does not make the next one so."""

_log = get_logger(__name__)


class Overloaded(ServiceUnavailable):
    """The queue is full, or the process is stopping; nothing was done and the caller may come again."""

    code = "OVERLOADED"
    default_message = "Too much is waiting; please try again"


class BatchLost(ServiceUnavailable):
    """The store could not be reached; whether the command was carried out is not known."""

    code = "STORE_UNAVAILABLE"
    default_message = "The store could not be reached; please try again"


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Command, Result]):
    """A command and the caller who waits for its result. A caller may leave; the future is then cancelled."""

    command: Command
    future: asyncio.Future[Result]

    def succeed(self, result: Result) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Batcher(Generic[Command, Result]):
    """Carries out commands through `apply`, which gets a batch and returns one result per command, in order.

    `apply` runs in one transaction and must recognise a command that it has carried out before: the answer to a commit
    can be lost, and the batch is then applied again. An expected refusal is a result, not an exception. At most
    `flushes_in_flight` batches are under way at a time; with `gap_seconds` each begins at least that long after the one
    before it, and longer after a large one (`PATIENCE`).
    After an error in `retryable` or `outages` the same batch is tried up to three times more, for at most five seconds.
    If that does not help, everyone gets `BatchLost` after one of the `outages`; after any other error the batch is
    split.
    """

    def __init__(
        self,
        apply: Callable[[Sequence[Command]], Awaitable[Sequence[Result]]],
        *,
        name: str,
        max_batch: int = 256,
        max_waiting: int = 10_000,
        flushes_in_flight: int = 1,
        gap_seconds: float = 0,
        retryable: tuple[type[Exception], ...] = CONFLICTS,
        outages: tuple[type[Exception], ...] = OUTAGES,
    ) -> None:
        if min(max_batch, max_waiting, flushes_in_flight) < 1:
            raise ValueError(f"batcher {name}: every bound is at least 1")
        self._apply = apply
        self._name = name
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._flushes_in_flight = flushes_in_flight
        self._gap_seconds = gap_seconds
        self._outages = outages
        self._tried_again = (*retryable, *outages)
        self._waiting: deque[_Waiting[Command, Result]] = deque()
        self._flushes: set[asyncio.Task[None]] = set()
        self._draining = False
        # Asked for when somebody looks, since it changes twice with every command; of one name the latest tells.
        QUEUE_DEPTH.labels(queue=name).set_function(self._waiting.__len__)
        self._sizes = BATCH_SIZE.labels(batch=name)
        self._seconds = BATCH_COMMIT_SECONDS.labels(batch=name)

    async def submit(self, command: Command) -> Result:
        """Return the result of `command` once its batch is committed.

        Raises `Overloaded` at once when the queue is full, `BatchLost` when the store is away, and whatever `apply`
        raised for this very command. A caller that is cancelled takes its command back if no flush has taken it up
        yet, and otherwise leaves without disturbing the batch.
        """
        if self._draining or len(self._waiting) >= self._max_waiting:
            raise Overloaded(retry_after_seconds=1)
        waiting: _Waiting[Command, Result] = _Waiting(command, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if len(self._flushes) < self._flushes_in_flight:
            # In a context of its own: a batch belongs to no single request, in logs and traces neither.
            self._flushes.add(asyncio.create_task(self._flush(), name=f"batch {self._name}", context=Context()))
        return await waiting.future

    async def drain(self, *, timeout_seconds: float = 30) -> None:
        """Refuse new commands and return when those accepted are done. After the time-out they get `BatchLost`."""
        self._draining = True
        if self._flushes:
            _, unfinished = await asyncio.wait(self._flushes, timeout=timeout_seconds)
            for flush in unfinished:
                flush.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        for waiting in self._take(len(self._waiting)):
            waiting.fail(BatchLost())

    async def _flush(self) -> None:
        """Carry out batches until none is waiting."""
        batch: Sequence[_Waiting[Command, Result]] = ()
        try:
            while batch := self._take(self._max_batch):
                began_at = perf_counter()
                self._sizes.observe(len(batch))
                await self._settle(batch)
                took = perf_counter() - began_at
                if (early := self._gap_after(len(batch), took) - took) > 0 and not self._draining:
                    await asyncio.sleep(early)
        finally:  # between the look at the empty queue and this line nothing else runs, so no command is forgotten
            for waiting in batch:
                waiting.fail(BatchLost())
            self._flushes.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _gap_after(self, size: int, took: float) -> float:
        """Return how many seconds after the beginning of a batch the next one may begin."""
        if size < LARGE or not self._gap_seconds:
            return self._gap_seconds
        return max(self._gap_seconds, min(PATIENCE * took, PATIENCE_SECONDS_MAX))

    def _take(self, limit: int) -> list[_Waiting[Command, Result]]:
        """Take up to `limit` commands off the queue, without those whose callers have left."""
        taken: list[_Waiting[Command, Result]] = []
        while self._waiting and len(taken) < limit:
            waiting = self._waiting.popleft()
            if not waiting.future.done():
                taken.append(waiting)
        return taken

    async def _settle(self, batch: Sequence[_Waiting[Command, Result]]) -> None:
        """Give everyone in `batch` a result or an error."""
        try:
            results = await self._apply_with_retries([waiting.command for waiting in batch])
        except self._outages as error:
            _log.error("batch.store_unavailable", batch=self._name, size=len(batch), error=repr(error))
            for waiting in batch:
                waiting.fail(_caused(BatchLost(retry_after_seconds=1), error))
        except Exception as error:  # noqa: BLE001 - it goes to the caller whose command caused it
            if len(batch) == 1:
                batch[0].fail(error)
                return
            _log.warning("batch.split", batch=self._name, size=len(batch), error=repr(error))
            middle = len(batch) // 2
            await self._settle(batch[:middle])
            await self._settle(batch[middle:])
        else:
            self._answer(batch, results)

    async def _apply_with_retries(self, commands: Sequence[Command]) -> Sequence[Result]:
        deadline = perf_counter() + _RETRY_WINDOW_SECONDS
        for gap_seconds in _RETRY_GAPS_SECONDS:
            try:
                return await self._apply_once(commands)
            except self._tried_again as error:
                if perf_counter() > deadline:
                    raise
                _log.warning("batch.retry", batch=self._name, size=len(commands), error=repr(error))
            await asyncio.sleep(uniform(0.5, 1) * gap_seconds)  # noqa: S311 - spreads processes that collided
        return await self._apply_once(commands)

    async def _apply_once(self, commands: Sequence[Command]) -> Sequence[Result]:
        start = perf_counter()
        try:
            return await self._apply(commands)
        finally:
            self._seconds.observe(perf_counter() - start)

    def _answer(self, batch: Sequence[_Waiting[Command, Result]], results: Sequence[Result]) -> None:
        """Hand out the results. A wrong number of them is a bug after the commit, so nothing may be tried again."""
        if len(results) != len(batch):
            error = f"batch {self._name}: {len(results)} results for {len(batch)} commands"
            for waiting in batch:
                waiting.fail(RuntimeError(error))
            return
        for waiting, result in zip(batch, results, strict=True):
            waiting.succeed(result)


def _caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error
