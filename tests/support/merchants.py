"""A clock that the test moves, and merchants ready to be called for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection
from wisipay.core.money import Paise
from wisipay.merchants import (
    SERVICE_KINDS,
    Author,
    FeeCharge,
    FeeTier,
    ProviderType,
    ServiceChange,
    ServiceOwner,
    add_tier,
    change_service,
    create_channel,
    create_legal_entity,
    create_merchant,
    create_provider,
    onboard_merchant,
    set_routing,
)

NOW: Final = datetime(2026, 2, 5, 12, 0, tzinfo=UTC)


class FixedClock:
    """A clock that stands where it is put."""

    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """Return the moment it was put to."""
        return self.moment


@dataclass(frozen=True, slots=True)
class ReadyMerchant:
    """A merchant that may pay in and out, and the secret it signs with."""

    id: str
    secret: str


async def ready_channel(conn: Connection, box: SecretBox, author: Author, *, provider: str = "Dummy") -> str:
    """Make a provider, a legal entity and the channel between them; the adapter is `dummy`."""
    provider_id = await create_provider(
        conn, author, name=provider, provider_type=ProviderType.GATEWAY, adapter="dummy"
    )
    entity_id = await create_legal_entity(conn, author, name=f"{provider} Owner", identifier="AAACW1234A")
    return await create_channel(
        conn,
        box,
        author,
        provider_id=provider_id,
        legal_entity_id=entity_id,
        credentials={"baseUrl": "http://127.0.0.1:1", "apiKey": "key-of-the-channel"},
    )


async def ready_merchant(
    conn: Connection, box: SecretBox, author: Author, *, email: str = "ops@shop.example", route: tuple[str, ...] = ()
) -> ReadyMerchant:
    """Make an onboarded merchant: both services active, no rate limit, ten rupees flat and one percent."""
    merchant_id = await create_merchant(conn, author, name="Shop", email=email)
    secret = await onboard_merchant(conn, box, author, merchant_id)
    owner = ServiceOwner(merchant_id=merchant_id)
    for kind in SERVICE_KINDS:
        await change_service(conn, author, owner, kind, ServiceChange(is_active=True, tps=None))
        await add_tier(conn, author, owner, kind, FeeTier(Paise(0), None, FeeCharge(Paise(1000), 10_000)))
        await set_routing(conn, author, merchant_id, kind, route)
    return ReadyMerchant(merchant_id, secret.value)
