"""One desk: commands of one payment that meet in one batch, callbacks, alerts, and a desk that stops."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from support.desk_bench import AMOUNT, DeskBench, word
from support.payment_world import FAILED, FIRST, MERCHANT, REJECTED, SECOND, SUCCESS
from wisipay.callbacks import CallbackFilter, CallbackState, find
from wisipay.core.batch import Overloaded
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection
from wisipay.entrypoints.engine import Engine
from wisipay.merchants import Author, create_merchant, onboard_merchant
from wisipay.payments import Kind, Source, Status, WordResult
from wisipay.payments.commands import Answered, Command, CreateAnswered, Heard, Looked, Result
from wisipay.payments.postings import derived_id
from wisipay.providers import Accepted, NotFound, ProviderStatus


async def test_word_of_an_attempt_that_its_own_batch_leaves_behind_is_heard(bench: DeskBench) -> None:
    """The answer moves the payin on, and the first channel's success comes right behind it."""
    payin = await bench.opened(Kind.PAYIN)
    _, heard = await asyncio.gather(
        bench.desk.submit(CreateAnswered(payin.id, 1, payin.provider_id, REJECTED, remaining=(SECOND,))),
        bench.desk.submit(word(payin, SUCCESS)),
    )
    assert isinstance(heard, Heard)
    assert heard.result is WordResult.APPLIED
    assert await bench.gross(FIRST) == payin.amount_paise


async def test_word_by_a_reference_that_its_own_batch_teaches_is_heard(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    bench.desk = bench.another_desk()
    accepted = Accepted(ProviderStatus.PENDING, f"P-{payin.id}")
    _, heard = await asyncio.gather(
        bench.desk.submit(CreateAnswered(payin.id, 1, payin.provider_id, accepted)),
        bench.hear(payin, SUCCESS, transaction_id=None, attempt=None),
    )
    assert heard.result is WordResult.APPLIED
    assert (await bench.stored(payin.id)).status is Status.SUCCESS


async def test_failure_told_by_the_providers_reference_alone_is_heard(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    heard = await bench.hear(payin, FAILED, transaction_id=None, attempt=None)
    assert heard.result is WordResult.APPLIED
    assert (await bench.stored(payin.id)).status is Status.FAILED


async def test_failure_and_late_success_of_a_payout_in_one_batch_are_both_booked(bench: DeskBench) -> None:
    await bench.fund(1_000_000)
    payout = await bench.accepted(Kind.PAYOUT)
    await asyncio.gather(bench.desk.submit(word(payout, FAILED)), bench.desk.submit(word(payout, SUCCESS)))
    assert (await bench.stored(payout.id)).status is Status.SUCCESS
    assert (await bench.payout_account()).debits_pending == 0
    await bench.books_balance()


async def test_a_command_about_nothing_fails_alone(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    nothing = Looked("WSP" + "0" * 22, 1, FIRST.provider_id, NotFound("who?"), Source.STATUS_POLL)
    lost, heard = await asyncio.gather(
        bench.desk.submit(nothing), bench.desk.submit(word(payin, SUCCESS)), return_exceptions=True
    )
    assert isinstance(lost, KeyError)
    assert isinstance(heard, Heard)
    assert heard.result is WordResult.APPLIED


async def test_each_final_status_is_a_callback_in_the_same_commit_under_an_id_of_its_own(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    for status in (FAILED, SUCCESS, ProviderStatus.REVERSED):
        await bench.hear(payin, status)
    found = await find(bench.pool, CallbackFilter(merchant_id=MERCHANT))
    told = {record.event.event_id: record.event for record in found}
    assert [told[derived_id(payin.id, f"callback:{number}")].status for number in (1, 2, 3)] == [
        "FAILED",
        "SUCCESS",
        "REVERSED",
    ]
    assert {(each.order_id, each.amount_paise, each.utr, each.url) for each in told.values()} == {
        (payin.order_id, payin.amount_paise, "UTR1", None)
    }


async def test_an_answer_heard_again_starts_nothing_for_a_payment_that_an_operator_holds(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    answer = CreateAnswered(payin.id, 1, payin.provider_id, REJECTED, remaining=(SECOND,))
    moved = await bench.desk.submit(answer)
    assert isinstance(moved, Answered)
    await bench.hear(moved.transaction, SUCCESS, currency="USD")
    again = await bench.desk.submit(answer)
    assert isinstance(again, Answered)
    assert again.retry_on is None


async def test_each_callback_goes_to_the_merchants_address_of_its_kind(parts: Engine) -> None:
    bench = DeskBench(parts.pool)
    bench.directory = parts.directory
    bench.desk = bench.another_desk()
    await bench.open_accounts()
    await bench.fund(1_000_000)
    payer = await parts.directory.merchant(MERCHANT)
    assert payer is not None
    for kind in Kind:
        await bench.hear(await bench.accepted(kind), SUCCESS)
    found = await find(parts.pool, CallbackFilter(merchant_id=MERCHANT))
    assert {record.event.type: record.event.url for record in found} == {
        "PAYIN": payer.payin.callback_url,
        "PAYOUT": payer.payout.callback_url,
    }


async def test_a_drained_desk_takes_nothing_more(bench: DeskBench) -> None:
    desk = bench.another_desk()
    await desk.drain()
    with pytest.raises(Overloaded):
        await desk.submit(bench.open_command(Kind.PAYIN))
    assert await bench.count("payments_transactions") == 0


async def test_a_merchant_whose_secrets_cannot_be_opened_stops_no_money(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    author = Author("test", bench.clock.now())
    lost_key = SecretBox({"lost": b"9" * 32}, "lost")
    async with bench.pool.acquire() as conn:
        await create_merchant(conn, author, name="Demo Shop", email="shop@example.com", merchant_id=MERCHANT)
        await onboard_merchant(conn, lost_key, author, MERCHANT)
    assert (await bench.hear(payin, SUCCESS)).result is WordResult.APPLIED
    (told,) = await find(bench.pool, CallbackFilter(merchant_id=MERCHANT))
    assert told.state is CallbackState.NO_URL


async def test_commands_of_somebody_elses_queue_are_decided_and_done_with_in_one_commit(bench: DeskBench) -> None:
    """Also when their limit counters must be added first: nothing of the first try is left."""
    command = bench.open_command(Kind.PAYIN, daily_limit_paise=AMOUNT)
    begun, ended = 0, 0

    async def begin(_conn: Connection) -> Sequence[Command]:
        nonlocal begun
        begun += 1
        return [command]

    async def end(conn: Connection, results: Sequence[Result]) -> None:
        nonlocal ended
        ended += 1
        assert await conn.fetchval("SELECT count(*) FROM payments_transactions") == len(results) == 1

    await bench.desk.decide_within(begin, end)
    assert (begun, ended) == (2, 1)
    assert await bench.count("payments_transactions") == 1
    assert await bench.used(f"M:{MERCHANT}:PAYIN", "D20261122") == (AMOUNT, 1)
