"""Understanding one stored webhook: read it with the adapter, hand every word in it to payments, judge the results.

Decides whether a webhook is done, is looked at again, or is dead. Must never let a word reach transactions of a channel
whose secret did not vouch for it, when another channel's did; and never move money itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from wisipay.core.logging import get_logger
from wisipay.merchants import Channel
from wisipay.payments import WordResult
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


class Processing:
    """Looks at webhooks, one at a time."""

    def __init__(self, channels: ChannelList, parser: WebhookParser, sink: OutcomeSink) -> None:
        self._channels = channels
        self._parser = parser
        self._sink = sink

    async def look(self, claimed: ClaimedWebhook) -> Look:
        """Look at one webhook. Whatever goes wrong with it ends in another look or on the dead-letter list."""
        webhook = claimed.webhook
        try:
            channel_ids = await channel_ids_of(self._channels, webhook.provider_id, webhook.legal_entity_id)
            words = await self._read(webhook, channel_ids)
            results = [await self._sink.apply_word(ids, word, webhook.received_at) for word, ids in words.items()]
        except WebhookUnreadable as error:
            return Look(claimed=claimed, state=WebhookState.DEAD, result="UNREADABLE", error=str(error)[:500])
        except Exception as error:
            _logger.exception("webhook.look_failed", webhook_id=str(webhook.webhook_id))
            return again_or_dead(claimed, error=f"failed with {type(error).__name__}")
        summary = ",".join(results) or "NOTHING"
        waiting_for = [result for result in results if result in _NOT_YET]
        if waiting_for:
            return again_or_dead(claimed, error=f"could not be applied: {waiting_for[0]}", result=summary)
        return Look(claimed=claimed, state=WebhookState.DONE, result=summary)

    async def _read(self, webhook: ReceivedWebhook, channel_ids: Sequence[str]) -> dict[WebhookWord, list[str]]:
        """Read the webhook as each channel, and give each word the channels that it may be about.

        Where one channel's secret vouches for the webhook, the readings of channels that could not verify it are void.
        """
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
        return words_to_channels


async def channel_ids_of(channels: ChannelList, provider_id: str, legal_entity_id: str | None) -> list[str]:
    """Give the channels that a webhook address stands for: one, or all of the provider's without a legal entity."""
    return [
        channel.id
        for channel in await channels.channels()
        if channel.provider_id == provider_id and legal_entity_id in {None, channel.legal_entity_id}
    ]
