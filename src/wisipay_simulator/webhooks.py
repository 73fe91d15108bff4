"""Sends webhooks: shared keep-alive connections, bounded concurrency, a few retries. It never changes the book."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping

import msgspec

from wisipay_simulator.model import Status
from wisipay_simulator.poster import Poster, PostFailedError
from wisipay_simulator.provider import Webhook
from wisipay_simulator.schedule import Schedule

RETRY_GAPS_MS = (200, 500, 1_000, 2_000, 5_000)
_TIMEOUT_SECONDS = 10
_OK = range(200, 300)

Render = Callable[[Webhook], tuple[Mapping[str, str], bytes]]
Finished = Callable[[Webhook], None]


class WebhookSender:
    """Delivers webhooks with `concurrency` workers from one queue.

    `finished` is called once per webhook, when it was delivered or given up.
    """

    def __init__(self, *, schedule: Schedule, render: Render, finished: Finished, concurrency: int) -> None:
        self.totals: Counter[str] = Counter()
        self._sending = 0
        self._schedule = schedule
        self._render = render
        self._finished = finished
        self._concurrency = concurrency
        self._waiting: deque[Webhook] = deque()
        self._ready = asyncio.Semaphore(0)
        self._workers: list[asyncio.Task[None]] = []
        self._poster = Poster()

    @property
    def under_way(self) -> int:
        """How many webhooks are being sent or wait for a free worker; planned retries and late ones not counted."""
        return self._sending + len(self._waiting)

    def start(self) -> None:
        """Start the workers, on the running loop."""
        self._workers = [asyncio.create_task(self._work(), name=f"webhook-{n}") for n in range(self._concurrency)]

    def send(self, webhook: Webhook, *, late_ms: int = 0) -> None:
        """Send a webhook, `late_ms` milliseconds from now; without a callback URL it is only counted."""
        if not webhook.payment.order.callback_url:
            self.totals["without_url"] += 1
        elif late_ms:
            self._schedule.after(late_ms, lambda: self._put(webhook))
        else:
            self._put(webhook)

    async def send_now(self, webhook: Webhook) -> None:
        """Make one attempt before returning; it is retried like any other when it fails."""
        if webhook.payment.order.callback_url:
            await self._attempt(webhook)

    def clear(self) -> None:
        """Forget what waits, after a reset."""
        self._waiting.clear()
        self.totals.clear()

    async def stop(self) -> None:
        """End the workers and close the connections."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._poster.close()

    def _put(self, webhook: Webhook) -> None:
        self._waiting.append(webhook)
        self._ready.release()

    async def _work(self) -> None:
        while True:
            await self._ready.acquire()
            if self._waiting:
                await self._attempt(self._waiting.popleft())

    async def _attempt(self, webhook: Webhook) -> None:
        self._sending += 1
        try:
            status = await self._post(webhook)
        finally:
            self._sending -= 1
        self.totals["attempts"] += 1
        if status in _OK:
            self.totals["delivered"] += 1
            self._finished(webhook)
        elif webhook.attempt > len(RETRY_GAPS_MS):
            self.totals["given_up"] += 1
            self._finished(webhook)
        else:
            self.totals["retried"] += 1
            again = msgspec.structs.replace(webhook, attempt=webhook.attempt + 1)
            self._schedule.after(RETRY_GAPS_MS[webhook.attempt - 1], lambda: self._put(again))

    async def _post(self, webhook: Webhook) -> int:
        headers, body = self._render(webhook)
        url = webhook.payment.order.callback_url
        try:
            return await self._poster.post(url, headers, body, timeout_seconds=_TIMEOUT_SECONDS)
        except PostFailedError:
            return 0


def announces_truth(webhook: Webhook) -> Status | None:
    """Return the status that a delivered webhook made known, or None when it was a forged or stale one."""
    return webhook.status if webhook.signature != "wrong" and webhook.status is webhook.payment.status else None
