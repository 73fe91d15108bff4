"""The worker that empties the inbox: in batches as far as it goes, and the rest one by one.

Decides how many webhooks are looked at at a time, and that a batch that fails is looked at one by one, so that the
webhook at fault fails alone. A crash between such a look and its record means another look, which payments answer with
REPEATED.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from wisipay.core.batch import Batcher
from wisipay.core.database import Pool
from wisipay.core.listener import Listener
from wisipay.core.logging import get_logger
from wisipay.core.metrics import CLAIMED
from wisipay.core.queue import ClaimLoop, Lease
from wisipay.payments import WordResult
from wisipay.webhooks import store
from wisipay.webhooks.model import ClaimedWebhook, Look, WebhookState
from wisipay.webhooks.processing import Processing
from wisipay.webhooks.together import look_together

CHANNEL: Final = "webhooks_due"
CONCURRENCY: Final = 256
_QUEUE: Final = "webhooks_inbox"
_logger = get_logger(__name__)


class WebhookWorker:
    """One per process; any number of processes. `start` it, `stop` it to drain."""

    def __init__(
        self, pool: Pool, listener: Listener, processing: Processing, *, concurrency: int = CONCURRENCY
    ) -> None:
        self._pool = pool
        self._processing = processing
        self._together = CLAIMED.labels(queue=_QUEUE, outcome="done")
        self._records: Batcher[Look, bool] = Batcher(partial(store.record, pool), name="webhooks_record")
        self._loop: ClaimLoop[ClaimedWebhook] = ClaimLoop(
            name=_QUEUE,
            claim=self._claim,
            handle=self._handle,
            renew=self._renew,
            channel=CHANNEL,
            listener=listener,
            concurrency=concurrency,
            depth=partial(store.depth, pool),
        )

    async def start(self) -> None:
        """Begin to look at webhooks."""
        await self._loop.start()

    async def stop(self) -> None:
        """Claim nothing more, finish what is in flight within a bound, record it."""
        await self._loop.stop()
        await self._records.drain()

    async def _claim(self, free: int, lease: Lease) -> Sequence[ClaimedWebhook]:
        """Deal with what is due, and return what has to be looked at one by one."""
        try:
            done = await look_together(self._processing, free, lease)
        except Exception as error:  # noqa: BLE001 - each webhook gets its own try, and its own line in the log
            _logger.warning("webhook.batch_failed", error=repr(error))
            return await store.claim(self._pool, free, lease.token, int(lease.seconds))
        for look in done.looks:
            _tell(look, is_ours=True)
        self._together.inc(len(done.looks))
        if len(done.looks) + len(done.aside) >= free:
            self._loop.wake()  # there may be more
        return done.aside

    async def _renew(self, webhooks: Sequence[ClaimedWebhook], lease: Lease) -> None:
        webhook_ids = [claimed.webhook.webhook_id for claimed in webhooks]
        await store.renew(self._pool, webhook_ids, lease.token, int(lease.seconds))

    async def _handle(self, claimed: ClaimedWebhook) -> None:
        look = await self._processing.look(claimed)
        _tell(look, is_ours=await self._records.submit(look))


def _tell(look: Look, *, is_ours: bool) -> None:
    if look.result == WordResult.APPLIED and is_ours:
        return  # the line of the payment that it moved has told
    log = _logger.info if look.state is WebhookState.DONE else _logger.warning
    log(
        f"webhook.{look.state.lower()}",
        webhook_id=str(look.claimed.webhook.webhook_id),
        provider_id=look.claimed.webhook.provider_id,
        job_attempt=look.claimed.attempts + 1,
        result=look.result,
        error=look.error,
        lease_lost=not is_ours,
    )
