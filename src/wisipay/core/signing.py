"""HMAC and comparison: the two primitives every signature here is built from.

Decides nothing about what is signed. Must never compare secrets with `==`: the time it takes tells where they differ.
"""

import hashlib
import hmac


def hmac_sha256(key: bytes | str, message: bytes) -> bytes:
    """Return the raw HMAC-SHA256 of `message`; a text key is taken as UTF-8."""
    return hmac.digest(key.encode() if isinstance(key, str) else key, message, hashlib.sha256)


def hmac_sha256_hex(key: bytes | str, message: bytes) -> str:
    """Return the HMAC-SHA256 of `message` in lower-case hex; a text key is taken as UTF-8."""
    return hmac_sha256(key, message).hex()


def sha256_hex(message: bytes) -> str:
    """Return the SHA-256 of `message` in lower-case hex."""
    return hashlib.sha256(message).hexdigest()


def equal(first: str, second: str) -> bool:
    """Compare two texts in a time that does not depend on where they differ; any characters are allowed."""
    return hmac.compare_digest(first.encode(errors="surrogatepass"), second.encode(errors="surrogatepass"))
