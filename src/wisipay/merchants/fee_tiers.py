"""The fee tiers of a service: added and removed one by one, never overlapping.

Decides what a tier may be. The database refuses an overlap as well, so that no race can make one. Must never change a
tier in place: removing it and adding another leaves both in the audit log.
"""

from typing import Final

from asyncpg import Record

from wisipay.core.database import Connection
from wisipay.core.money import PPM, rupees_text
from wisipay.merchants.author import Author
from wisipay.merchants.errors import InvalidValue, TiersOverlap, UnknownTier
from wisipay.merchants.fees import overlaps, percentage_text
from wisipay.merchants.model import FeeCharge, FeeStrategy, FeeTier, ServiceKind
from wisipay.merchants.service_settings import ServiceOwner, lock_service
from wisipay.merchants.store import QUERIES

TIERS_MAX: Final = 50
_PAISE_MAX: Final = 10**17


async def add_tier(conn: Connection, author: Author, owner: ServiceOwner, kind: ServiceKind, tier: FeeTier) -> None:
    """Add a tier; raises InvalidValue, TiersOverlap, UnknownMerchant or UnknownChannel."""
    _check(tier)
    async with conn.transaction():
        service_id = (await lock_service(conn, owner, kind))["id"]
        tiers = [_tier(row) for row in await conn.fetch(QUERIES["tiers"], service_id)]
        if len(tiers) >= TIERS_MAX:
            raise InvalidValue("fees", f"a service has at most {TIERS_MAX} tiers")
        other = next((known for known in tiers if overlaps(known, tier)), None)
        if other is not None:
            raise TiersOverlap(
                f"the tier {_span(tier)} overlaps the tier {_span(other)}; remove that one first",
                details={"overlaps": _span(other)},
            )
        await conn.execute(
            QUERIES["insert_tier"],
            service_id,
            tier.from_paise,
            tier.to_paise,
            tier.charge.flat_paise,
            tier.charge.percentage_ppm,
            tier.charge.tax_ppm,
            tier.charge.strategy,
        )
        await author.record(conn, f"{owner.entity[0]}.{kind}.add_fee", owner.entity, None, _described(tier))


async def remove_tier(
    conn: Connection, author: Author, owner: ServiceOwner, kind: ServiceKind, from_paise: int
) -> None:
    """Remove the tier that starts at `from_paise`; raises UnknownTier, UnknownMerchant or UnknownChannel."""
    async with conn.transaction():
        service_id = (await lock_service(conn, owner, kind))["id"]
        tiers = [_tier(row) for row in await conn.fetch(QUERIES["tiers"], service_id)]
        tier = next((known for known in tiers if known.from_paise == from_paise), None)
        if tier is None:
            raise UnknownTier(f"no {kind} fee tier starts at {rupees_text(from_paise)}")
        await conn.execute(QUERIES["delete_tier"], service_id, from_paise)
        await author.record(conn, f"{owner.entity[0]}.{kind}.remove_fee", owner.entity, _described(tier), None)


def _check(tier: FeeTier) -> None:
    if not 0 <= tier.from_paise < _PAISE_MAX:
        raise InvalidValue("fromAmount", "must not be negative")
    if tier.to_paise is not None and not tier.from_paise <= tier.to_paise < _PAISE_MAX:
        raise InvalidValue("toAmount", "must not be below fromAmount; -1 means no upper end")
    if not 0 <= tier.charge.flat_paise < _PAISE_MAX:
        raise InvalidValue("flat", "must not be negative")
    if not 0 <= tier.charge.percentage_ppm <= PPM:
        raise InvalidValue("percentage", "must be between 0 and 100")
    if not 0 <= tier.charge.tax_ppm <= PPM:
        raise InvalidValue("taxRate", "must be between 0 and 100")


def _tier(row: Record) -> FeeTier:
    charge = FeeCharge(row["flat_paise"], row["percentage_ppm"], row["tax_ppm"], FeeStrategy(row["strategy"]))
    return FeeTier(row["from_paise"], row["to_paise"], charge)


def _span(tier: FeeTier) -> str:
    return f"{rupees_text(tier.from_paise)} to {'any' if tier.to_paise is None else rupees_text(tier.to_paise)}"


def _described(tier: FeeTier) -> dict[str, object]:
    return {
        "span": _span(tier),
        "flat": rupees_text(tier.charge.flat_paise),
        "percentage": percentage_text(tier.charge.percentage_ppm),
        "taxRate": percentage_text(tier.charge.tax_ppm),
        "strategy": tier.charge.strategy.value,
    }
