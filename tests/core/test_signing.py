"""HMAC and constant-time comparison."""

from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.signing import equal, hmac_sha256, hmac_sha256_hex, sha256_hex


def test_hmac_of_rfc_4231_test_case_2() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256_hex("Jefe", b"what do ya want for nothing?") == expected
    assert hmac_sha256(b"Jefe", b"what do ya want for nothing?").hex() == expected


def test_sha256_of_nothing() -> None:
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.text(st.characters(exclude_categories=[])), st.text(st.characters(exclude_categories=[])))
def test_comparison_agrees_with_equality_whatever_the_characters(first: str, second: str) -> None:
    assert equal(first, second) == (first == second)
    assert equal(first, first)
