"""Saving how a provider's files are read, and finding what was saved.

A mapping is never changed: a further version stands beside those that earlier files were read with. Each is audited.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from wisipay.core.database import Connection
from wisipay.core.sql import load_queries
from wisipay.merchants import Author, read_providers
from wisipay.payments import Kind
from wisipay.reconciliation.errors import UnknownMapping, UnusableMapping
from wisipay.reconciliation.mapping import FileMapping

QUERIES = load_queries(__file__, "queries.sql")


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """One version of a mapping, and who saved it."""

    version: int
    mapping: FileMapping
    author: str
    created_at: datetime


async def save_mapping(conn: Connection, author: Author, provider_id: str, kind: Kind, mapping: FileMapping) -> int:
    """Save a further version in the caller's transaction, and return its number; the same as the newest is that one."""
    if provider_id not in {provider.id for provider in await read_providers(conn)}:
        raise UnusableMapping(f"there is no provider {provider_id!r}")
    newest = await _find(conn, provider_id, kind, None)
    if newest is not None and newest.mapping == mapping:
        return newest.version
    document = msgspec.to_builtins(mapping)
    version: int = await conn.fetchval(
        QUERIES["insert_mapping"], provider_id, kind.value, document, author.name, author.moment
    )
    before = None if newest is None else {"version": newest.version, "mapping": msgspec.to_builtins(newest.mapping)}
    after = {"version": version, "mapping": document}
    await author.record(conn, "reconciliation.mapping", ("provider", provider_id), before, after)
    return version


async def find_mapping(conn: Connection, provider_id: str, kind: Kind, version: int | None = None) -> SavedMapping:
    """Return a version of a mapping, the newest when none is named. Raises UnknownMapping."""
    found = await _find(conn, provider_id, kind, version)
    if found is None:
        raise UnknownMapping(provider_id, kind.value)
    return found


async def _find(conn: Connection, provider_id: str, kind: Kind, version: int | None) -> SavedMapping | None:
    row = await conn.fetchrow(QUERIES["newest_mapping"], provider_id, kind.value, version)
    if row is None:
        return None
    mapping = msgspec.convert(row["mapping"], FileMapping)
    return SavedMapping(row["version"], mapping, row["author"], row["created_at"])
