"""Proofs: what they say, and that a changed one is found by anybody who has the public key."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from hashlib import sha256
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from support.callback_events import event
from support.endpoints import add, write
from support.merchant_endpoint import MerchantEndpoint, merchant_endpoint
from support.parties import Merchants
from wisipay.callbacks import Delivery, ProofKeys, proof_record, read_proof, verify_proof
from wisipay.callbacks.store import claim, record
from wisipay.core.clock import SystemClock
from wisipay.core.database import Pool
from wisipay.core.errors import BadRequest, NotFound
from wisipay.core.http_client import HttpClient

KEYS = ProofKeys({"new": b"n" * 32, "old": b"o" * 32})


@pytest.fixture
async def endpoint() -> AsyncIterator[MerchantEndpoint]:
    async with merchant_endpoint() as serving:
        yield serving


async def test_a_proof_shows_the_body_that_was_received_by_its_digest(
    database: Pool, endpoint: MerchantEndpoint
) -> None:
    further, _ = await add(database, f"{endpoint.url}/further")
    sent = event(url=f"{endpoint.url}/cb", utr="UTR-₹")
    await write(database, sent)
    (claimed,) = await claim(database, {"MER-1": 1}, uuid4(), 60)
    async with HttpClient(private_addresses_allowed=True) as client:
        delivery = Delivery(Merchants(), client, SystemClock(), unit="RUPEES", https_only=False)
        attempt, _ = await delivery.attempt(claimed)
    await record(database, [attempt])
    proof = KEYS.sign(await proof_record(database, sent.event_id, installation="https://pay.example"))
    (received,) = endpoint.received
    (made,) = proof["record"]["attempts"]
    assert made["bodySha256"] == sha256(received.body).hexdigest()
    assert (made["endpoint"], made["url"], made["signedBy"]) == ("callback URL", sent.url, ["secret-0"])
    assert (made["httpStatus"], made["answer"]) == (200, "thank you")
    assert made["answerSha256"] == sha256(b"thank you").hexdigest()
    assert [(each["endpoint"], each["state"]) for each in proof["record"]["standing"]] == [
        ("callback URL", "DELIVERED"),
        (further.id, "WAITING"),
    ]
    printed = json.dumps(proof, indent=2)
    assert verify_proof(read_proof(printed.encode()), KEYS.public_keys())
    assert "secret-of-the-merchant" not in printed
    with pytest.raises(NotFound):
        await proof_record(database, uuid4(), installation="")


def test_a_proof_is_verified_as_its_page_says_and_a_changed_one_is_not() -> None:
    proof = json.loads(json.dumps(KEYS.sign({"b": '₹ "/\\', "a": [1, None, True]})))
    text = json.dumps(proof["record"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    public = Ed25519PublicKey.from_public_bytes(b64decode(KEYS.public_keys()[proof["keyId"]]))
    public.verify(b64decode(proof["signature"]), text)
    assert sha256(text).hexdigest() == proof["sha256"]
    with pytest.raises(InvalidSignature):
        public.verify(b64decode(proof["signature"]), text + b" ")
    assert verify_proof(proof, KEYS.public_keys())
    changed = proof | {"record": {"a": 2}}
    other_key = ProofKeys({"new": b"x" * 32})
    for wrong in (changed, proof | {"keyId": "none"}, proof | {"signature": "?"}, proof | {"signature": 7}):
        assert not verify_proof(wrong, KEYS.public_keys())
    assert not verify_proof({}, KEYS.public_keys())
    assert not verify_proof(other_key.sign({"a": 1}), KEYS.public_keys())


def test_after_a_rotation_old_proofs_verify_and_new_ones_take_the_new_key() -> None:
    before = ProofKeys({"old": b"o" * 32}).sign({"a": 1})
    assert verify_proof(before, KEYS.public_keys())
    assert KEYS.sign({})["keyId"] == "new"


@pytest.mark.parametrize("text", [b"", b"[]", b"{"])
def test_what_is_no_proof_is_refused_in_words(text: bytes) -> None:
    with pytest.raises(BadRequest, match="not a proof"):
        read_proof(text)
