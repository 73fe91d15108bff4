"""Encryption at rest: AES-256-GCM, bound to the place where the secret is kept.

Decides the sealed form: version, key id, nonce, ciphertext with tag. The associated data is "table/row/column", so a
sealed value copied to another row does not open. Must never return anything unauthenticated, and must never use a key
for two purposes: the AES keys are derived from the configured secrets.

Layout: 1 byte version (1) | 1 byte length of key id | key id | 12 bytes nonce | ciphertext and 16-byte tag.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wisipay.core.config_types import parse_keys

if TYPE_CHECKING:
    from wisipay.core.config import Settings

KEY_BYTES: Final = 32

_VERSION = 1
_NONCE_BYTES = 12
_HEADER_BYTES = 2
_PURPOSE = b"wisipay secrets at rest, version 1"
_LOOK_UP_PURPOSE = b"wisipay look-up by keyed hash, version 1"


class SealBroken(Exception):  # noqa: N818 - says what happened, as the plain words do
    """A sealed value does not open: other place, altered, damaged, or sealed with a key we no longer have."""


class SecretBox:
    """Seals and opens secrets. `keys` maps key id (1-16 ASCII characters) to 32 bytes; the active one seals."""

    def __init__(self, keys: Mapping[str, bytes], active_key_id: str) -> None:
        if active_key_id not in keys:
            raise ValueError(f"the active key {active_key_id!r} is not among the keys")
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._ciphers = {key_id.encode("ascii"): AESGCM(key) for key_id, key in keys.items()}
        self._active_key_id = active_key_id.encode("ascii")

    @classmethod
    def from_settings(cls, settings: "Settings") -> "SecretBox":
        """Build the box from API_SECRET_ENC_KEY (which falls back to JWT_SECRET); the first key is the active one."""
        secrets = parse_keys(settings.api_secret_enc_key)
        return cls({key_id: _derive(secret) for key_id, secret in secrets.items()}, next(iter(secrets)))

    def seal(self, plaintext: bytes, *, aad: str) -> bytes:
        """Encrypt for the place `aad` ("table/row/column"); the same plaintext never gives the same bytes twice."""
        nonce = os.urandom(_NONCE_BYTES)
        header = bytes((_VERSION, len(self._active_key_id))) + self._active_key_id
        sealed = self._ciphers[self._active_key_id].encrypt(nonce, plaintext, header + aad.encode())
        return header + nonce + sealed

    def open(self, sealed: bytes, *, aad: str) -> bytes:
        """Decrypt what was sealed for the same place. Raises SealBroken, whatever the reason."""
        key_id, header_end = self._key_id(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken(f"sealed with a key that API_SECRET_ENC_KEY lacks: {key_id.decode('ascii', 'replace')!r}")
        nonce, ciphertext = sealed[header_end : header_end + _NONCE_BYTES], sealed[header_end + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, ciphertext, sealed[:header_end] + aad.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(
                f"the sealed value of {aad} was altered, belongs to another place, or was sealed with a key that "
                "API_SECRET_ENC_KEY does not hold"
            ) from None

    def needs_resealing(self, sealed: bytes) -> bool:
        """Tell whether a value was sealed with an older key than the active one."""
        return self._key_id(sealed)[0] != self._active_key_id

    @staticmethod
    def _key_id(sealed: bytes) -> tuple[bytes, int]:
        if len(sealed) < _HEADER_BYTES or sealed[0] != _VERSION:
            raise SealBroken("not a sealed value of a version we know")
        header_end = _HEADER_BYTES + sealed[1]
        return bytes(sealed[_HEADER_BYTES:header_end]), header_end


def look_up_key(settings: "Settings") -> bytes:
    """Return the key of hashes under which personal data is found again without being kept; new with a new active key.

    32 bytes, derived from API_SECRET_ENC_KEY for this purpose alone.
    """
    return _derive(next(iter(parse_keys(settings.api_secret_enc_key).values())), _LOOK_UP_PURPOSE)


def _derive(secret: bytes, purpose: bytes = _PURPOSE) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)
