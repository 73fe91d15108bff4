"""Secrets at rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.config import Settings
from wisipay.core.crypto import SealBroken, SecretBox

OLD, NEW = b"o" * 32, b"n" * 32
PLACE = "merchants_secrets/7/value"


@given(st.binary(max_size=500), st.text(max_size=50))
def test_what_is_sealed_opens_at_its_place(plaintext: bytes, place: str) -> None:
    box = SecretBox({"a": NEW}, "a")
    assert box.open(box.seal(plaintext, aad=place), aad=place) == plaintext


def test_it_does_not_open_at_another_place() -> None:
    box = SecretBox({"a": NEW}, "a")
    with pytest.raises(SealBroken, match="another place"):
        box.open(box.seal(b"secret", aad=PLACE), aad="merchants_secrets/8/value")


@given(st.integers(min_value=0), st.integers(1, 255))
def test_no_altered_byte_goes_unnoticed(position: int, change: int) -> None:
    box = SecretBox({"a": NEW}, "a")
    sealed = bytearray(box.seal(b"secret", aad=PLACE))
    sealed[position % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        box.open(bytes(sealed), aad=PLACE)


@given(st.binary(max_size=60))
def test_rubbish_does_not_open(rubbish: bytes) -> None:
    with pytest.raises(SealBroken):
        SecretBox({"a": NEW}, "a").open(rubbish, aad=PLACE)


def test_the_same_secret_never_looks_the_same() -> None:
    box = SecretBox({"a": NEW}, "a")
    assert box.seal(b"secret", aad=PLACE) != box.seal(b"secret", aad=PLACE)


def test_after_rotation_old_seals_open_and_ask_to_be_renewed() -> None:
    sealed = SecretBox({"old": OLD}, "old").seal(b"secret", aad=PLACE)
    rotated = SecretBox({"new": NEW, "old": OLD}, "new")
    assert rotated.open(sealed, aad=PLACE) == b"secret"
    assert rotated.needs_resealing(sealed)
    assert not rotated.needs_resealing(rotated.seal(b"secret", aad=PLACE))


def test_a_dropped_key_is_named() -> None:
    sealed = SecretBox({"old": OLD}, "old").seal(b"secret", aad=PLACE)
    with pytest.raises(SealBroken, match="'old'"):
        SecretBox({"new": NEW}, "new").open(sealed, aad=PLACE)


def test_the_box_of_the_settings_rotates_by_key_id() -> None:
    first = SecretBox.from_settings(Settings(api_secret_enc_key="x" * 40))
    second = SecretBox.from_settings(Settings(api_secret_enc_key=f"b:{'y' * 40},default:{'x' * 40}"))
    assert second.open(first.seal(b"secret", aad=PLACE), aad=PLACE) == b"secret"


def test_without_its_own_key_the_box_takes_the_one_for_sessions() -> None:
    box = SecretBox.from_settings(Settings(jwt_secret="x" * 40))
    same = SecretBox.from_settings(Settings(api_secret_enc_key="x" * 40))
    assert same.open(box.seal(b"secret", aad=PLACE), aad=PLACE) == b"secret"


@pytest.mark.parametrize(("keys", "active"), [({"a": NEW}, "b"), ({"a": b"short"}, "a"), ({}, "a")])
def test_a_box_without_proper_keys_is_refused(keys: dict[str, bytes], active: str) -> None:
    with pytest.raises(ValueError, match="key"):
        SecretBox(keys, active)
