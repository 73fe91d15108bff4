"""Every branch of the lifecycles on the real processes: all payments side by side, then everybody's books compared."""

from __future__ import annotations

import pytest

from support.e2e_play import Play, Played
from support.e2e_scenarios import Scenario, scenarios
from wisipay.entrypoints.demonstration.books import compare_books

ALL = scenarios()
WITHIN_SECONDS = 110
"""A payout that its provider doesn't know is given up at the fourth look, after 80 seconds."""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
async def played(play: Play) -> dict[str, Played]:
    """Play all scenarios, once for all tests of this file."""
    return await play.play(await play.found(ALL, "E2E"), within_seconds=WITHIN_SECONDS)


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in ALL])
def test_ends_as_it_should(played: dict[str, Played], scenario: Scenario) -> None:
    outcome = played[scenario.name]
    payment = outcome.payment
    assert (payment.status, set(payment.flags)) == (scenario.ends, {scenario.flag} - {""})
    assert outcome.answer.status in scenario.answers, outcome.answer.body
    assert payment.attempt == scenario.attempts


async def test_all_books_agree_about_every_payment(play: Play, played: dict[str, Played]) -> None:
    async with play.pool.acquire() as conn:
        comparison = await compare_books(conn, play.simulator)
    held = {each.payment.id for each in played.values() if each.scenario.is_held}
    assert [str(each) for each in comparison.disagreements if each.transaction_id not in held] == []
    assert {each.transaction_id for each in comparison.disagreements} == held
    assert comparison.ledger.balanced
    assert comparison.provider.double_payouts == comparison.provider.double_payins == 0
    assert comparison.callbacks.verified == comparison.callbacks.delivered == comparison.callbacks.expected
