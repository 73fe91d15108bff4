"""Register a merchant: known by name, with both services configured but switched off, and not yet onboarded.

Decides the id (`MER-<number>`, or one that the merchant brings along) and the limits a merchant starts with.
Must never make a secret or open an account: that is onboarding.
"""

import re
from typing import Final

from wisipay.core.database import Connection
from wisipay.core.money import Paise
from wisipay.merchants.author import Author
from wisipay.merchants.errors import AlreadyExists
from wisipay.merchants.model import Limits
from wisipay.merchants.names import checked_email, checked_merchant_id, checked_name
from wisipay.merchants.service_settings import ServiceOwner, create_services
from wisipay.merchants.store import QUERIES

FIRST_LIMITS: Final = Limits(tps=5, daily_paise=Paise(500_000_000))
"""Five requests a second and 5,000,000 rupees a day, until somebody decides otherwise."""

_NUMBERED = re.compile(r"MER-([1-9][0-9]{0,15})", re.ASCII)


async def create_merchant(
    conn: Connection,
    author: Author,
    *,
    name: str,
    email: str,
    display_name: str | None = None,
    merchant_id: str | None = None,
) -> str:
    """Register a merchant and give its id; raises InvalidValue or AlreadyExists."""
    name = checked_name("name", name)
    shown_name = checked_name("displayName", display_name or name)
    email = checked_email(email)
    async with conn.transaction():
        new_id = await _new_id(conn, merchant_id)
        added = await conn.fetchval(QUERIES["insert_merchant"], new_id, name, shown_name, email, author.moment)
        if added is None:
            raise await _already_exists(conn, new_id, email)
        await create_services(conn, author, ServiceOwner(merchant_id=new_id), is_active=False, limits=FIRST_LIMITS)
        after = {"id": new_id, "name": name, "displayName": shown_name, "email": email}
        await author.record(conn, "merchant.create", ("merchant", new_id), None, after)
    return new_id


async def _new_id(conn: Connection, wanted: str | None) -> str:
    if wanted is None:
        return f"MER-{await conn.fetchval(QUERIES['next_merchant_number'])}"
    numbered = _NUMBERED.fullmatch(checked_merchant_id(wanted))
    if numbered:
        await conn.execute(QUERIES["skip_merchant_numbers"], int(numbered[1]))
    return wanted


async def _already_exists(conn: Connection, merchant_id: str, email: str) -> AlreadyExists:
    row = await conn.fetchrow(QUERIES["taken_by"], merchant_id, email)
    if row is not None and row["by_id"]:
        return AlreadyExists(f"there is a merchant {merchant_id!r} already", details={"merchantId": "is taken"})
    return AlreadyExists("there is a merchant with this e-mail address already", details={"email": "is taken"})
