"""The merchant's endpoint: the three signatures, what is counted, and endpoints that behave badly."""

import base64
import hashlib
import hmac
import json
import time
from time import monotonic
from typing import Any

import aiohttp
import pytest

from support.simulator import Heard, Simulator

SECRET = "merchant-secret"


async def test_a_callback_with_all_three_signatures_is_verified(simulator: Simulator) -> None:
    await _register(simulator)
    assert (await _deliver(simulator)).status == 200
    (receipt,) = await _receipts(simulator)
    assert receipt["verdict"] == {"v1": True, "legacy_hash": True, "standard_webhooks": True, "fresh": True}
    assert receipt["verified"] is True
    assert (receipt["order_id"], receipt["transaction_id"], receipt["status"]) == ("ORDER1", "TX1", "SUCCESS")
    assert (receipt["amount"], receipt["answered"]) == ("100", 200)


@pytest.mark.parametrize(
    ("broken", "proof"),
    [
        ("x-signature", "v1"),
        ("hash", "legacy_hash"),
        ("webhook-signature", "standard_webhooks"),
        ("x-timestamp", "fresh"),
        ("webhook-timestamp", "fresh"),
    ],
)
async def test_one_wrong_proof_is_enough_to_be_unverified(simulator: Simulator, broken: str, proof: str) -> None:
    await _register(simulator)
    await _deliver(simulator, broken=broken)
    (receipt,) = await _receipts(simulator)
    assert receipt["verdict"][proof] is False
    assert receipt["verified"] is False
    assert (await simulator.summary())["callbacks"]["unverified"] == 1


async def test_the_vector_of_the_contract_verifies(simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/merchants/MER-1", {"secrets": ["secret"]})
    signature = "afea291dbbe10f0622ac2190dd7f4503f0f621f63cfe83df5ed058b2d836b819"
    headers = {"x_timestamp": "1770323283897", "x_signature": f"sha256={signature}"}
    await simulator.call("POST", "/merchant/MER-1/callbacks", b'{"event":"payout.processed"}', **headers)
    (receipt,) = await _receipts(simulator)
    assert receipt["verdict"] == {"v1": True, "legacy_hash": False, "standard_webhooks": False, "fresh": False}


async def test_during_a_rotation_either_secret_verifies(simulator: Simulator) -> None:
    await _register(simulator, secrets=["new-secret", SECRET])
    await _deliver(simulator)
    assert (await _receipts(simulator))[0]["verified"] is True


async def test_a_standard_webhooks_secret_is_base64_behind_its_prefix(simulator: Simulator) -> None:
    encoded = "whsec_" + base64.b64encode(SECRET.encode()).decode()
    await _register(simulator, secrets=[encoded, SECRET])
    await _deliver(simulator)
    assert (await _receipts(simulator))[0]["verified"] is True


async def test_an_amount_with_decimals_is_hashed_as_written(simulator: Simulator) -> None:
    await _register(simulator)
    await _deliver(simulator, amount="100.50")
    (receipt,) = await _receipts(simulator)
    assert (receipt["amount"], receipt["verdict"]["legacy_hash"]) == ("100.50", True)


async def test_an_unknown_merchant_and_an_unreadable_body_are_counted_not_verified(simulator: Simulator) -> None:
    await _deliver(simulator, merchant="MER-NONE")
    await simulator.call("POST", "/merchant/MER-1/callbacks", b"{")
    counts = (await simulator.call("GET", "/control/callbacks")).body["counts"]
    assert (counts["received"], counts["verified"], counts["unverified"], counts["unreadable"]) == (2, 0, 2, 1)


async def test_events_of_a_transaction_are_counted_with_their_attempts(simulator: Simulator) -> None:
    await _register(simulator)
    for event in ("e1", "e1", "e2"):
        await _deliver(simulator, event=event)
    await _deliver(simulator, event="e3", transaction="TX2")
    heard = (await simulator.call("GET", "/control/callbacks?transaction_id=TX1")).body
    assert heard["events"] == {"e1": 2, "e2": 1}
    assert len(heard["callbacks"]) == 3
    assert (heard["counts"]["transactions"], heard["counts"]["events"], heard["counts"]["received"]) == (2, 3, 4)
    newest = (await simulator.call("GET", "/control/callbacks?limit=1")).body["callbacks"]
    assert [each["event_id"] for each in newest] == ["e3"]
    assert (await simulator.call("GET", "/control/callbacks?merchant_id=OTHER")).body["callbacks"] == []


async def test_the_first_attempts_of_every_event_fail_as_told(simulator: Simulator) -> None:
    await _register(simulator, fail_first=2, status=503, retry_after_seconds=7)
    answers = [await _deliver(simulator, event="e1") for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert (await _deliver(simulator, event="e2")).status == 503
    assert (await simulator.summary())["callbacks"]["answered_2xx"] == 1


async def test_an_endpoint_fails_by_share_closes_and_dawdles(simulator: Simulator) -> None:
    await _register(simulator, fail_share=1, status=410)
    assert (await _deliver(simulator)).status == 410
    await _register(simulator, fail_share=1, answer="close")
    with pytest.raises(aiohttp.ClientConnectionError):
        await _deliver(simulator)
    await _register(simulator, slow_ms=60)
    started = monotonic()
    assert (await _deliver(simulator)).status == 200
    assert monotonic() - started >= 0.06


async def test_secrets_are_not_shown_and_unknown_settings_are_refused(simulator: Simulator) -> None:
    heard = await _register(simulator)
    assert SECRET not in heard.text
    assert (await simulator.call("PUT", "/control/merchants/MER-1", {"slow": 1})).status == 400


async def _register(simulator: Simulator, **settings: object) -> Heard:
    return await simulator.call("PUT", "/control/merchants/MER-1", {"secrets": [SECRET]} | settings)


async def _receipts(simulator: Simulator) -> list[dict[str, Any]]:
    return list((await simulator.call("GET", "/control/callbacks")).body["callbacks"])


async def _deliver(
    simulator: Simulator,
    *,
    merchant: str = "MER-1",
    event: str = "e1",
    transaction: str = "TX1",
    amount: str = "100",
    broken: str = "",
) -> Heard:
    moment = int(time.time()) - (3600 if broken.endswith("timestamp") else 0)
    milliseconds = f"{moment}000"
    content = {
        "orderId": "ORDER1", "transactionId": transaction, "amount": 0, "currency": "INR", "status": "SUCCESS",
        "utr": "UTR1", "type": "PAYIN", "timestamp": milliseconds,
        "hash": "0" if broken == "hash" else _hex(f"{amount}|INR|ORDER1|{SECRET}".encode()),
    }  # fmt: skip
    body = json.dumps(content).replace('"amount": 0', f'"amount": {amount}').encode()
    standard = hmac.new(SECRET.encode(), f"{event}.{moment}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "x_merchant_id": merchant,
        "x_timestamp": milliseconds,
        "x_signature": _hex(body + f"|{milliseconds}".encode()),
        "webhook_id": event,
        "webhook_timestamp": str(moment),
        "webhook_signature": "v1,AAAA v1," + base64.b64encode(standard).decode(),
    }
    if broken.endswith("signature"):
        headers[broken.replace("-", "_")] = "v1,AAAA"
    return await simulator.call("POST", f"/merchant/{merchant}/callbacks", body, **headers)


def _hex(message: bytes) -> str:
    return hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
