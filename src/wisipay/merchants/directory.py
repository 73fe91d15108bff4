"""The directory: merchants, channels and credentials as every request looks them up.

Decides how old a copy may be: at most five seconds, and none after a change that PostgreSQL has told of
(`MERCHANTS_CHANGED`). Must never answer with a partial merchant; the caller bounds the ids it asks for.
"""

from collections.abc import Callable, Mapping
from time import monotonic

from wisipay.core.clock import Clock, SystemClock
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.merchants.errors import UnknownChannel
from wisipay.merchants.fresh_cache import FreshCache
from wisipay.merchants.model import Channel, Merchant
from wisipay.merchants.routing_types import RoutingBook
from wisipay.merchants.store import read_credentials, read_merchants, read_routing_book

MERCHANTS_CHANGED = "merchants_changed"
"""The NOTIFY channel to connect with `Directory.invalidate`."""

TTL_SECONDS = 5.0
_MAX_MERCHANTS = 100_000
_MAX_CHANNELS = 10_000
_ALL = "all"


class Directory:
    """Look up merchants and channels; a hit costs a dictionary look-up."""

    def __init__(
        self,
        pool: Pool,
        secret_box: SecretBox,
        *,
        clock: Clock | None = None,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._pool = pool
        self._box = secret_box
        self._clock = clock or SystemClock()
        self._merchants: FreshCache[Merchant | None] = FreshCache(
            self._load_merchant, ttl_seconds=TTL_SECONDS, max_entries=_MAX_MERCHANTS, timer=timer
        )
        self._routing: FreshCache[RoutingBook] = FreshCache(
            self._load_routing, ttl_seconds=TTL_SECONDS, max_entries=1, timer=timer
        )
        self._credentials: FreshCache[tuple[str, Mapping[str, str]] | None] = FreshCache(
            self._load_credentials, ttl_seconds=TTL_SECONDS, max_entries=_MAX_CHANNELS, timer=timer
        )

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """Give a merchant with the secrets that are valid now, or None."""
        return await self._merchants.get(merchant_id)

    async def routing_book(self) -> RoutingBook:
        """Give all that routing goes by; the same object for as long as nothing was read again."""
        return await self._routing.get(_ALL)

    async def channel(self, channel_id: str) -> Channel | None:
        """Give a channel, or None."""
        return (await self.routing_book()).channels.get(channel_id)

    async def channels(self) -> tuple[Channel, ...]:
        """Give every channel, by id."""
        return tuple((await self.routing_book()).channels.values())

    async def channels_of_provider(self, provider_id: str) -> tuple[Channel, ...]:
        """Give the channels of one provider, by id; empty for an unknown provider."""
        return tuple(channel for channel in await self.channels() if channel.provider_id == provider_id)

    async def credentials(self, channel_id: str) -> tuple[str, Mapping[str, str]]:
        """Give a channel's adapter name and its opened credentials; raises UnknownChannel."""
        found = await self._credentials.get(channel_id)
        if found is None:
            raise UnknownChannel(channel_id)
        return found

    def invalidate(self, _payload: str = "") -> None:
        """Read everything again when next asked; connect it with NOTIFY `merchants_changed`."""
        self._merchants.invalidate()
        self._routing.invalidate()
        self._credentials.invalidate()

    async def _load_merchant(self, merchant_id: str) -> Merchant | None:
        async with self._pool.acquire() as conn:
            found = await read_merchants(conn, self._box, [merchant_id], self._clock.now())
        return found.get(merchant_id)

    async def _load_routing(self, _key: str) -> RoutingBook:
        async with self._pool.acquire() as conn:
            return await read_routing_book(conn)

    async def _load_credentials(self, channel_id: str) -> tuple[str, Mapping[str, str]] | None:
        async with self._pool.acquire() as conn:
            return await read_credentials(conn, self._box, channel_id)
