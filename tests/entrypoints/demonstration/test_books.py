"""The comparison over a real database and a real simulator: it agrees with the truth, and with nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from support.desk_bench import AMOUNT, DeskBench
from support.simulator import Simulator as SimulatorProcess
from support.simulator import running_simulator
from wisipay.core.database import Pool
from wisipay.core.http_client import HttpClient
from wisipay.core.money import rupees_text
from wisipay.entrypoints.demonstration.books import Comparison, compare_books, ledger_totals
from wisipay.entrypoints.demonstration.simulator import Simulator, SimulatorError
from wisipay.payments import Kind, Transaction
from wisipay.payments.model import Status
from wisipay.providers import ProviderStatus


@pytest.fixture
async def process() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as running:
        yield running


@pytest.fixture
async def simulator(process: SimulatorProcess) -> AsyncIterator[Simulator]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield Simulator(client, process.url)


@pytest.fixture
async def bench(database: Pool) -> AsyncIterator[DeskBench]:
    made = DeskBench(database)
    await made.open_accounts()
    yield made
    await made.desk.drain()


async def _compare(bench: DeskBench, simulator: Simulator, **options: object) -> Comparison:
    async with bench.pool.acquire() as connection:
        return await compare_books(connection, simulator, **options)  # type: ignore[arg-type] # options of the call


async def _settled(bench: DeskBench, process: SimulatorProcess) -> Transaction:
    """Settle a payin that the provider executed too."""
    transaction = await bench.accepted(Kind.PAYIN)
    await process.payin(transaction.id, "sim:instant", fields={"amount": rupees_text(AMOUNT)})
    executed = (await process.call("GET", f"/control/book/{transaction.id}")).body["payments"][0]
    heard = await bench.hear(transaction, ProviderStatus.SUCCESS, utr=executed["utr"])
    assert heard.transaction is not None
    assert heard.transaction.status is Status.SUCCESS
    return heard.transaction


async def test_an_empty_installation_agrees(bench: DeskBench, simulator: Simulator) -> None:
    comparison = await _compare(bench, simulator)
    assert comparison.agree
    assert comparison.payments == 0
    assert comparison.ledger.balanced


async def test_a_settled_payment_agrees_and_is_counted(
    bench: DeskBench, process: SimulatorProcess, simulator: Simulator
) -> None:
    await _settled(bench, process)
    comparison = await _compare(bench, simulator)
    assert comparison.disagreements == []
    assert comparison.agree
    assert comparison.by_status == {("PAYIN", "SUCCESS"): 1}
    assert comparison.executed == {"PAYIN": 1}
    assert (comparison.ledger.entries, comparison.ledger.debits) == (1, AMOUNT)
    assert comparison.ledger.debits == comparison.ledger.credits


async def test_payments_before_the_run_are_compared_but_not_counted(
    bench: DeskBench, process: SimulatorProcess, simulator: Simulator
) -> None:
    await _settled(bench, process)
    comparison = await _compare(bench, simulator, since=bench.clock.now() + timedelta(seconds=1))
    assert comparison.agree
    assert (comparison.payments, comparison.counted) == (1, 0)


async def test_money_that_moved_without_our_knowing_is_found(
    bench: DeskBench, process: SimulatorProcess, simulator: Simulator
) -> None:
    await process.payout("WSP0000000000STRANGER0000", "sim:instant")
    comparison = await _compare(bench, simulator)
    assert not comparison.agree
    assert [each.what for each in comparison.disagreements] == ["money moved for a payment that we don't have"]


async def test_a_success_that_the_provider_never_executed_is_found(bench: DeskBench, simulator: Simulator) -> None:
    await bench.hear(await bench.accepted(Kind.PAYIN), ProviderStatus.SUCCESS)
    comparison = await _compare(bench, simulator)
    assert [each.book for each in comparison.disagreements] == ["provider"]


async def test_an_open_payout_is_found_with_its_hold_in_order(bench: DeskBench, simulator: Simulator) -> None:
    await bench.fund(10 * AMOUNT)
    await bench.accepted(Kind.PAYOUT)
    comparison = await _compare(bench, simulator)
    assert [each.what for each in comparison.disagreements] == ["is still PROCESSING"]


async def test_a_ledger_whose_counters_were_tampered_with_is_not_balanced(bench: DeskBench) -> None:
    async with bench.pool.acquire() as connection:
        await connection.execute(
            "UPDATE ledger_balances SET debits_posted = 1 WHERE number = (SELECT min(number) FROM ledger_balances)"
        )
        assert not (await ledger_totals(connection)).balanced


async def test_a_question_that_the_simulator_refuses_says_so(simulator: Simulator) -> None:
    with pytest.raises(SimulatorError, match="404"):
        await simulator.attempts("NOBODY")
