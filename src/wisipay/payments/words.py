"""Where the webhook inbox hands a provider's word to payments.

An authentic word goes to the machine; anything else is a hint that makes us ask the provider. A channel speaks about
its own payments only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from wisipay.core.database import Connection
from wisipay.merchants import Directory
from wisipay.payments.asking import Asker
from wisipay.payments.commands import Heard, ProviderWord, Result
from wisipay.payments.desk import Desk
from wisipay.payments.model import Kind, Source, Transaction, WordResult, split_reference
from wisipay.providers import WebhookWord


class Spoken(msgspec.Struct, frozen=True):
    """An authentic word, and the channels over one of whose webhooks it came."""

    channel_ids: Sequence[str]
    word: WebhookWord


Listen: TypeAlias = Callable[[Connection], Awaitable[Sequence[Spoken]]]
Conclude: TypeAlias = Callable[[Connection, Sequence[WordResult]], Awaitable[None]]


class Words:
    """Applies webhook words to payments. `id_length` is the length of this installation's transaction ids."""

    def __init__(self, desk: Desk, asker: Asker, directory: Directory, id_length: int) -> None:
        self._desk = desk
        self._asker = asker
        self._directory = directory
        self._id_length = id_length

    async def apply_word(self, channel_ids: Sequence[str], word: WebhookWord, received_at: datetime) -> WordResult:
        """Apply one word that came over the webhook of one of these channels, received at that time."""
        del received_at  # the machine tells by its own clock when a word was heard
        spoken = await self._command(channel_ids, word)
        if spoken is None:
            return WordResult.UNKNOWN_TRANSACTION
        if not word.authentic:
            return await self._check(spoken)
        return _result(await self._desk.submit(spoken))

    async def apply_together(self, listen: Listen, conclude: Conclude) -> None:
        """Apply the words that `listen` brings and have `conclude` write what came of them, all in one transaction.

        `listen` may be called twice. What fails, fails as a whole: then apply each word by itself.
        """
        heard: list[ProviderWord | None] = []  # None is a word about nothing we know

        async def begin(conn: Connection) -> Sequence[ProviderWord]:
            heard.clear()
            for spoken in await listen(conn):
                if not spoken.word.authentic:
                    raise ValueError("a hint moves nothing; apply it by itself")
                heard.append(await self._command(spoken.channel_ids, spoken.word))
            return [command for command in heard if command is not None]

        async def end(conn: Connection, results: Sequence[Result]) -> None:
            answers = iter(results)
            await conclude(
                conn,
                [WordResult.UNKNOWN_TRANSACTION if command is None else _result(next(answers)) for command in heard],
            )

        await self._desk.decide_within(begin, end)

    async def _command(self, channel_ids: Sequence[str], word: WebhookWord) -> ProviderWord | None:
        """Return what the machine is to hear; None when the word names nothing that could be ours."""
        channel = await self._directory.channel(channel_ids[0]) if channel_ids else None
        named = split_reference(word.reference, self._id_length) if word.reference else None
        if channel is None or (named is None and word.provider_reference is None):
            return None
        return ProviderWord(
            transaction_id=named[0] if named else None,
            attempt=named[1] if named else None,
            provider_id=channel.provider_id,
            provider_reference=word.provider_reference,
            source=Source.WEBHOOK,
            status=word.status,
            amount_paise=word.amount,
            currency=word.currency,
            utr=word.utr,
            message=word.message or "",
            kind=Kind(word.kind.upper()),
            channel_ids=frozenset(channel_ids),
        )

    async def _check(self, hint: ProviderWord) -> WordResult:
        """Ask the provider about a payment, at the attempt that somebody spoke of without proof."""
        transaction = await self._find(hint)
        if transaction is not None and hint.attempt is not None:
            transaction = await self._asker.at_attempt(transaction, hint.attempt)
        if transaction is None or transaction.channel_id not in (hint.channel_ids or ()):
            return WordResult.UNKNOWN_TRANSACTION
        await self._asker.ask(transaction, Source.WEBHOOK)
        return WordResult.HINT_CHECKED

    async def _find(self, hint: ProviderWord) -> Transaction | None:
        if hint.transaction_id is not None:
            return await self._asker.by_id(hint.transaction_id)
        return await self._asker.by_provider_reference(hint.provider_id, hint.provider_reference or "")


def _result(heard: Result) -> WordResult:
    assert isinstance(heard, Heard)  # noqa: S101 - the machine answers ProviderWord with nothing else
    return heard.result
