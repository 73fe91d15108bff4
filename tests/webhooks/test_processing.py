"""What becomes of one webhook: who may vouch for it, what payments hear, when it is looked at again."""

from uuid import uuid4

import pytest

from support.inbox import RECEIVED_AT, Adapters, Channels, Payments, webhook, word
from support.parties import channel
from wisipay.payments import WordResult
from wisipay.webhooks import Processing, ReceivedWebhook, WebhookState
from wisipay.webhooks.model import GAPS_SECONDS, ClaimedWebhook, Look


async def _look(
    received: ReceivedWebhook, payments: Payments, channels: Channels | None = None, *, attempts: int = 0
) -> Look:
    processing = Processing(channels or Channels(), Adapters(), payments)
    return await processing.look(ClaimedWebhook(received, attempts, uuid4()))


async def test_every_word_reaches_payments_with_its_channel() -> None:
    payments = Payments()
    look = await _look(webhook("WP1", "WP2"), payments)
    assert (look.state, look.result) == (WebhookState.DONE, "APPLIED,APPLIED")
    assert payments.heard == [
        (("dummy_acme",), word("WP1"), RECEIVED_AT),
        (("dummy_acme",), word("WP2"), RECEIVED_AT),
    ]


async def test_without_a_legal_entity_the_channel_whose_secret_vouches_is_the_only_one() -> None:
    payments = Payments()
    channels = Channels(channel("dummy", "acme"), channel("dummy", "other"), channel("stranger", "acme"))
    await _look(webhook("WP1", signed_for="dummy_other", legal_entity_id=None), payments, channels)
    assert [(channel_ids, said.authentic) for channel_ids, said, _ in payments.heard] == [(("dummy_other",), True)]


async def test_a_hint_may_be_about_any_channel_of_the_provider() -> None:
    payments = Payments()
    channels = Channels(channel("dummy", "acme"), channel("dummy", "other"), channel("stranger", "acme"))
    await _look(webhook("WP1", signed_for="nobody", legal_entity_id=None), payments, channels)
    assert [(channel_ids, said.authentic) for channel_ids, said, _ in payments.heard] == [
        (("dummy_acme", "dummy_other"), False)
    ]


async def test_a_secret_of_one_channel_does_not_vouch_on_anothers_address() -> None:
    payments = Payments()
    channels = Channels(channel("dummy", "acme"), channel("dummy", "other"))
    await _look(webhook("WP1", signed_for="dummy_other", legal_entity_id="acme"), payments, channels)
    assert [(channel_ids, said.authentic) for channel_ids, said, _ in payments.heard] == [(("dummy_acme",), False)]


async def test_an_unreadable_body_is_dead_at_once() -> None:
    payments = Payments()
    look = await _look(webhook(body=b"<xml/>"), payments)
    assert (look.state, look.result, look.error) == (WebhookState.DEAD, "UNREADABLE", "the payin body is not JSON")
    assert payments.heard == []


async def test_a_webhook_without_news_is_done() -> None:
    look = await _look(webhook(), Payments())
    assert (look.state, look.result) == (WebhookState.DONE, "NOTHING")


@pytest.mark.parametrize("answer", [WordResult.UNKNOWN_TRANSACTION, WordResult.RETRY])
async def test_what_cannot_be_applied_yet_is_looked_at_again_at_growing_gaps_then_dead(answer: WordResult) -> None:
    gaps = []
    for attempts in range(len(GAPS_SECONDS)):
        look = await _look(webhook("WP1"), Payments(answer), attempts=attempts)
        assert (look.state, look.result) == (WebhookState.WAITING, answer)
        gaps.append(look.gap_seconds)
    assert gaps == sorted(gaps)
    dead = await _look(webhook("WP1"), Payments(answer), attempts=len(GAPS_SECONDS))
    assert (dead.state, dead.error) == (WebhookState.DEAD, f"could not be applied: {answer}")


@pytest.mark.parametrize("answer", [WordResult.REPEATED, WordResult.HINT_CHECKED, WordResult.MISMATCH])
async def test_whatever_else_payments_say_is_final(answer: WordResult) -> None:
    assert (await _look(webhook("WP1"), Payments(answer))).state is WebhookState.DONE


async def test_one_word_that_must_wait_keeps_the_whole_webhook_waiting() -> None:
    look = await _look(webhook("WP1", "WP2"), Payments(WordResult.APPLIED, WordResult.RETRY))
    assert (look.state, look.result) == (WebhookState.WAITING, "APPLIED,RETRY")


async def test_a_failure_of_payments_is_another_look_without_its_secrets() -> None:
    look = await _look(webhook("WP1"), Payments(RuntimeError("a secret")))
    assert (look.state, look.error) == (WebhookState.WAITING, "failed with RuntimeError")


async def test_a_channel_that_cannot_be_built_is_another_look() -> None:
    channels = Channels(channel("broken", "acme"))
    look = await _look(webhook("WP1", provider_id="broken"), Payments(), channels)
    assert (look.state, look.error) == (WebhookState.WAITING, "failed with LookupError")


async def test_a_channel_that_is_gone_is_another_look() -> None:
    look = await _look(webhook("WP1", provider_id="gone"), Payments())
    assert (look.state, look.error) == (WebhookState.WAITING, "failed with LookupError")
