"""The process: start, options, stop, and the journal that keeps the truth over a restart."""

import asyncio
import hashlib
import hmac
import json
from pathlib import Path

from support.loopback import Loopback, WireAnswer
from support.simulator import Simulator, running_simulator, start_process
from support.waiting import until


async def test_sigterm_ends_it_cleanly_even_while_a_fault_holds_a_request() -> None:
    async with running_simulator() as simulator:
        held = asyncio.create_task(simulator.payout("PO1", "sim:timeout-after-executing"))
        await until(lambda: _in_book(simulator, "PO1"))
        assert await simulator.stop() == 0
        assert isinstance((await asyncio.gather(held, return_exceptions=True))[0], Exception)
        assert simulator.process.stderr is not None
        assert await simulator.process.stderr.read() == b""


async def test_a_restart_with_a_journal_keeps_the_truth(tmp_path: Path, hooks: Loopback) -> None:
    options = ("--state-file", str(tmp_path / "deep" / "state.jsonl"), "--complete-after-ms", "5")
    async with running_simulator(*options) as simulator:
        await simulator.payout("PO1", "sim:instant", hooks.url)
        await simulator.payout("PO1")
        await simulator.payout("PO2", "sim:fail sim:instant")
        await simulator.payout("PO3", "sim:after=5000", hooks.url)
        await simulator.payin("PY1", "sim:pending")
        await until(lambda: len(hooks.received) == 1)
        before = await simulator.call("GET", "/control/book")
        await simulator.kill()
    async with running_simulator(*options) as simulator:
        after = await simulator.call("GET", "/control/book")
        assert _without_announcements(after.body) == _without_announcements(before.body)
        summary = await simulator.summary()
        assert (summary["executed_payouts"], summary["failed_payouts"]) == (1, 1)
        assert summary["repeated_payout_requests"] == 1
        assert (await simulator.payout("PO1")).status == 409
        await until(lambda: len(hooks.received) == 2)
        assert json.loads(hooks.received[1].body)["ref_id"] == "PO3"
        assert await simulator.status("payout", "PO3") == "SUCCESS"


async def test_a_webhook_that_was_under_way_at_the_kill_is_sent_after_the_restart(
    tmp_path: Path, hooks: Loopback
) -> None:
    options = ("--state-file", str(tmp_path / "state.jsonl"))
    hooks.will_answer(WireAnswer(status=500))
    async with running_simulator(*options) as simulator:
        await simulator.payout("PO1", "sim:instant", hooks.url)
        await until(lambda: len(hooks.received) >= 1)
        await simulator.kill()
    hooks.will_answer(WireAnswer())
    hooks.received.clear()
    async with running_simulator(*options):
        await until(lambda: len(hooks.received) == 1)
        assert json.loads(hooks.received[0].body)["status"] == "SUCCESS"


async def test_a_restart_knows_keys_secrets_and_merchants(tmp_path: Path, hooks: Loopback) -> None:
    options = ("--state-file", str(tmp_path / "state.jsonl"))
    account = {"api_key": "dev-key", "webhook_secret": "own-secret"}
    async with running_simulator(*options) as simulator:
        await simulator.call("PUT", "/control/accounts/first", account)
        await simulator.call("POST", "/control/reset")
        await simulator.call("PUT", "/control/merchants/MER-1", {"fail_first": 1, "status": 418})
        await simulator.payout("PO1", "sim:pending", hooks.url)
        await simulator.kill()
    async with running_simulator(*options) as simulator:
        (payment,) = (await simulator.call("GET", "/control/book")).body["payments"]
        assert payment["account"] == "first"
        assert await simulator.status("payout", "PO1") == "PENDING"
        assert (await simulator.call("POST", "/merchant/MER-1/callbacks", b"{}")).status == 418
        await simulator.call("POST", f"/control/payments/{payment['payment_id']}/complete")
        await until(lambda: len(hooks.received) == 1)
        sent = hooks.received[0]
        message = sent.headers["x-dummy-timestamp"].encode() + b"." + sent.body
        assert sent.headers["x-dummy-signature"] == hmac.new(b"own-secret", message, hashlib.sha256).hexdigest()


async def test_a_restart_knows_which_callbacks_merchants_got(tmp_path: Path) -> None:
    options = ("--state-file", str(tmp_path / "state.jsonl"))
    body = b'{"transactionId":"TX1","orderId":"O1","status":"SUCCESS","amount":10.5,"currency":"INR","timestamp":1}'
    path, heard = "/merchant/MER-1/callbacks", "/control/callbacks?transaction_id=TX1"
    async with running_simulator(*options) as simulator:
        await simulator.call("PUT", "/control/merchants/MER-1", {"fail_first": 1, "status": 418})
        assert (await simulator.call("POST", path, body, webhook_id="E1")).status == 418
        before = (await simulator.call("GET", heard)).body
        await simulator.kill()
    async with running_simulator(*options) as simulator:
        assert (await simulator.call("GET", heard)).body == before
        assert (await simulator.call("POST", path, body, webhook_id="E1")).status == 200
        after = (await simulator.call("GET", heard)).body
        assert after["events"] == {"E1": 2}
        assert [each["answered"] for each in after["callbacks"]] == [200, 418]


async def test_a_reset_is_kept_over_a_restart_too(tmp_path: Path) -> None:
    options = ("--state-file", str(tmp_path / "state.jsonl"))
    async with running_simulator(*options) as simulator:
        await simulator.payout("PO1", "sim:instant")
        await simulator.call("POST", "/control/reset")
        await simulator.payout("PO2", "sim:instant")
        assert await simulator.stop() == 0
    async with running_simulator(*options) as simulator:
        page = (await simulator.call("GET", "/control/book")).body
        assert [each["reference"] for each in page["payments"]] == ["PO2"]


async def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    journal = tmp_path / "state.jsonl"
    async with running_simulator("--state-file", str(journal)) as simulator:
        await simulator.payout("PO1", "sim:pending")
        await simulator.kill()
    with journal.open("ab") as file:
        file.write(b'{"type":"moved","payment')
    async with running_simulator("--state-file", str(journal)) as simulator:
        await simulator.payout("PO2", "sim:pending")
        await simulator.stop()
    async with running_simulator("--state-file", str(journal)) as simulator:
        assert (await simulator.summary())["payments"] == 2


async def test_a_foreign_state_file_is_refused_with_one_line(tmp_path: Path) -> None:
    journal = tmp_path / "state.jsonl"
    journal.write_text("not a journal\n")
    code, errors = await _failing("--port", "0", "--state-file", str(journal))
    assert code == 2
    assert len(errors.splitlines()) == 1
    assert "line 1" in errors
    assert journal.read_text() == "not a journal\n"


async def test_a_busy_port_is_refused_with_one_line() -> None:
    async with running_simulator() as simulator:
        port = simulator.url.rsplit(":", 1)[1]
        code, errors = await _failing("--port", port)
    assert code == 2
    assert len(errors.splitlines()) == 1
    assert port in errors
    assert "--port" in errors


async def test_production_has_no_simulator() -> None:
    process = await start_process("--port", "0", WISIPAY_ENV="Production")
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"production" in errors


async def test_a_full_book_says_so_and_forgets_nothing() -> None:
    async with running_simulator("--max-payments", "2") as simulator:
        for reference in ("PO1", "PO2"):
            assert (await simulator.payout(reference, "sim:pending")).status == 200
        heard = await simulator.payout("PO3", "sim:pending")
        assert (heard.status, heard.body["error"]["code"]) == (422, "BOOK_FULL")
        assert "--max-payments" in heard.body["error"]["message"]
        assert (await simulator.payout("PO1")).status == 409
        await simulator.call("POST", "/control/reset")
        assert (await simulator.payout("PO3", "sim:pending")).status == 200


async def test_a_demanded_key_and_a_public_url_are_used() -> None:
    async with running_simulator("--api-key", "dev-key", "--public-url", "https://pay.example.com") as simulator:
        heard = await simulator.payin("PY1")
        assert heard.body["data"]["payment_link"].startswith("https://pay.example.com/checkout/")
        assert (await simulator.call("GET", "/dummy/v1/payins/PY1", Authorization="Bearer other")).status == 401


async def _in_book(simulator: Simulator, reference: str) -> bool:
    return (await simulator.call("GET", f"/control/book/{reference}")).status == 200


async def _failing(*options: str) -> tuple[int | None, str]:
    process = await start_process(*options)
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


def _without_announcements(page: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    return [{name: value for name, value in each.items() if name != "announced"} for each in page["payments"]]
