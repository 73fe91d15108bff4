"""A payment takes the status that a file states only by the payments' own operation, and only where that is certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.reconciler import AUTHOR, Reconciler
from support.settlement_files import row, write_csv
from wisipay.core.errors import Conflict
from wisipay.payments import Kind, Status
from wisipay.providers import ProviderStatus, Rejected
from wisipay.reconciliation import apply_status


async def difference_of(reconciler: Reconciler, path: Path, kind: Kind = Kind.PAYIN) -> int:
    run = (await reconciler.load(path, kind)).run
    return (await reconciler.differences(run.id))[0].id


@pytest.mark.parametrize(
    ("state", "ends"), [("Settled", Status.SUCCESS), ("Failed", Status.FAILED), ("Returned", Status.FAILED)]
)
async def test_an_open_payment_takes_the_status_of_the_file(
    reconciler: Reconciler, tmp_path: Path, state: str, ends: Status
) -> None:
    payment = await reconciler.desks.accepted(Kind.PAYIN)
    path = write_csv(tmp_path / "day.csv", row(payment.id, utr="U1", state=state))
    difference_id = await difference_of(reconciler, path)
    heard = await apply_status(reconciler.pool, reconciler.desks.desk, AUTHOR, difference_id, "the file says so")
    assert (heard.before, (await reconciler.desks.stored(payment.id)).status) == (Status.PENDING, ends)
    reason = await reconciler.pool.fetchval("SELECT reason FROM audit_log WHERE action = 'payment.set_status'")
    assert reason.startswith(f"the file says so (difference {difference_id} of")
    await reconciler.desks.books_balance()
    with pytest.raises(Conflict, match="no unresolved"):
        await apply_status(reconciler.pool, reconciler.desks.desk, AUTHOR, difference_id, "again")


async def test_a_payment_that_has_the_status_by_now_is_only_marked(reconciler: Reconciler, tmp_path: Path) -> None:
    payment = await reconciler.desks.accepted(Kind.PAYIN)
    difference_id = await difference_of(reconciler, write_csv(tmp_path / "day.csv", row(payment.id)))
    await reconciler.desks.hear(payment, ProviderStatus.SUCCESS)
    heard = await apply_status(reconciler.pool, reconciler.desks.desk, AUTHOR, difference_id, "it came by itself")
    assert heard.before is Status.SUCCESS


async def test_a_move_that_payments_do_not_make_is_refused(reconciler: Reconciler, tmp_path: Path) -> None:
    payment = await reconciler.desks.accepted(Kind.PAYIN)
    await reconciler.desks.hear(payment, ProviderStatus.SUCCESS)
    await reconciler.desks.hear(payment, ProviderStatus.REVERSED)
    difference_id = await difference_of(reconciler, write_csv(tmp_path / "day.csv", row(payment.id)))
    with pytest.raises(Conflict, match="cannot be set to SUCCESS"):
        await apply_status(reconciler.pool, reconciler.desks.desk, AUTHOR, difference_id, "the file says so")


async def test_a_call_that_was_given_up_is_left_to_a_person(reconciler: Reconciler, tmp_path: Path) -> None:
    await reconciler.desks.fund(1_000_000)
    await reconciler.save(kind=Kind.PAYOUT)
    opened = await reconciler.desks.opened(Kind.PAYOUT)
    second = reconciler.desks.open_command(Kind.PAYOUT).candidates[1:]
    await reconciler.desks.answer(opened, Rejected("NO", "no", sent=True), remaining=second)
    path = write_csv(tmp_path / "day.csv", row(opened.id))
    difference_id = await difference_of(reconciler, path, Kind.PAYOUT)
    with pytest.raises(Conflict, match="may have moved twice"):
        await apply_status(reconciler.pool, reconciler.desks.desk, AUTHOR, difference_id, "the file says so")


async def test_a_difference_of_another_kind_cannot_be_applied(reconciler: Reconciler, tmp_path: Path) -> None:
    difference_id = await difference_of(reconciler, write_csv(tmp_path / "day.csv", row("NOTOURS")))
    with pytest.raises(Conflict, match="no unresolved"):
        await apply_status(reconciler.pool, reconciler.desks.desk, AUTHOR, difference_id, "x")
