"""The API secrets of a merchant: made, rotated with an overlap, switched off.

Decides how long a retired secret is still taken. A secret's text leaves this module once, to be shown to the one who
asked; after that it is kept sealed. Must never be logged or audited: the record names the secret's id only.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection
from wisipay.core.ids import new_id, new_secret
from wisipay.merchants.author import Author
from wisipay.merchants.errors import AlreadyExists, InvalidValue, NotOnboarded
from wisipay.merchants.settings import MerchantChange, change_merchant, lock_merchant
from wisipay.merchants.store import QUERIES, secret_place

DEFAULT_OVERLAP: Final = timedelta(hours=24)
_OVERLAP_MAX: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made; `value` is shown once."""

    id: str
    value: str = field(repr=False)


async def onboard_merchant(conn: Connection, box: SecretBox, author: Author, merchant_id: str) -> NewSecret:
    """Make the first secret and mark the merchant onboarded; its ledger accounts are opened by the caller.

    Raises UnknownMerchant, or AlreadyExists when it is onboarded already.
    """
    async with conn.transaction():
        if (await lock_merchant(conn, merchant_id))["isOnboarded"]:
            raise AlreadyExists(f"merchant {merchant_id!r} is onboarded already; rotate its secret to get a new one")
        secret = await _add_secret(conn, box, author, merchant_id)
        await change_merchant(conn, author, merchant_id, MerchantChange(is_onboarded=True), action="merchant.onboard")
    return secret


async def rotate_secret(
    conn: Connection, box: SecretBox, author: Author, merchant_id: str, *, overlap: timedelta = DEFAULT_OVERLAP
) -> NewSecret:
    """Make a new secret; the ones before it are taken for `overlap` more, at most 30 days (zero: not any more)."""
    if not timedelta() <= overlap <= _OVERLAP_MAX:
        raise InvalidValue("overlap", f"must be between 0 and {_OVERLAP_MAX.days} days")
    async with conn.transaction():
        if not (await lock_merchant(conn, merchant_id))["isOnboarded"]:
            raise NotOnboarded(f"merchant {merchant_id!r} is not onboarded yet; onboarding makes its first secret")
        retires_at = author.moment + overlap
        await conn.execute(QUERIES["retire_secrets"], merchant_id, retires_at)
        secret = await _add_secret(conn, box, author, merchant_id)
        after = {"keyId": secret.id, "previousKeysRetireAt": retires_at.isoformat()}
        await author.record(conn, "merchant.rotate_secret", ("merchant", merchant_id), None, after)
    return secret


async def _add_secret(conn: Connection, box: SecretBox, author: Author, merchant_id: str) -> NewSecret:
    secret = NewSecret(new_id("KEY", author.moment), new_secret())
    sealed = box.seal(secret.value.encode(), aad=secret_place(secret.id))
    await conn.execute(QUERIES["insert_secret"], secret.id, merchant_id, sealed, author.moment)
    return secret
