"""Signatures: the vectors of the contract, prefixes, secrets in rotation, the legacy hash."""

import hashlib
import hmac

import pytest

from wisipay.access import (
    Signature,
    SignatureVersion,
    legacy_hash,
    legacy_hash_matches,
    matching_secret,
    parse_signature,
    sign,
    v1_message,
    v2_message,
)

BODY = b'{"event":"payout.processed"}'
TIMESTAMP = "1770323283897"
DIGEST = "afea291dbbe10f0622ac2190dd7f4503f0f621f63cfe83df5ed058b2d836b819"


def test_v1_signs_the_body_a_bar_and_the_timestamp() -> None:
    assert sign(b"secret", v1_message(BODY, TIMESTAMP)) == DIGEST


def test_v1_of_a_request_without_a_body_signs_a_bar_and_the_timestamp() -> None:
    assert v1_message(b"", TIMESTAMP) == b"|1770323283897"


def test_v2_signs_time_method_path_with_query_and_the_digest_of_the_body() -> None:
    message = v2_message(method="post", path_and_query="/api/x?a=1", body=BODY, timestamp=TIMESTAMP)
    assert message == f"{TIMESTAMP}\nPOST\n/api/x?a=1\n{hashlib.sha256(BODY).hexdigest()}".encode()


@pytest.mark.parametrize("text", [DIGEST, f"sha256={DIGEST}", f"  SHA256={DIGEST.upper()} "])
def test_a_v1_signature_may_have_a_prefix_capitals_and_space_around_it(text: str) -> None:
    assert parse_signature(text) == Signature(SignatureVersion.V1, DIGEST)


def test_a_v2_signature_is_known_by_its_prefix() -> None:
    assert parse_signature(f"v2={DIGEST}") == Signature(SignatureVersion.V2, DIGEST)


@pytest.mark.parametrize(
    "text", ["", "x", DIGEST[:-1], DIGEST + "0", f"sha1={DIGEST}", f"v2=sha256={DIGEST}", "ä" * 64]
)
def test_anything_but_64_hexadecimal_digits_is_no_signature(text: str) -> None:
    assert parse_signature(text) is None


def test_any_of_the_secrets_may_have_signed() -> None:
    message = v1_message(BODY, TIMESTAMP)
    assert matching_secret((b"new", b"secret"), message, DIGEST)
    assert not matching_secret((b"new",), message, DIGEST)
    assert not matching_secret((), message, DIGEST)


def test_the_legacy_hash_is_keyed_with_the_secret_and_ends_in_it() -> None:
    expected = hmac.new(b"key", b"100|INR|ORDER1|key", hashlib.sha256).hexdigest()
    assert legacy_hash(amount=100, currency="INR", order_id="ORDER1", secret=b"key") == expected


@pytest.mark.parametrize("currency", [None, "", " INR "])
def test_a_legacy_hash_without_a_currency_means_rupees(currency: str | None) -> None:
    digest = legacy_hash(amount=100, currency="INR", order_id="ORDER1", secret=b"key")
    assert legacy_hash_matches(
        (b"new", b"key"), amount=100, currency=currency, order_id=" ORDER1 ", digest=f" {digest.upper()} "
    )


@pytest.mark.parametrize(
    ("amount", "currency", "order_id"), [(101, "INR", "ORDER1"), (100, "USD", "ORDER1"), (100, "INR", "ORDER2")]
)
def test_a_legacy_hash_of_other_content_does_not_match(amount: int, currency: str, order_id: str) -> None:
    digest = legacy_hash(amount=100, currency="INR", order_id="ORDER1", secret=b"key")
    assert not legacy_hash_matches((b"key",), amount=amount, currency=currency, order_id=order_id, digest=digest)
