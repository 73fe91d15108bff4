"""The callback URLs of a merchant's services: which of them are switched off, and switching one on again.

Decides that what was on its way goes on, in its order, and that what came meanwhile waits for a replay. Must never
change a URL: that is the service's configuration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wisipay.callbacks.model import PaymentType
from wisipay.callbacks.store import switch_on
from wisipay.callbacks.switching import Address, forget_failing, happened
from wisipay.core.database import Connection
from wisipay.core.sql import load_queries
from wisipay.merchants import Author

_QUERIES = load_queries(__file__, "switching.sql")


@dataclass(frozen=True, slots=True)
class UrlSwitchedOff:
    """A callback URL that is not sent to; `type` is PAYIN or PAYOUT."""

    type: str
    url: str
    reason: str
    switched_off_at: datetime


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    """The URLs that are served again, and how many events go on."""

    urls: Sequence[str]
    resumed: int


async def switched_off_urls(conn: Connection, merchant_id: str) -> list[UrlSwitchedOff]:
    """List the callback URLs of a merchant that are off; those that it has left behind, too."""
    rows = await conn.fetch(_QUERIES["switched_off"], merchant_id)
    return [UrlSwitchedOff(row["type"], row["url"], row["reason"], row["switched_off_at"]) for row in rows]


async def switch_on_url(conn: Connection, author: Author, merchant_id: str, type_: PaymentType) -> SwitchedOn:
    """Serve the callback URL of a service again; audited when it was off."""
    async with conn.transaction():
        urls = await switch_on(conn, merchant_id, type_)
        if not urls:
            return SwitchedOn((), 0)
        await forget_failing(conn, merchant_id, type_)
        resumed: int = await conn.fetchval(_QUERIES["resume"], merchant_id, type_, urls)
        entity = ("callback_endpoint", f"{merchant_id}/{type_}")
        await author.record(conn, "callbacks.switch_on", entity, {"enabled": False}, {"enabled": True, "urls": urls})
        for url in urls:
            await happened(conn, Address(merchant_id, type_, url), "ENABLED", author.reason, author.moment)
    return SwitchedOn(urls, resumed)
