"""What the simulator's webhooks say, how they are signed, and every way in which they can go wrong."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from support.loopback import Loopback, Received, WireAnswer
from support.simulator import Simulator
from support.waiting import until

SECRET = b"dummy-webhook-secret"


async def test_a_payment_is_announced_once_and_signed(simulator: Simulator, hooks: Loopback) -> None:
    created = await simulator.payin("PY1", callback_url=hooks.url + "/hook?x=1")
    await until(lambda: _quiet(simulator))
    (received,) = hooks.received
    word = _word(received)
    assert (received.method, received.path) == ("POST", "/hook?x=1")
    assert word["payment_id"] == created.body["data"]["payment_id"]
    assert (word["status"], word["amount"], word["currency"]) == ("SUCCESS", "100.00", "INR")
    assert (word["ref_id"], word["transaction_id"]) == ("PY1", "PY1")
    assert (len(word["utr"]), word["utr"].isdecimal(), word["utr"][0] != "0") == (12, True, True)
    assert _signed(received)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("sim:fail", ["FAILED"]),
        ("sim:expire", ["EXPIRED"]),
        ("sim:success", ["SUCCESS"]),
        ("sim:pending", []),
        ("sim:processing", ["PROCESSING", "SUCCESS"]),
        ("sim:processing sim:pending", ["PROCESSING"]),
        ("sim:reverse-after=20", ["SUCCESS", "REVERSED"]),
        ("sim:fail sim:success-after=20", ["FAILED", "SUCCESS"]),
        ("sim:expire sim:success-after=20 sim:reverse-after=20", ["EXPIRED", "SUCCESS", "REVERSED"]),
        ("sim:instant", ["SUCCESS"]),
        ("sim:webhook-missing", []),
        ("sim:webhook-duplicate", ["SUCCESS", "SUCCESS"]),
        ("sim:webhook-duplicate=4", ["SUCCESS"] * 4),
        ("sim:webhook-out-of-order", ["SUCCESS", "PENDING"]),
        ("sim:reverse-after=20 sim:webhook-out-of-order", ["SUCCESS", "REVERSED", "PENDING", "SUCCESS"]),
        ("sim:fail sim:webhook-forged", ["SUCCESS", "FAILED"]),
    ],
)
async def test_a_token_decides_what_the_webhooks_say(
    simulator: Simulator, hooks: Loopback, token: str, said: list[str]
) -> None:
    await simulator.payout("PO1", token, hooks.url)
    await until(lambda: _quiet(simulator))
    assert sorted(_word(each)["status"] for each in hooks.received) == sorted(said)
    if "duplicate" not in token and "out-of-order" not in token:
        assert [_word(each)["status"] for each in hooks.received] == said


async def test_a_forged_webhook_claims_success_with_a_wrong_signature(simulator: Simulator, hooks: Loopback) -> None:
    await simulator.payout("PO1", "sim:fail sim:webhook-forged sim:after=50", hooks.url)
    await until(lambda: _quiet(simulator))
    forged, true = hooks.received
    assert (_word(forged)["status"], _signed(forged)) == ("SUCCESS", False)
    assert (_word(true)["status"], _signed(true)) == ("FAILED", True)
    assert "x-dummy-signature" in forged.headers
    assert (await simulator.summary())["executed_payouts"] == 0


@pytest.mark.parametrize(
    ("token", "field", "value"),
    [
        ("sim:webhook-wrong-amount", "amount", "101.00"),
        ("sim:webhook-wrong-currency", "currency", "USD"),
        ("sim:webhook-unknown-reference", "ref_id", "UNKNOWNPO1"),
    ],
)
async def test_a_token_makes_one_field_of_the_webhook_untrue(
    simulator: Simulator, hooks: Loopback, token: str, field: str, value: str
) -> None:
    await simulator.payout("PO1", token, hooks.url)
    await until(lambda: _quiet(simulator))
    (received,) = hooks.received
    assert _word(received)[field] == value
    assert _signed(received)
    heard = await simulator.call("GET", "/dummy/v1/payouts/PO1")
    assert heard.body["data"]["amount"] == "100.00"


async def test_an_unsigned_and_a_broken_webhook(simulator: Simulator, hooks: Loopback) -> None:
    await simulator.payout("PO1", "sim:webhook-unsigned", hooks.url)
    await until(lambda: _quiet(simulator))
    assert not [name for name in hooks.received[0].headers if name.startswith("x-dummy")]
    await simulator.payout("PO2", "sim:webhook-broken", hooks.url)
    await until(lambda: _quiet(simulator))
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(hooks.received[1].body)


async def test_an_early_webhook_comes_before_the_answer(simulator: Simulator, hooks: Loopback) -> None:
    heard = await simulator.payout("PO1", "sim:webhook-early", hooks.url)
    assert [_word(each)["status"] for each in hooks.received] == ["SUCCESS"]
    assert heard.body["data"]["status"] == "SUCCESS"


async def test_a_late_webhook_comes_later_than_the_status_changes(simulator: Simulator, hooks: Loopback) -> None:
    await simulator.payout("PO1", "sim:late=150 sim:after=0", hooks.url)
    await until(lambda: _has_status(simulator, "PO1", "SUCCESS"))
    assert hooks.received == []
    await until(lambda: len(hooks.received) == 1)


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ({"webhook_missing": 1}, []),
        ({"webhook_duplicate": 1}, ["SUCCESS", "SUCCESS"]),
        ({"webhook_out_of_order": 1}, ["SUCCESS", "PENDING"]),
        ({"webhook_forged": 1, "outcome": {"success": 0, "failure": 1}}, ["SUCCESS", "FAILED"]),
        ({"reverse": 1, "reverse_after_ms": 30}, ["SUCCESS", "REVERSED"]),
        ({"instant": 1}, ["SUCCESS"]),
        ({"webhook_early": 1}, ["SUCCESS"]),
        ({"webhook_late_ms": 30}, ["SUCCESS"]),
    ],
)
async def test_a_share_of_one_disturbs_every_webhook(
    simulator: Simulator, hooks: Loopback, fault: dict[str, object], statuses: list[str]
) -> None:
    await simulator.call("PUT", "/control/faults", {"complete_after_ms": 20} | fault)
    await simulator.payout("PO1", callback_url=hooks.url)
    await until(lambda: _quiet(simulator))
    assert [_word(each)["status"] for each in hooks.received] == statuses


async def test_an_account_signs_with_its_own_secret(simulator: Simulator, hooks: Loopback) -> None:
    account = {"api_key": "dev-key", "webhook_secret": "own-secret"}
    await simulator.call("PUT", "/control/accounts/first", account)
    await simulator.payout("PO1", callback_url=hooks.url)
    await until(lambda: _quiet(simulator))
    assert _signed(hooks.received[0], b"own-secret")
    assert not _signed(hooks.received[0])


async def test_a_webhook_is_retried_until_it_is_taken(simulator: Simulator, hooks: Loopback) -> None:
    hooks.will_answer(WireAnswer(status=500), WireAnswer(status=503), WireAnswer(status=200))
    await simulator.payout("PO1", callback_url=hooks.url)
    await until(lambda: len(hooks.received) == 3)
    assert len({each.body for each in hooks.received}) == 1
    assert all(_signed(each) for each in hooks.received)
    await until(lambda: _quiet(simulator))
    webhooks = (await simulator.summary())["webhooks"]
    assert (webhooks["attempts"], webhooks["retried"], webhooks["delivered"]) == (3, 2, 1)


async def test_a_webhook_to_nowhere_is_retried_and_harms_nothing(simulator: Simulator, hooks: Loopback) -> None:
    await simulator.payout("PO1", callback_url="http://127.0.0.1:1/hook")
    await simulator.payout("PO2", callback_url=hooks.url)
    await until(lambda: len(hooks.received) == 1)

    async def retried() -> bool:
        return bool((await simulator.summary())["webhooks"].get("retried", 0) >= 1)

    await until(retried)


async def test_a_webhook_is_sent_again_on_demand(simulator: Simulator, hooks: Loopback) -> None:
    created = await simulator.payout("PO1", "sim:webhook-missing sim:instant", hooks.url)
    payment_id = created.body["data"]["payment_id"]
    assert (await simulator.call("POST", f"/control/webhooks/{payment_id}/resend")).status == 202
    await until(lambda: len(hooks.received) == 1)
    assert _word(hooks.received[0])["status"] == "SUCCESS"


def _word(received: Received) -> dict[str, Any]:
    return dict(json.loads(received.body))


def _signed(received: Received, secret: bytes = SECRET) -> bool:
    message = received.headers["x-dummy-timestamp"].encode() + b"." + received.body
    return hmac.new(secret, message, hashlib.sha256).hexdigest() == received.headers["x-dummy-signature"]


async def _quiet(simulator: Simulator) -> bool:
    summary = await simulator.summary()
    webhooks = summary["webhooks"]
    finished = webhooks.get("delivered", 0) + webhooks.get("retried", 0) + webhooks.get("given_up", 0)
    return bool(summary["scheduled"] == 0 and webhooks["under_way"] == 0 and finished == webhooks.get("attempts", 0))


async def _has_status(simulator: Simulator, reference: str, status: str) -> bool:
    return await simulator.status("payout", reference) == status
