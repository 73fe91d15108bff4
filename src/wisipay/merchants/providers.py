"""Providers: the banks and gateways we have an adapter for.

Decides a provider's id (a slug of its name) and its record. Must never speak to one: that is the providers slice, whose
adapter names are checked by whoever calls from above.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from wisipay.core.database import Connection
from wisipay.merchants.author import Author
from wisipay.merchants.errors import AlreadyExists, InvalidValue
from wisipay.merchants.model import ProviderType
from wisipay.merchants.names import checked_name, slug_of
from wisipay.merchants.store import QUERIES


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's record."""

    id: str
    name: str
    type: ProviderType
    adapter: str
    is_active: bool = True
    does_payin: bool = True
    does_payout: bool = True


async def create_provider(
    conn: Connection,
    author: Author,
    *,
    name: str,
    provider_type: ProviderType,
    adapter: str | None = None,
    does_payin: bool = True,
    does_payout: bool = True,
    is_known_adapter: Callable[[str], bool] | None = None,
) -> str:
    """Create a provider and give its id; `adapter` defaults to the id. Raises InvalidValue or AlreadyExists."""
    name = checked_name("name", name)
    provider_id = slug_of("name", name)
    adapter = adapter or provider_id
    if is_known_adapter is not None and not is_known_adapter(adapter):
        raise InvalidValue("adapter", f"there is no adapter {adapter!r}")
    provider = Provider(provider_id, name, provider_type, adapter, does_payin=does_payin, does_payout=does_payout)
    async with conn.transaction():
        added = await conn.fetchval(
            QUERIES["insert_provider"],
            provider.id,
            provider.name,
            provider.type,
            provider.adapter,
            provider.is_active,
            provider.does_payin,
            provider.does_payout,
            author.moment,
        )
        if added is None:
            raise AlreadyExists(f"there is a provider {provider_id!r} already", details={"name": "is taken"})
        await author.record(conn, "provider.create", ("provider", provider_id), None, asdict(provider))
    return provider_id


async def read_providers(conn: Connection) -> list[Provider]:
    """List the providers by id."""
    rows = await conn.fetch(QUERIES["providers"], None)
    return [Provider(**{**dict(row), "type": ProviderType(row["type"])}) for row in rows]
