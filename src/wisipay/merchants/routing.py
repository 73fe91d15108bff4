"""The channels a merchant's service is routed through: the primary first, then the fallbacks in order.

Decides what a route may be: known channels, each once, of a bounded number. Must never choose a channel for a payment.
"""

from collections.abc import Sequence
from typing import Final

from wisipay.core.database import Connection
from wisipay.merchants.author import Author
from wisipay.merchants.errors import InvalidValue, UnknownChannel
from wisipay.merchants.model import ServiceKind
from wisipay.merchants.service_settings import ServiceOwner, lock_service
from wisipay.merchants.store import QUERIES

ROUTE_MAX: Final = 20


async def set_routing(
    conn: Connection, author: Author, merchant_id: str, kind: ServiceKind, channel_ids: Sequence[str]
) -> None:
    """Set a merchant's route, primary first; empty takes it away.

    Raises UnknownMerchant, UnknownChannel or InvalidValue.
    """
    if len(channel_ids) > ROUTE_MAX:
        raise InvalidValue("routing", f"a route has at most {ROUTE_MAX} channels")
    if len(set(channel_ids)) != len(channel_ids):
        raise InvalidValue("routing", "names a channel twice")
    owner = ServiceOwner(merchant_id=merchant_id)
    async with conn.transaction():
        service_id = (await lock_service(conn, owner, kind))["id"]
        known = {row["id"] for row in await conn.fetch(QUERIES["channels"])}
        for channel_id in channel_ids:
            if channel_id not in known:
                raise UnknownChannel(channel_id)
        before = [row["channel_id"] for row in await conn.fetch(QUERIES["route"], service_id)]
        await conn.execute(QUERIES["delete_route"], service_id)
        await conn.execute(QUERIES["insert_route"], service_id, list(channel_ids))
        await author.record(
            conn, f"merchant.{kind}.route", owner.entity, {"routing": before}, {"routing": list(channel_ids)}
        )
