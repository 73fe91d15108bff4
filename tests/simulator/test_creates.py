"""What a caller of the dummy provider gets for a create request, undisturbed."""

import pytest

from support.simulator import Simulator
from support.waiting import until


async def test_a_payin_is_accepted_pending_with_a_link_and_succeeds_later(simulator: Simulator) -> None:
    heard = await simulator.payin("PY1")
    data = heard.body["data"]
    assert heard.status == 200
    assert (data["status"], data["ref_id"], data["amount"]) == ("PENDING", "PY1", "100.00")
    assert data["payment_id"].startswith("DUMMY_PY_")
    assert data["payment_link"] == f"{simulator.url}/checkout/{data['payment_id']}"
    await until(lambda: _is(simulator, "payin", "PY1", "SUCCESS"))
    assert len((await simulator.call("GET", "/dummy/v1/payins/PY1")).body["data"]["utr"]) == 12


async def test_a_payout_is_found_by_reference_and_by_payment_id(simulator: Simulator) -> None:
    payment_id = (await simulator.payout("PO1", "sim:pending")).body["data"]["payment_id"]
    assert payment_id.startswith("DUMMY_PO_")
    assert await simulator.status("payout", "PO1") == "PENDING"
    assert await simulator.status("payout", payment_id) == "PENDING"
    assert (await simulator.call("GET", "/dummy/v1/payins/PO1")).status == 404


async def test_an_unknown_reference_is_not_found(simulator: Simulator) -> None:
    heard = await simulator.call("GET", "/dummy/v1/payouts/NONE")
    assert (heard.status, heard.body["error"]["code"]) == (404, "NOT_FOUND")


async def test_a_reference_sent_twice_is_answered_with_the_first_payment_and_executed_once(
    simulator: Simulator,
) -> None:
    first = await simulator.payout("PO1")
    second = await simulator.payout("PO1", fields={"amount": "250.00"})
    assert (second.status, second.body["error"]["code"]) == (409, "DUPLICATE_REFERENCE")
    assert second.body["data"]["payment_id"] == first.body["data"]["payment_id"]
    assert second.body["data"]["amount"] == "100.00"
    await until(lambda: _is(simulator, "payout", "PO1", "SUCCESS"))
    summary = await simulator.summary()
    assert (summary["executed_payouts"], summary["repeated_payout_requests"], summary["double_payouts"]) == (1, 1, 0)


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Basic dev-key"])
async def test_a_request_without_a_key_is_unauthorized(simulator: Simulator, authorization: str) -> None:
    heard = await simulator.call("GET", "/dummy/v1/payouts/PO1", Authorization=authorization)
    assert (heard.status, heard.body["error"]["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "0"),
        ("amount", "1.234"),
        ("amount", "-5"),
        ("amount", "x"),
        ("currency", "USD"),
        ("mode", "CASH"),
        ("ref_id", ""),
        ("ref_id", "X" * 41),
        ("callback_url", "file:///etc/passwd"),
        ("beneficiary", {"name": "Asha"}),
        ("beneficiary", None),
    ],
)
async def test_a_field_that_is_not_usable_is_named(simulator: Simulator, field: str, value: object) -> None:
    heard = await simulator.payout("PO1", fields={field: value})
    assert heard.status == 400
    assert field in heard.body["error"]["message"]


async def test_a_misspelt_token_is_refused_and_the_known_ones_are_listed(simulator: Simulator) -> None:
    heard = await simulator.payout("PO1", "sim:timout")
    assert (heard.status, heard.body["error"]["code"]) == (400, "BAD_SIMULATOR_TOKEN")
    assert "sim:timout" in heard.body["error"]["message"]
    assert "timeout-after-executing" in heard.body["error"]["message"]


async def test_remarks_with_the_word_fail_or_error_fail(simulator: Simulator) -> None:
    await simulator.payout("PO1", "please fail")
    await until(lambda: _is(simulator, "payout", "PO1", "FAILED"))


async def test_a_body_that_is_not_json_or_too_large_is_refused(simulator: Simulator) -> None:
    assert (await simulator.call("POST", "/dummy/v1/payouts", b"{")).status == 400
    assert (await simulator.call("POST", "/dummy/v1/payouts", b"x" * 70_000)).status == 413


async def test_paths_and_methods_that_do_not_exist_are_told_apart(simulator: Simulator) -> None:
    assert (await simulator.call("GET", "/nothing")).status == 404
    heard = await simulator.call("DELETE", "/dummy/v1/payouts/X")
    assert heard.status == 405
    assert "GET" in heard.body["error"]["message"]


async def _is(simulator: Simulator, kind: str, reference: str, status: str) -> bool:
    return await simulator.status(kind, reference) == status
