"""Understanding one stored webhook: read it with the adapter, hand every word in it to payments, judge the results.

Decides whether a webhook is done, is looked at again, or is dead. Must never let a word reach transactions of a channel
whose secret did not vouch for it, when another channel's did; and never move money itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from wisipay.core.database import Connection
from wisipay.core.logging import get_logger
from wisipay.merchants import Channel
from wisipay.payments import Spoken, WordResult
from wisipay.providers import WebhookRoute, WebhookUnreadable, WebhookWord
from wisipay.webhooks.model import ClaimedWebhook, Look, ReceivedWebhook, WebhookState, again_or_dead

_logger = get_logger(__name__)
_NOT_YET = frozenset({WordResult.RETRY, WordResult.UNKNOWN_TRANSACTION})


class ChannelList(Protocol):
    """Where channels are looked up: `merchants.Directory`."""

    async def channels(self) -> Sequence[Channel]:
        """Give every channel."""
        ...


class WebhookParser(Protocol):
    """Who reads webhooks: `providers.ProviderGateway`."""

    async def parse_webhook(
        self, channel_id: str, route: WebhookRoute, headers: Mapping[str, str], body: bytes, /
    ) -> tuple[WebhookWord, ...]:
        """Read a webhook with the channel's adapter. Raises WebhookUnreadable."""
        ...


class OutcomeSink(Protocol):
    """Who acts on a provider's word: payments."""

    async def apply_word(self, channel_ids: Sequence[str], word: WebhookWord, received_at: datetime) -> WordResult:
        """Apply one word to the transaction it is about, which belongs to one of the channels."""
        ...

    async def apply_together(
        self,
        listen: Callable[[Connection], Awaitable[Sequence[Spoken]]],
        conclude: Callable[[Connection, Sequence[WordResult]], Awaitable[None]],
    ) -> None:
        """Apply authentic words in one transaction that begins with `listen` and ends with `conclude`."""
        ...


class Processing:
    """Looks at webhooks, one at a time; `sink` is who acts on their words."""

    def __init__(self, channels: ChannelList, parser: WebhookParser, sink: OutcomeSink) -> None:
        self._channels = channels
        self._parser = parser
        self.sink = sink

    async def look(self, claimed: ClaimedWebhook) -> Look:
        """Look at one webhook. Whatever goes wrong with it ends in another look or on the dead-letter list."""
        webhook = claimed.webhook
        try:
            spoken = await self.read(webhook)
            results = [await self.sink.apply_word(each.channel_ids, each.word, webhook.received_at) for each in spoken]
        except WebhookUnreadable as error:
            return unreadable(claimed, error)
        except Exception as error:
            _logger.exception("webhook.look_failed", webhook_id=str(webhook.webhook_id))
            return again_or_dead(claimed, error=f"failed with {type(error).__name__}")
        return judged(claimed, results)

    async def read(self, webhook: ReceivedWebhook) -> list[Spoken]:
        """Read the webhook as each channel, and give each word the channels that it may be about.

        Where one channel's secret vouches for the webhook, the readings of channels that could not verify it are void.
        Raises WebhookUnreadable, and whatever is wrong with a channel.
        """
        channel_ids = await channel_ids_of(self._channels, webhook.provider_id, webhook.legal_entity_id)
        readings: dict[str, tuple[WebhookWord, ...]] = {}
        unreadable: WebhookUnreadable | None = None
        for channel_id in channel_ids:
            try:
                readings[channel_id] = await self._parser.parse_webhook(
                    channel_id, webhook.route, webhook.headers, webhook.body
                )
            except WebhookUnreadable as error:
                unreadable = error
        if not readings:
            raise unreadable or LookupError("no channel of this provider is left")
        vouched = {channel_id: words for channel_id, words in readings.items() if any(word.authentic for word in words)}
        words_to_channels: dict[WebhookWord, list[str]] = {}
        for channel_id, words in (vouched or readings).items():
            for word in words:
                words_to_channels.setdefault(word, []).append(channel_id)
        return [Spoken(ids, word) for word, ids in words_to_channels.items()]


def unreadable(claimed: ClaimedWebhook, error: WebhookUnreadable) -> Look:
    """Lay a webhook aside that its adapter cannot read: no later look will."""
    return Look(claimed=claimed, state=WebhookState.DEAD, result="UNREADABLE", error=str(error)[:500])


def judged(claimed: ClaimedWebhook, results: Sequence[WordResult]) -> Look:
    """Judge what payments made of a webhook's words."""
    summary = ",".join(results) or "NOTHING"
    waiting_for = [result for result in results if result in _NOT_YET]
    if waiting_for:
        return again_or_dead(claimed, error=f"could not be applied: {waiting_for[0]}", result=summary)
    return Look(claimed=claimed, state=WebhookState.DONE, result=summary)


async def channel_ids_of(channels: ChannelList, provider_id: str, legal_entity_id: str | None) -> list[str]:
    """Give the channels that a webhook address stands for: one, or all of the provider's without a legal entity."""
    return [
        channel.id
        for channel in await channels.channels()
        if channel.provider_id == provider_id and legal_entity_id in {None, channel.legal_entity_id}
    ]
