"""The address of a checkout page: a payment's id and a proof that we gave it out.

Decides which payments get a page (those whose provider gave a UPI link, which no browser on a desk can open) and that
nobody can guess an address: 128 bits of an HMAC stand in it. Nothing is stored, so an address is good for as long as
one of the keys is.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from wisipay.core.config import Settings
from wisipay.core.config_types import parse_keys
from wisipay.core.signing import equal, hmac_sha256
from wisipay.payments import Transaction

PATH: Final = "/pay"
_PURPOSE: Final = b"wisipay checkout pages, version 1"
_PROOF_BYTES: Final = 16
_TOKEN: Final = re.compile(r"([A-Z0-9_]{8,48})\.([A-Za-z0-9_-]{22})", re.ASCII)


class CheckoutLinks:
    """Makes and reads addresses. `keys` are secrets of the installation, newest first; the newest signs."""

    def __init__(self, base_url: str, keys: Sequence[bytes]) -> None:
        self._base = base_url.rstrip("/") + PATH
        # Keys of its own, so that no proof made here is worth anything where the secrets are used otherwise.
        self._keys = tuple(hmac_sha256(key, _PURPOSE) for key in keys)

    @classmethod
    def from_settings(cls, settings: Settings) -> "CheckoutLinks":
        """Take APP_BASE_URL and API_SECRET_ENC_KEY."""
        return cls(settings.app_base_url, tuple(parse_keys(settings.api_secret_enc_key).values()))

    def url(self, payment_id: str) -> str:
        """Return the address of a payment's page."""
        return f"{self._base}/{payment_id}.{_proof(self._keys[0], payment_id)}"

    def payment_id(self, token: str) -> str | None:
        """Return the payment that a page's address is about; None when we did not give it out."""
        found = _TOKEN.fullmatch(token)
        if found is None or not any(equal(_proof(key, found[1]), found[2]) for key in self._keys):
            return None
        return found[1]


def payment_link(links: CheckoutLinks, transaction: Transaction) -> str | None:
    """Return where the payer is sent: the provider's own page, or ours where it gave a UPI link."""
    return links.url(transaction.id) if transaction.upi_link else transaction.payment_url


def _proof(key: bytes, payment_id: str) -> str:
    return urlsafe_b64encode(hmac_sha256(key, payment_id.encode())[:_PROOF_BYTES]).rstrip(b"=").decode()
