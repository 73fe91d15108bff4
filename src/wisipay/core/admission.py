"""Overload protection: how many requests may be under way at once, and the refusal of those beyond.

Decides from one figure, the time that requests spend in our own hands: in the event loop, in batches, in the stores;
never the wait for a provider's answer, so a slow provider does not look like overload. While it is above the target,
the number admitted follows Little's law down to what is finished within the target; while it is below, the number
grows. A refusal is made before the request is read or logged, so it costs a fraction of what it saves; requests beyond
the number never wait, so there is no queue to drain when the flood ends. Must never refuse health checks, and webhooks
only long after merchants' requests.
"""

from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter
from typing import Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from wisipay.core.batch import Overloaded
from wisipay.core.ids import new_id
from wisipay.core.logging import get_logger
from wisipay.core.metrics import counter, gauge

FLOOR: Final = 64
"""So many requests are always taken: fewer would not fill the batches."""

START: Final = 256
CEILING: Final = 4096
"""Most merchants' requests in the process, those that wait for a provider included; and most webhooks."""

WINDOW_SECONDS: Final = 0.1
RETRY_AFTER_SECONDS: Final = 1

_WINDOW_REQUESTS = 8
_GROWTH = 1.1
_SHRINKING_MOST = 0.7
_QUIET_SECONDS = 1.0
_MERCHANTS_PATHS = "/api/"
_WEBHOOK_PATHS = "/webhook/"

_REFUSED = counter("admission_refused_total", "Requests refused because too many were under way", ("kind",))
_LIMIT = gauge("admission_limit", "Requests that may be in our hands at once")
_IN_HANDS = gauge("admission_in_hands", "Requests in our hands, apart from those that wait for a provider")

_log = get_logger(__name__)


class Admission:
    """Counts the requests of one process and knows how many it may hold. `now` gives seconds of a monotonic clock."""

    def __init__(self, target_seconds: float, now: Callable[[], float] = perf_counter) -> None:
        self._target_seconds = target_seconds
        self._now = now
        self.limit = START
        self.inside = 0
        self.outside = 0
        self.webhooks = 0
        self._refused_at = float("-inf")
        self._was_full = False
        self._window_start = now()
        self._finished = 0
        self._own_seconds = 0.0

    def enter(self) -> "Stay | None":
        """Admit a merchant's request; None when it is to be refused. Whoever is admitted calls `leave` at the end."""
        if self.inside >= self.limit or self.inside + self.outside >= CEILING:
            self._note_refusal()
            return None
        self.inside += 1
        return Stay(self, self._now())

    def enter_webhook(self) -> bool:
        """Admit a webhook, unless far too many are here; `leave_webhook` ends it.

        It takes no merchant's place: what it costs shows in the time that their requests take.
        """
        if self.webhooks >= CEILING:
            _REFUSED.labels("webhook").inc()
            return False
        self.webhooks += 1
        return True

    def leave_webhook(self) -> None:
        """End a webhook."""
        self.webhooks -= 1

    def moment(self) -> float:
        """Return the monotonic moment, in seconds."""
        return self._now()

    def finished(self, own_seconds: float) -> None:
        """Learn how long a request was in our hands."""
        self._finished += 1
        self._own_seconds += own_seconds
        if self._finished >= _WINDOW_REQUESTS and (now := self._now()) - self._window_start >= WINDOW_SECONDS:
            self._adapt(now)

    def _adapt(self, now: float) -> None:
        """Follow what the window that ends now has shown."""
        if self._own_seconds / self._finished > self._target_seconds:
            sustainable = self._finished / (now - self._window_start) * self._target_seconds
            self.limit = max(FLOOR, min(self.limit, int(max(sustainable, self.limit * _SHRINKING_MOST))))
        elif self._was_full or self.limit < START:
            self.limit = min(CEILING, int(self.limit * _GROWTH) + 1)
        _LIMIT.set(self.limit)
        _IN_HANDS.set(self.inside)
        self._was_full = False
        self._window_start, self._finished, self._own_seconds = now, 0, 0.0

    def _note_refusal(self) -> None:
        now = self._now()
        if now - self._refused_at > _QUIET_SECONDS:  # one line per flood: a line per refusal would cost more than it
            _log.warning("admission.refusing", limit=self.limit, inside=self.inside, outside=self.outside)
        self._refused_at = now
        self._was_full = True
        _REFUSED.labels("merchant").inc()


class Stay:
    """The way of one admitted request through the process."""

    __slots__ = ("_admission", "_depth", "_entered_at", "_is_over", "_outside_seconds", "_outside_since")

    def __init__(self, admission: Admission, entered_at: float) -> None:
        self._admission = admission
        self._entered_at = entered_at
        self._outside_seconds = 0.0
        self._outside_since = 0.0
        self._depth = 0
        self._is_over = False

    def go_outside(self) -> None:
        """Wait for somebody else from now on; calls may nest."""
        self._depth += 1
        if self._depth == 1 and not self._is_over:
            self._admission.inside -= 1
            self._admission.outside += 1
            self._outside_since = self._admission.moment()

    def come_back(self) -> None:
        """Be in our hands again."""
        self._depth -= 1
        if self._depth == 0 and not self._is_over:
            self._admission.outside -= 1
            self._admission.inside += 1
            self._outside_seconds += self._admission.moment() - self._outside_since

    def leave(self) -> None:
        """End; what the request started and left behind, such as a payment whose client hung up, no longer counts."""
        now = self._admission.moment()
        self._is_over = True
        if self._depth:
            self._admission.outside -= 1
            self._outside_seconds += now - self._outside_since
        else:
            self._admission.inside -= 1
        self._admission.finished(now - self._entered_at - self._outside_seconds)


_present: ContextVar[Stay | None] = ContextVar("present_stay", default=None)


class outside:  # noqa: N801 - used like a function: `with outside():`
    """Marks the block as a wait for somebody else, such as a provider's answer. Without a request it does nothing."""

    __slots__ = ("_stay",)

    def __enter__(self) -> None:
        self._stay = _present.get()
        if self._stay is not None:
            self._stay.go_outside()

    def __exit__(self, *_: object) -> None:
        if self._stay is not None:
            self._stay.come_back()


class AdmissionGuard:
    """Stands before the whole application: admits, or answers 503 with `retry-after` at once."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        refusal = Overloaded(retry_after_seconds=RETRY_AFTER_SECONDS)
        self._status = refusal.http_status
        self._body = msgspec.json.encode(refusal.body())
        told = {"content-type": "application/json", "content-length": str(len(self._body)), **refusal.headers()}
        self._headers = [(name.encode(), value.encode()) for name, value in told.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        path = scope["path"] if scope["type"] == ScopeType.HTTP else ""
        if path.startswith(_MERCHANTS_PATHS):
            await self._merchants(scope, receive, send)
        elif path.startswith(_WEBHOOK_PATHS):
            await self._webhook(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _merchants(self, scope: Scope, receive: Receive, send: Send) -> None:
        stay = self._admission.enter()
        if stay is None:
            await self._refuse(send)
            return
        token = _present.set(stay)
        try:
            await self._app(scope, receive, send)
        finally:
            _present.reset(token)
            stay.leave()

    async def _webhook(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._admission.enter_webhook():
            await self._refuse(send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._admission.leave_webhook()

    async def _refuse(self, send: Send) -> None:
        headers = [*self._headers, (b"x-request-id", new_id("RQ").encode())]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})
