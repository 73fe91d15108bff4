"""What an operator reads and decides, on a real database."""

from __future__ import annotations

from support.desk_bench import DeskBench
from support.payment_world import FAILED, MERCHANT, SUCCESS
from wisipay.core.money import Paise
from wisipay.payments import Heard, Kind, PaymentFilter, SetStatus, Status, WordResult, list_payments, payment_file


async def test_payments_are_listed_newest_first_by_status_merchant_and_need(bench: DeskBench) -> None:
    first, second, third = [await bench.accepted(Kind.PAYIN) for _ in range(3)]
    await bench.hear(first, SUCCESS)
    await bench.hear(second, SUCCESS, amount_paise=Paise(1))
    newest_first = sorted([first.id, second.id, third.id], reverse=True)
    async with bench.pool.acquire() as conn:
        assert [each.id for each in await list_payments(conn, PaymentFilter())] == newest_first
        assert [each.id for each in await list_payments(conn, PaymentFilter(), limit=1)] == newest_first[:1]
        assert [each.id for each in await list_payments(conn, PaymentFilter(before=newest_first[0]))] == newest_first[
            1:
        ]
        assert [each.id for each in await list_payments(conn, PaymentFilter(status=Status.SUCCESS))] == [first.id]
        assert [each.id for each in await list_payments(conn, PaymentFilter(asks_for_a_person=True))] == [second.id]
        assert await list_payments(conn, PaymentFilter(merchant_id="MER-2")) == []
        assert len(await list_payments(conn, PaymentFilter(merchant_id=MERCHANT))) == 3


async def test_everything_about_one_payment_is_in_its_file(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    async with bench.pool.acquire() as conn:
        found = await payment_file(conn, payin.id)
        assert await payment_file(conn, "nobody") is None
    assert found is not None
    assert found.transaction == payin
    assert [event.message for event in found.events] == ["opened", "taken by the provider"]
    assert [attempt.reference for attempt in found.attempts] == [payin.id]


async def test_an_operators_decision_is_booked_and_audited_in_one_commit(bench: DeskBench) -> None:
    await bench.fund(1_000_000)
    for kind in Kind:
        payment = await bench.accepted(kind)
        heard = await bench.desk.submit(SetStatus(payment.id, Status.FAILED, "ops@example.com", "bank said so"))
        assert isinstance(heard, Heard)
        assert heard.result is WordResult.APPLIED
        assert (await bench.stored(payment.id)).status is Status.FAILED
    assert (await bench.payout_account()).debits_pending == 0
    rows = await bench.pool.fetch("SELECT actor, reason FROM audit_log")
    assert {(row["actor"], row["reason"]) for row in rows} == {("ops@example.com", "bank said so")}
    await bench.books_balance()


async def test_a_success_that_an_operator_takes_back_is_reversed_in_the_ledger(bench: DeskBench) -> None:
    await bench.fund(1_000_000)
    payout = await bench.accepted(Kind.PAYOUT)
    await bench.hear(payout, SUCCESS)
    await bench.desk.submit(SetStatus(payout.id, Status.FAILED, "ops@example.com", "the bank returned it"))
    account = await bench.payout_account()
    assert account.credits_posted - account.debits_posted == 1_000_000
    await bench.hear(payout, FAILED)
    await bench.books_balance()
