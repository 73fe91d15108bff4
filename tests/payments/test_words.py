"""Where the webhook inbox hands a provider's word to payments: proofs are applied, hints make us ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from support.simulator import Simulator
from support.waiting import until
from wisipay.core.clock import utc_now
from wisipay.core.database import Connection
from wisipay.core.ids import new_id
from wisipay.core.money import Paise
from wisipay.entrypoints.engine import Engine
from wisipay.payments import Kind, Request, Source, Spoken, Status, Transaction, WordResult
from wisipay.providers import Capabilities, ProviderStatus, StatusOutcome, Unknown, WebhookWord

CHANNEL = "dummy_demo"


@pytest.fixture
async def payin(parts: Engine) -> Transaction:
    payer = await parts.directory.merchant("MER-1")
    assert payer is not None
    party = {"name": "Asha Rao", "email": "asha@example.com", "phone": "9876543210"}
    wanted = Request(Kind.PAYIN, "ORDER-1", Paise(50_000), "UPI", party, remarks="sim:webhook-missing")
    return await parts.payments.initiate(payer, wanted)


def said(reference: str | None, provider_reference: str | None = None, *, authentic: bool = True) -> WebhookWord:
    return WebhookWord(
        kind="payin",
        reference=reference,
        provider_reference=provider_reference,
        status=ProviderStatus.SUCCESS,
        amount=Paise(50_000),
        currency="INR",
        utr="UTR1",
        message=None,
        authentic=authentic,
    )


async def _apply(parts: Engine, word: WebhookWord, *channels: str) -> WordResult:
    return await parts.words.apply_word(channels or (CHANNEL,), word, utc_now())


async def _status(parts: Engine, payin: Transaction) -> Status:
    found = await parts.asker.by_id(payin.id)
    assert found is not None
    return found.status


async def test_an_authentic_word_is_applied_once(parts: Engine, payin: Transaction) -> None:
    assert await _apply(parts, said(payin.id)) is WordResult.APPLIED
    assert await _apply(parts, said(None, payin.provider_reference)) is WordResult.REPEATED
    assert await _status(parts, payin) is Status.SUCCESS


async def test_a_word_without_any_name_or_channel_is_about_nothing_we_know(parts: Engine, payin: Transaction) -> None:
    unknown = WordResult.UNKNOWN_TRANSACTION
    assert await _apply(parts, said(None)) is unknown
    assert await _apply(parts, said("not-one-of-ours")) is unknown
    assert await _apply(parts, said(payin.id), "nobody_nowhere") is unknown
    assert await parts.words.apply_word((), said(payin.id), utc_now()) is unknown
    assert await _apply(parts, said(new_id("WP"))) is unknown


async def _apply_together(parts: Engine, *words: WebhookWord, channel_id: str = CHANNEL) -> list[WordResult]:
    heard: list[WordResult] = []

    async def listen(_conn: Connection) -> Sequence[Spoken]:
        return [Spoken([channel_id], word) for word in words]

    async def conclude(_conn: Connection, results: Sequence[WordResult]) -> None:
        heard.extend(results)

    await parts.words.apply_together(listen, conclude)
    return heard


async def test_words_are_applied_together_each_with_its_own_result(parts: Engine, payin: Transaction) -> None:
    words = said(None), said(payin.id), said(new_id("WP")), said(None, payin.provider_reference)
    unknown = WordResult.UNKNOWN_TRANSACTION
    assert await _apply_together(parts, *words) == [unknown, WordResult.APPLIED, unknown, WordResult.REPEATED]
    assert await _apply_together(parts, said(payin.id), channel_id="nobody_nowhere") == [unknown]
    assert await _status(parts, payin) is Status.SUCCESS


async def test_what_fails_in_conclusion_has_not_happened(parts: Engine, payin: Transaction) -> None:
    async def listen(_conn: Connection) -> Sequence[Spoken]:
        return [Spoken([CHANNEL], said(payin.id))]

    async def conclude(_conn: Connection, _results: Sequence[WordResult]) -> None:
        raise RuntimeError("not so")

    with pytest.raises(RuntimeError, match="not so"):
        await parts.words.apply_together(listen, conclude)
    assert await _status(parts, payin) is Status.PENDING


async def test_a_hint_is_never_applied_together(parts: Engine, payin: Transaction) -> None:
    with pytest.raises(ValueError, match="hint"):
        await _apply_together(parts, said(payin.id, authentic=False))
    assert await _status(parts, payin) is Status.PENDING


async def test_a_limit_counter_that_does_not_exist_yet_is_added_before_words_are_applied(
    parts: Engine, payin: Transaction
) -> None:
    await parts.pool.execute("DELETE FROM payments_usage")
    word = replace(said(payin.id), status=ProviderStatus.FAILED)
    assert await _apply_together(parts, word) == [WordResult.APPLIED]
    assert await parts.pool.fetchval("SELECT count(*) FROM payments_usage") > 0


async def test_a_channel_speaks_about_its_own_payments_only(parts: Engine, payin: Transaction) -> None:
    for authentic in (True, False):
        word = said(payin.id, authentic=authentic)
        assert await _apply(parts, word, "dummy2_demo") is WordResult.UNKNOWN_TRANSACTION
    assert await _status(parts, payin) is Status.PENDING


async def test_a_hint_makes_us_ask_and_only_the_answer_moves_money(
    parts: Engine, payin: Transaction, simulator: Simulator
) -> None:
    async def has_succeeded() -> bool:
        book = (await simulator.call("GET", f"/control/book/{payin.id}")).body
        return bool(book["payments"][0]["status"] == "SUCCESS")

    await until(has_succeeded)
    assert await _apply(parts, said(payin.id, authentic=False)) is WordResult.HINT_CHECKED
    assert await _status(parts, payin) is Status.SUCCESS


async def test_a_hint_about_a_channel_left_behind_makes_us_ask_that_channel(
    parts: Engine, payin: Transaction, simulator: Simulator
) -> None:
    await parts.pool.execute("UPDATE payments_transactions SET attempt = 2, channel_id = 'dummy2_demo'")

    async def has_succeeded() -> bool:
        book = (await simulator.call("GET", f"/control/book/{payin.id}")).body
        return bool(book["payments"][0]["status"] == "SUCCESS")

    await until(has_succeeded)
    assert await _apply(parts, said(f"{payin.id}A3", authentic=False)) is WordResult.UNKNOWN_TRANSACTION
    assert await _apply(parts, said(payin.id, authentic=False)) is WordResult.HINT_CHECKED
    settled = await parts.asker.by_id(payin.id)
    assert settled is not None
    assert (settled.status, settled.attempt, settled.channel_id) == (Status.SUCCESS, 1, CHANNEL)


async def test_a_hint_by_the_providers_reference_finds_its_payment(parts: Engine, payin: Transaction) -> None:
    hint = said(None, payin.provider_reference, authentic=False)
    assert await _apply(parts, hint) is WordResult.HINT_CHECKED
    assert await _apply(parts, said(None, "nobody", authentic=False)) is WordResult.UNKNOWN_TRANSACTION
    assert await _apply(parts, said(new_id("WP"), authentic=False)) is WordResult.UNKNOWN_TRANSACTION


async def test_a_channel_that_cannot_be_used_leaves_the_payment_as_it_is(parts: Engine, payin: Transaction) -> None:
    await parts.pool.execute("UPDATE merchants_providers SET adapter = 'nobody' WHERE id = 'dummy'")
    parts.directory.invalidate()
    heard = await parts.asker.ask(payin, Source.STATUS_SYNC)
    assert heard.result is WordResult.REPEATED


async def test_a_provider_that_cannot_be_asked_is_not_asked(
    parts: Engine, payin: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mute(_channel_id: str) -> Capabilities:
        return Capabilities(frozenset(), frozenset(), False, False, False, 30)  # noqa: FBT003 - a value of its fields

    async def never(*_: object) -> StatusOutcome:
        return Unknown("was asked")

    monkeypatch.setattr(parts.gateway, "capabilities", mute)
    monkeypatch.setattr(parts.gateway, "check_status", never)
    assert (await parts.asker.ask(payin, Source.STATUS_SYNC)).result is WordResult.REPEATED
