"""Webhooks, and the neighbours of the webhooks slice as a test wants them: channels, adapters, payments."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from support.parties import channel
from wisipay.core.database import Connection, Pool
from wisipay.core.money import Paise
from wisipay.merchants import Channel
from wisipay.payments import Spoken, WordResult
from wisipay.providers import ProviderStatus, WebhookRoute, WebhookUnreadable, WebhookWord
from wisipay.webhooks import ReceivedWebhook

RECEIVED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def word(reference: str = "WP1", *, authentic: bool = True) -> WebhookWord:
    """Return the word that a payin of 1,000 rupees succeeded."""
    return WebhookWord(
        kind="payin",
        reference=reference,
        provider_reference=f"P-{reference}",
        status=ProviderStatus.SUCCESS,
        amount=Paise(100_000),
        currency="INR",
        utr="UTR1",
        message=None,
        authentic=authentic,
    )


def webhook(*references: str, signed_for: str = "dummy_acme", **fields: Any) -> ReceivedWebhook:  # noqa: ANN401 - any field
    """Return a webhook with one word per reference, signed with the secret of the channel `signed_for`."""
    given: dict[str, Any] = {
        "webhook_id": uuid4(),
        "route": "payin",
        "provider_id": "dummy",
        "legal_entity_id": "acme",
        "headers": {"x-signed-for": signed_for, "content-type": "application/json"},
        "body": json.dumps(list(references)).encode(),
        "peer_address": "127.0.0.1",
        "received_at": RECEIVED_AT,
    }
    return ReceivedWebhook(**given | fields)


class Channels:
    """The channels there are; `dummy_acme` unless told otherwise."""

    def __init__(self, *known: Channel) -> None:
        self.known = known or (channel(),)

    async def channels(self) -> Sequence[Channel]:
        """Return every channel."""
        return self.known


class Adapters:
    """Reads bodies as JSON lists of references; a channel vouches for what is signed for it."""

    async def parse_webhook(
        self, channel_id: str, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Return one word per reference. Raises WebhookUnreadable, and whatever a channel named `broken` does."""
        if channel_id.startswith("broken"):
            raise LookupError(channel_id)
        try:
            references = json.loads(body)
        except ValueError as error:
            raise WebhookUnreadable(f"the {kind_of_route} body is not JSON") from error
        return tuple(word(each, authentic=headers.get("x-signed-for") == channel_id) for each in references)

    async def webhook_reply(self, channel_id: str) -> tuple[int, str, bytes]:
        """Return the reply of the dummy, except that a channel named `broken` has none."""
        if channel_id.startswith("broken"):
            raise LookupError(channel_id)
        return 200, "text/plain", b"OK " + channel_id.encode()


class Payments:
    """Remembers what it is told and answers as the test wants, at last with APPLIED, then REPEATED.

    Without a `pool` it cannot take several words together.
    """

    def __init__(self, *answers: WordResult | Exception, pool: Pool | None = None) -> None:
        self._answers = list(answers)
        self._pool = pool
        self.heard: list[tuple[tuple[str, ...], WebhookWord, datetime]] = []

    async def apply_word(self, channel_ids: Sequence[str], word: WebhookWord, received_at: datetime) -> WordResult:
        """Take a word."""
        repeated = any(word == earlier for _, earlier, _ in self.heard)
        self.heard.append((tuple(channel_ids), word, received_at))
        if not self._answers:
            return WordResult.REPEATED if repeated else WordResult.APPLIED
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def apply_together(
        self,
        listen: Callable[[Connection], Awaitable[Sequence[Spoken]]],
        conclude: Callable[[Connection, Sequence[WordResult]], Awaitable[None]],
    ) -> None:
        """Take the words that `listen` brings, in one transaction with `conclude`."""
        if self._pool is None:
            raise RuntimeError("one by one, please")
        async with self._pool.acquire() as conn, conn.transaction():
            spoken = await listen(conn)
            await conclude(conn, [await self.apply_word(each.channel_ids, each.word, RECEIVED_AT) for each in spoken])
