"""Taking a webhook in: store it durably, then answer as its provider wants.

Decides what is stored and that nothing is answered with success before it is. Must never parse, verify or act on what
it stores: a provider must get its answer in milliseconds, whatever the state of our payments.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol

from wisipay.core.batch import Batcher
from wisipay.core.clock import Clock
from wisipay.core.database import Pool
from wisipay.core.errors import NotFound, PayloadTooLarge
from wisipay.core.http_wire import Reply
from wisipay.core.ids import new_uuid7
from wisipay.core.logging import get_logger
from wisipay.providers import WebhookRoute
from wisipay.webhooks import store
from wisipay.webhooks.model import BODY_MAX_BYTES, ReceivedWebhook
from wisipay.webhooks.processing import ChannelList, channel_ids_of

_logger = get_logger(__name__)
_GAP_SECONDS: Final = 0.01
"""Between batches: a provider waits so much longer at most, and the stores are spared a commit per webhook."""
_NOT_KEPT: Final = frozenset({"cookie", "connection", "keep-alive", "te", "transfer-encoding", "upgrade"})


class Replies(Protocol):
    """Who knows how a provider wants to be answered: `providers.ProviderGateway`."""

    async def webhook_reply(self, channel_id: str) -> tuple[int, str, bytes]:
        """Give status, content type and body."""
        ...


class Receiving:
    """Stores webhooks in batches. One per process; `drain` before the pool is closed."""

    def __init__(self, pool: Pool, channels: ChannelList, replies: Replies, clock: Clock) -> None:
        self._channels = channels
        self._replies = replies
        self._clock = clock
        self._batcher: Batcher[ReceivedWebhook, None] = Batcher(
            partial(store.insert, pool), name="webhooks_received", gap_seconds=_GAP_SECONDS
        )

    async def receive(
        self,
        route: WebhookRoute,
        provider_id: str,
        legal_entity_id: str | None,
        *,
        headers: Mapping[str, str],
        body: bytes,
        peer_address: str | None,
    ) -> Reply:
        """Store one webhook and say how to answer it. `headers` have lower-case names.

        Raises NotFound for an address that no channel has, PayloadTooLarge, and Overloaded.
        """
        channel_ids = await channel_ids_of(self._channels, provider_id, legal_entity_id)
        if not channel_ids:
            raise NotFound("No such webhook address: check the provider and the legal entity in it")
        if len(body) > BODY_MAX_BYTES:
            raise PayloadTooLarge(f"A webhook may have at most {BODY_MAX_BYTES} bytes")
        webhook = ReceivedWebhook(
            webhook_id=new_uuid7(),
            route=route,
            provider_id=provider_id,
            legal_entity_id=legal_entity_id,
            headers={name: value for name, value in headers.items() if name not in _NOT_KEPT},
            body=body,
            peer_address=peer_address,
            received_at=self._clock.now(),
        )
        await self._batcher.submit(webhook)
        _logger.info(
            "webhook.received",
            webhook_id=str(webhook.webhook_id),
            provider_id=provider_id,
            bytes=len(body),
            route=route,
        )
        return await self._reply(channel_ids[0])

    async def drain(self) -> None:
        """Wait until everything submitted is stored."""
        await self._batcher.drain()

    async def _reply(self, channel_id: str) -> Reply:
        """Ask the adapter. The webhook is stored: trouble with building the adapter must not look like a refusal."""
        try:
            status, content_type, body = await self._replies.webhook_reply(channel_id)
        except Exception:
            _logger.exception("webhook.reply_failed", channel_id=channel_id)
            return Reply(200, b'{"success":true}')
        return Reply(status, body, content_type)
