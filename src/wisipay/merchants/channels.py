"""Channels (PLE): one provider contracted by one legal entity, with the credentials of that contract.

Decides a channel's id (`provider_legalentity`) and keeps its credentials sealed. Must never know what credentials an
adapter needs: a check given from above says so. Must never log or audit a credential's value, only its name.
"""

from collections.abc import Callable, Mapping

import msgspec

from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection
from wisipay.merchants.author import Author
from wisipay.merchants.errors import AlreadyExists, InvalidValue, UnknownChannel, UnknownLegalEntity, UnknownProvider
from wisipay.merchants.service_settings import ServiceOwner, create_services
from wisipay.merchants.settings import changed_only
from wisipay.merchants.store import QUERIES, credentials_place

CredentialsCheck = Callable[[str, Mapping[str, str]], None]
"""Takes adapter name and credentials; raises ValueError that names the fields at fault, not their values."""


async def create_channel(
    conn: Connection,
    box: SecretBox,
    author: Author,
    *,
    provider_id: str,
    legal_entity_id: str,
    credentials: Mapping[str, str] | None = None,
    check: CredentialsCheck | None = None,
    services_active: bool = True,
) -> str:
    """Create a channel, with its credentials if given, and give its id.

    Raises UnknownProvider, UnknownLegalEntity, AlreadyExists, or InvalidValue for credentials that `check` refuses.
    """
    channel_id = f"{provider_id}_{legal_entity_id}"
    async with conn.transaction():
        if not await conn.fetch(QUERIES["providers"], provider_id):
            raise UnknownProvider(provider_id)
        if not await conn.fetch(QUERIES["legal_entities"], legal_entity_id):
            raise UnknownLegalEntity(legal_entity_id)
        added = await conn.fetchval(QUERIES["insert_channel"], channel_id, provider_id, legal_entity_id, author.moment)
        if added is None:
            raise AlreadyExists(f"there is a channel {channel_id!r} already", details={"channelId": "is taken"})
        await create_services(conn, author, ServiceOwner(channel_id=channel_id), is_active=services_active)
        after = {"providerId": provider_id, "legalEntityId": legal_entity_id, "servicesActive": services_active}
        await author.record(conn, "channel.create", ("channel", channel_id), None, after)
        if credentials is not None:
            await set_credentials(conn, box, author, channel_id, credentials, check=check)
    return channel_id


async def set_credentials(
    conn: Connection,
    box: SecretBox,
    author: Author,
    channel_id: str,
    credentials: Mapping[str, str],
    *,
    check: CredentialsCheck | None = None,
) -> None:
    """Replace a channel's credentials; raises UnknownChannel, or InvalidValue for what `check` refuses."""
    async with conn.transaction():
        row = await conn.fetchrow(QUERIES["credentials"], channel_id)
        if row is None:
            raise UnknownChannel(channel_id)
        if check is not None:
            _run_check(check, row["adapter"], credentials)
        sealed = box.seal(msgspec.json.encode(dict(credentials)), aad=credentials_place(channel_id))
        await conn.execute(QUERIES["set_credentials"], channel_id, sealed, author.moment)
        after = {"fields": sorted(credentials)}
        await author.record(conn, "channel.set_credentials", ("channel", channel_id), None, after)


def _run_check(check: CredentialsCheck, adapter: str, credentials: Mapping[str, str]) -> None:
    try:
        check(adapter, credentials)
    except ValueError as error:
        raise InvalidValue("credentials", str(error)) from error


async def change_channel(
    conn: Connection, author: Author, channel_id: str, *, is_active: bool | None = None, is_paused: bool | None = None
) -> None:
    """Switch a channel on or off, or pause it; None leaves a switch as it is. Raises UnknownChannel.

    The author's reason is shown with a pause for as long as it lasts.
    """
    async with conn.transaction():
        row = await conn.fetchrow(QUERIES["lock_channel"], channel_id)
        if row is None:
            raise UnknownChannel(channel_id)
        before = dict(row)
        reason = author.reason if is_paused else None
        await conn.execute(QUERIES["set_channel"], channel_id, is_active, is_paused, author.moment, reason)
        after = before | {
            name: value for name, value in (("is_active", is_active), ("is_paused", is_paused)) if value is not None
        }
        if is_paused is not None:
            after["pause_reason"] = reason
        await author.record(conn, "channel.change", ("channel", channel_id), *changed_only(before, after))
