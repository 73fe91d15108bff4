"""Every fault of a request, by token and by share, and what the book says about it afterwards."""

import asyncio
from time import monotonic

import aiohttp
import pytest

from support.simulator import Heard, Simulator
from support.waiting import until

FAULTS_BY_TOKEN = {
    "reject": ("sim:reject", 422, "REJECTED", False),
    "reject_code": ("sim:reject=INSUFFICIENT_BALANCE", 402, "INSUFFICIENT_BALANCE", False),
    "maintenance": ("sim:maintenance", 503, "MAINTENANCE", False),
    "throttle": ("sim:throttle", 429, "THROTTLED", False),
    "http_500": ("sim:http-500", 500, None, False),
    "http_500_after_executing": ("sim:http-500-after-executing", 500, None, True),
    "broken_json": ("sim:broken-json", 200, None, True),
}
BROKEN_CONNECTIONS = {
    "answer_lost": ("sim:answer-lost", True),
    "timeout_after_executing": ("sim:timeout-after-executing", True),
    "timeout_before_executing": ("sim:timeout-before-executing", False),
}


@pytest.mark.parametrize(("token", "status", "code", "executes"), FAULTS_BY_TOKEN.values(), ids=FAULTS_BY_TOKEN)
async def test_a_token_chooses_the_answer_and_whether_it_executes(
    simulator: Simulator, *, token: str, status: int, code: str | None, executes: bool
) -> None:
    heard = await simulator.payout("PO1", token)
    assert heard.status == status
    assert _code(heard) == code
    assert await _executed(simulator, "PO1") is executes


@pytest.mark.parametrize(("token", "executes"), BROKEN_CONNECTIONS.values(), ids=BROKEN_CONNECTIONS)
async def test_a_token_breaks_the_connection(simulator: Simulator, *, token: str, executes: bool) -> None:
    await simulator.call("PUT", "/control/faults", {"timeout_ms": 30, "complete_after_ms": 10})
    with pytest.raises(aiohttp.ClientConnectionError):
        await simulator.payout("PO1", token)
    assert await _executed(simulator, "PO1") is executes


async def test_a_timeout_holds_the_connection_for_as_long_as_it_is_set(simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/faults", {"timeout_ms": 10_000})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(simulator.payout("PO1", "sim:timeout-after-executing"), 0.2)
    assert await simulator.status("payout", "PO1") == "PENDING"


@pytest.mark.parametrize(
    "fault", ["reject", "maintenance", "throttle", "http_500", "http_500_after_executing", "broken_json"]
)
async def test_a_share_of_one_hits_every_request_of_its_kind_only(simulator: Simulator, fault: str) -> None:
    await simulator.call("PUT", "/control/faults", {fault: {"payout": 1}, "complete_after_ms": 10})
    heard = await simulator.payout("PO1")
    _, status, code, executes = FAULTS_BY_TOKEN[fault]
    assert (heard.status, _code(heard)) == (status, code)
    assert await _executed(simulator, "PO1") is executes
    assert (await simulator.payin("PY1")).status == 200
    assert (await simulator.summary())["faults_met"] == {f"payout_{fault}": 1}


@pytest.mark.parametrize("fault", ["answer_lost", "timeout_after_executing", "timeout_before_executing"])
async def test_a_share_of_one_breaks_every_connection(simulator: Simulator, fault: str) -> None:
    await simulator.call("PUT", "/control/faults", {fault: {"payin": 1}, "timeout_ms": 20, "complete_after_ms": 10})
    with pytest.raises(aiohttp.ClientConnectionError):
        await simulator.payin("PY1")
    assert (await simulator.summary())["accepted_payins"] == (fault != "timeout_before_executing")


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("sim:status-http-500", 500),
        ("sim:status-not-found", 404),
        ("sim:status-throttle", 429),
        ("sim:status-maintenance", 503),
        ("sim:status-broken-json", 200),
    ],
)
async def test_a_token_disturbs_the_status_checks_of_its_payment(simulator: Simulator, token: str, status: int) -> None:
    await simulator.payout("PO1", token)
    heard = await simulator.call("GET", "/dummy/v1/payouts/PO1")
    assert heard.status == status
    assert (heard.body is None) is (token in {"sim:status-http-500", "sim:status-broken-json"})


@pytest.mark.parametrize("token", ["sim:status-timeout", "sim:status-answer-lost"])
async def test_a_token_breaks_the_connection_of_status_checks(simulator: Simulator, token: str) -> None:
    await simulator.call("PUT", "/control/faults", {"timeout_ms": 20})
    await simulator.payout("PO1", token)
    with pytest.raises(aiohttp.ClientConnectionError):
        await simulator.call("GET", "/dummy/v1/payouts/PO1")


async def test_a_stale_status_check_says_pending_whatever_happened(simulator: Simulator) -> None:
    await simulator.payout("PO1", "sim:status-stale sim:instant")
    assert await _executed(simulator, "PO1")
    heard = await simulator.call("GET", "/dummy/v1/payouts/PO1")
    assert heard.body["data"]["status"] == "PENDING"
    assert "utr" not in heard.body["data"]


async def test_status_shares_spare_orders_with_tokens(simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/faults", {"http_500": {"status": 1}})
    await simulator.payout("PO1")
    await simulator.payout("PO2", "sim:pending")
    assert (await simulator.call("GET", "/dummy/v1/payouts/PO1")).status == 500
    assert await simulator.status("payout", "PO2") == "PENDING"


async def test_faults_of_one_account_leave_the_others_alone(simulator: Simulator) -> None:
    account = {"api_key": "second-key", "webhook_secret": "w"}
    await simulator.call("PUT", "/control/accounts/second", account)
    await simulator.call("PUT", "/control/faults?account=second", {"maintenance": 1})
    content = {"ref_id": "PO1", "amount": "1", "mode": "UPI", "beneficiary": {"name": "A", "vpa": "a@b"}}
    first = await simulator.call("POST", "/dummy/v1/payouts", content)
    second = await simulator.call("POST", "/dummy/v1/payouts", content, Authorization="Bearer second-key")
    assert (first.status, second.status) == (200, 503)


async def test_latency_is_added_to_every_answer(simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/faults", {"latency": {"kind": "uniform", "from_ms": 60, "to_ms": 80}})
    started = monotonic()
    await simulator.payout("PO1")
    assert monotonic() - started >= 0.06
    await simulator.call("PUT", "/control/faults", {"latency": {"kind": "lognormal", "median_ms": 5, "sigma": 0.1}})
    assert (await simulator.payout("PO2")).status == 200
    await simulator.call("PUT", "/control/faults", {"latency": {"kind": "fixed", "ms": 5}})
    assert (await simulator.payout("PO3")).status == 200
    started = monotonic()
    await simulator.payout("PO4", "sim:latency=70")
    assert monotonic() - started >= 0.07


async def test_the_same_seed_repeats_the_same_choices(simulator: Simulator) -> None:
    async def run() -> list[int]:
        await simulator.call("POST", "/control/reset?seed=42")
        await simulator.call("PUT", "/control/faults", {"reject": 0.3, "maintenance": 0.2, "http_500": 0.1})
        return [(await simulator.payout(f"PO{number}")).status for number in range(60)]

    first = await run()
    assert await run() == first
    assert {200, 422, 500, 503} == set(first)


async def test_outcome_weights_decide_how_payments_end(simulator: Simulator) -> None:
    weights = {"success": 1, "failure": 1, "pending": 1, "expired": 1}
    await simulator.call("PUT", "/control/faults", {"outcome": weights, "complete_after_ms": 0})
    for number in range(60):
        await simulator.payin(f"PY{number}")

    async def ended() -> bool:
        summary = await simulator.summary()
        return bool(summary["scheduled"] == 0 and summary["executed_payins"] > 0)

    await until(ended)
    summary = await simulator.summary()
    assert summary["failed_payins"] > 0
    assert summary["expired_payins"] > 0
    assert summary["executed_payins"] + summary["failed_payins"] + summary["expired_payins"] < 60


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"reject": 1.5}, "reject"),
        ({"rejekt": 1}, "rejekt"),
        ({"reject": 0.6, "http_500": {"payout": 0.5}}, "payout"),
        ({"outcome": {"success": 0}}, "outcome"),
        ({"latency": -1}, "latency"),
    ],
)
async def test_faults_that_make_no_sense_are_refused_and_change_nothing(
    simulator: Simulator, faults: dict[str, object], words: str
) -> None:
    before = (await simulator.call("GET", "/control/faults")).body
    for method in ("PUT", "PATCH"):
        heard = await simulator.call(method, "/control/faults", faults)
        assert heard.status == 400
        assert words in heard.body["error"]["message"]
    assert (await simulator.call("GET", "/control/faults")).body == before


async def test_patch_keeps_what_it_does_not_name_and_put_does_not(simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/faults", {"reject": 0.25, "timeout_ms": 5})
    patched = await simulator.call("PATCH", "/control/faults", {"timeout_ms": 6})
    assert (patched.body["reject"], patched.body["timeout_ms"]) == (0.25, 6)
    put = await simulator.call("PUT", "/control/faults", {"timeout_ms": 7})
    assert (put.body["reject"], put.body["timeout_ms"]) == (0.0, 7)


async def _executed(simulator: Simulator, reference: str) -> bool:
    heard = await simulator.call("GET", f"/control/book/{reference}")
    if heard.status == 404:
        return False

    async def done() -> bool:
        return bool((await simulator.call("GET", f"/control/book/{reference}")).body["executions"] == 1)

    await until(done)
    return True


def _code(heard: Heard) -> str | None:
    return str(heard.body["error"]["code"]) if heard.body and "error" in heard.body else None
