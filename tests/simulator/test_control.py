"""The control endpoints: the book, moves by hand, doubles, reset."""

import pytest

from support.loopback import Loopback
from support.simulator import API_KEY, Simulator
from support.waiting import until


@pytest.mark.parametrize(
    ("action", "status"),
    [("complete", "SUCCESS"), ("fail", "FAILED"), ("expire", "EXPIRED"), ("process", "PROCESSING")],
)
async def test_an_open_payment_is_moved_by_hand(simulator: Simulator, action: str, status: str) -> None:
    payment_id = await _pending(simulator, "PO1")
    heard = await simulator.call("POST", f"/control/payments/{payment_id}/{action}")
    assert (heard.status, heard.body["status"]) == (200, status)
    assert await simulator.status("payout", "PO1") == status


async def test_only_a_success_is_reversed_and_nothing_follows(simulator: Simulator) -> None:
    payment_id = await _pending(simulator, "PO1")
    refused = await simulator.call("POST", f"/control/payments/{payment_id}/reverse")
    assert (refused.status, refused.body["error"]["code"]) == (409, "MOVE_REFUSED")
    await simulator.call("POST", f"/control/payments/{payment_id}/complete")
    assert (await simulator.call("POST", f"/control/payments/{payment_id}/reverse")).status == 200
    assert (await simulator.call("POST", f"/control/payments/{payment_id}/complete")).status == 409
    summary = await simulator.summary()
    assert (summary["executed_payouts"], summary["reversed_payouts"]) == (1, 1)
    assert summary["reversed_payout_paise"] == 10_000


async def test_a_failed_payment_may_still_succeed(simulator: Simulator) -> None:
    payment_id = await _pending(simulator, "PO1")
    await simulator.call("POST", f"/control/payments/{payment_id}/fail")
    assert (await simulator.call("POST", f"/control/payments/{payment_id}/complete")).status == 200


async def test_a_decision_by_hand_outlives_the_planned_one(simulator: Simulator) -> None:
    payment_id = (await simulator.payout("PO1", "sim:after=80")).body["data"]["payment_id"]
    await simulator.call("POST", f"/control/payments/{payment_id}/complete")
    await until(lambda: _nothing_scheduled(simulator))
    assert (await simulator.summary())["executed_payouts"] == 1
    assert await simulator.status("payout", "PO1") == "SUCCESS"


async def test_payments_and_actions_that_do_not_exist_are_not_found(simulator: Simulator) -> None:
    payment_id = await _pending(simulator, "PO1")
    for path in (
        "/control/payments/NONE/complete",
        f"/control/payments/{payment_id}/explode",
        "/control/webhooks/NONE/resend",
        "/control/book/NONE",
    ):
        method = "GET" if "book" in path else "POST"
        assert (await simulator.call(method, path)).status == 404


async def test_two_executed_attempts_of_one_transaction_are_a_double(simulator: Simulator) -> None:
    for reference in ("POX", "POXA2", "POXA3", "POY"):
        await simulator.payout(reference, "sim:instant")
    summary = await simulator.summary()
    assert (summary["executed_payouts"], summary["double_payouts"], summary["overlapping_payouts"]) == (4, 1, 2)
    doubles = (await simulator.call("GET", "/control/book?doubles=1")).body["payments"]
    assert [each["reference"] for each in doubles] == ["POX", "POXA2", "POXA3"]
    assert {each["transaction"] for each in doubles} == {"POX"}
    assert {each["transaction_executions"] for each in doubles} == {3}


async def test_an_attempt_after_a_failed_one_is_no_double(simulator: Simulator) -> None:
    await simulator.payout("POX", "sim:instant sim:fail")
    await simulator.payout("POXA2", "sim:instant")
    summary = await simulator.summary()
    assert (summary["executed_payouts"], summary["double_payouts"], summary["overlapping_payouts"]) == (1, 0, 0)
    found = (await simulator.call("GET", "/control/book/POXA2")).body
    assert (found["transaction"], found["executions"], len(found["payments"])) == ("POX", 1, 2)


async def test_a_reference_that_happens_to_end_like_an_attempt_is_kept_with_its_attempts(simulator: Simulator) -> None:
    await simulator.payout("POXA7", "sim:instant")
    await simulator.payout("POXA7A2", "sim:instant")
    assert (await simulator.summary())["double_payouts"] == 1


async def test_a_provider_that_takes_a_reference_twice_executes_twice_and_is_caught(simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/faults", {"accept_duplicate": {"payout": 1}, "instant": 1})
    await simulator.payout("PO1")
    assert (await simulator.payout("PO1")).status == 200
    assert (await simulator.summary())["double_payouts"] == 1
    await simulator.payout("PO2", "sim:accept-duplicate sim:instant")
    await simulator.payout("PO2", "sim:accept-duplicate sim:instant")
    assert (await simulator.summary())["double_payouts"] == 2


async def test_the_book_is_read_in_pages(simulator: Simulator) -> None:
    for number in range(5):
        await simulator.payout(f"PO{number}", "sim:pending")
    first = (await simulator.call("GET", "/control/book?limit=3")).body
    second = (await simulator.call("GET", f"/control/book?limit=3&after={first['next']}")).body
    assert [each["reference"] for each in first["payments"] + second["payments"]] == [f"PO{n}" for n in range(5)]
    assert (second["next"], second["total"]) == (None, 5)
    assert (await simulator.call("GET", "/control/book?limit=x")).status == 400


async def test_the_book_shows_who_asked_and_never_the_key(simulator: Simulator) -> None:
    await simulator.payout("PO1", "sim:pending")
    heard = await simulator.call("GET", "/control/book")
    assert heard.body["payments"][0]["account"].startswith("key-")
    assert "dev-key" not in heard.text
    await simulator.call("PUT", "/control/accounts/first", {"api_key": "dev-key", "webhook_secret": "w"})
    assert (await simulator.payout("PO1")).status == 409
    await simulator.payout("PO2", "sim:pending")
    assert (await simulator.call("GET", "/control/book/PO2")).body["payments"][0]["account"] == "first"


async def test_a_reset_forgets_everything_and_gives_no_id_twice(simulator: Simulator) -> None:
    before = await _pending(simulator, "PO1")
    await simulator.call("PUT", "/control/faults", {"reject": 1})
    assert (await simulator.call("POST", "/control/reset")).status == 200
    summary = await simulator.summary()
    assert (summary["payments"], summary["accepted_payouts"], summary["faults_met"]) == (0, 0, {})
    assert await _pending(simulator, "PO1") != before


async def test_a_reset_keeps_accounts_and_merchants_unless_told(simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/accounts/first", {"api_key": "dev-key", "webhook_secret": "w"})
    await simulator.call("POST", "/control/reset")
    assert (await simulator.summary())["accounts"] == ["first"]
    await simulator.call("POST", "/control/reset?all=1")
    assert (await simulator.summary())["accounts"] == []


async def test_health(simulator: Simulator) -> None:
    assert (await simulator.call("GET", "/health")).body["status"] == "ok"


async def _pending(simulator: Simulator, reference: str) -> str:
    return str((await simulator.payout(reference, "sim:pending")).body["data"]["payment_id"])


async def _nothing_scheduled(simulator: Simulator) -> bool:
    return bool((await simulator.summary())["scheduled"] == 0)


async def test_an_amount_has_tokens_for_orders_that_bring_none(simulator: Simulator) -> None:
    planned = await simulator.call("PUT", "/control/amounts", {"payout": {"10000": "sim:fail sim:instant"}})
    assert planned.status == 200
    assert (await simulator.payout("P1")).body["data"]["status"] == "FAILED"
    assert (await simulator.payout("P2", "sim:instant")).body["data"]["status"] == "SUCCESS"
    assert (await simulator.payin("P3")).body["data"]["status"] == "PENDING"
    assert (await simulator.call("GET", "/control/book/P1")).body["payments"][0]["remarks"] == "sim:fail sim:instant"


async def test_tokens_of_amounts_must_be_known(simulator: Simulator) -> None:
    refused = await simulator.call("PUT", "/control/amounts", {"payin": {"10000": "sim:fial"}})
    assert (refused.status, refused.body["error"]["code"]) == (400, "BAD_SIMULATOR_TOKEN")


async def test_an_account_has_an_address_for_webhooks_of_orders_without(simulator: Simulator, hooks: Loopback) -> None:
    account = {"api_key": API_KEY, "webhook_secret": "s", "payout_webhook_url": hooks.url}
    assert (await simulator.call("PUT", "/control/accounts/alpha", account)).status == 200
    await simulator.payout("P1", "sim:instant")
    await until(lambda: hooks.received)
