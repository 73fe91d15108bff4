"""Takes requests down while they are answered, and writes them later, many at a time.

Decides that noting costs a request one step: it is put on a bounded queue, nothing is awaited. What does not fit, or
cannot be stored, is dropped and counted. Nobody but a merchant fills his log: of requests that may have been made by
anyone (refused before the signature was found right) so many a second are kept. Must never raise into a request.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import Final

from wisipay.apilog import store
from wisipay.apilog.entry import Seen, row, seen
from wisipay.core.clock import Clock
from wisipay.core.database import OUTAGES, Pool
from wisipay.core.http_wire import Reply, WireRequest
from wisipay.core.logging import get_logger
from wisipay.core.metrics import counter

WAITING_MAX: Final = 4_096
BATCH_MAX: Final = 512
GAP_SECONDS: Final = 0.5
"""From the first waiting entry to the batch that takes it along."""
UNPROVEN_MAX: Final = 50
"""Entries of one merchant in one batch that anybody could have made."""
UNPROVEN_WAITING_MAX: Final = 256
"""Such entries of all merchants between two batches: each may cost a look whether there is such a merchant."""

_AT_A_TIME: Final = 8
_WRITE_SECONDS: Final = 5
_UNKNOWN: Final = 401
_AWAY: Final[tuple[type[Exception], ...]] = (*OUTAGES, TimeoutError)
_UNPROVEN: Final = frozenset({400, 403, 413, 415})

_ENTRIES = counter("api_log_entries_total", "Requests of merchants, by what became of their entry", ("outcome",))
_KEPT, _UNKNOWNS, _FLOOD, _FULL, _LOST = (
    _ENTRIES.labels(outcome) for outcome in ("kept", "unknown_merchant", "flood", "queue_full", "lost")
)

_log = get_logger(__name__)


class ApiLog:
    """One per process. `start` it, give it to the server as its observer, `stop` it after the last request.

    `is_merchant` says whether there is a merchant of that id; `trusted_proxies` are believed about addresses.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        is_merchant: Callable[[str], Awaitable[bool]],
        *,
        trusted_proxies: tuple[str, ...] = (),
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._is_merchant = is_merchant
        self._trusted_proxies = trusted_proxies
        self._waiting: deque[Seen] = deque()
        self._unproven = 0
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def observe(self, request: WireRequest, reply: Reply, seconds: float) -> None:
        """Note a request and its answer, which took so long."""
        if "x-merchant-id" not in request.headers or reply.status == _UNKNOWN:
            return
        if len(self._waiting) >= WAITING_MAX:
            _FULL.inc()
            return
        if reply.status in _UNPROVEN:
            if self._unproven >= UNPROVEN_WAITING_MAX:
                _FLOOD.inc()
                return
            self._unproven += 1
        if not self._waiting:
            self._wake.set()
        self._waiting.append(seen(request, reply, seconds, self._clock.now()))

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="api log", context=Context())

    async def stop(self) -> None:
        """Write what waits, but not for long."""
        self._stopping.set()
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        is_last = False
        while not is_last:
            await self._wake.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), GAP_SECONDS)
            self._wake.clear()
            is_last = self._stopping.is_set()
            self._unproven = 0
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
                if not await self._write(batch) and is_last:
                    _LOST.inc(len(self._waiting))  # else each batch would take its time to fail
                    self._waiting.clear()

    async def _write(self, batch: list[Seen]) -> bool:
        """Store a batch, or drop it: entries that wait for a store would push out those that come."""
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                rows = await self._rows(batch)
                await store.write(self._pool, rows)
        except _AWAY as error:
            _LOST.inc(len(batch))
            _log.warning("api_log.store_unavailable", lost=len(batch), error=repr(error))
        except Exception:  # noqa: BLE001 - a log must not end for one batch that nobody thought of
            _LOST.inc(len(batch))
            _log.exception("api_log.failed", lost=len(batch))
        else:
            _KEPT.inc(len(rows))
            return True
        return False

    async def _rows(self, batch: list[Seen]) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        unproven: Counter[str] = Counter()
        for number, entry in enumerate(batch, start=1):
            merchant_id = entry.request.headers["x-merchant-id"].strip()
            if entry.reply.status in _UNPROVEN:
                unproven[merchant_id] += 1
            if unproven[merchant_id] > UNPROVEN_MAX and entry.reply.status in _UNPROVEN:
                _FLOOD.inc()
            elif not await self._is_merchant(merchant_id):
                _UNKNOWNS.inc()
            else:
                rows.append(row(entry, self._trusted_proxies))
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)  # payments go first
        return rows
