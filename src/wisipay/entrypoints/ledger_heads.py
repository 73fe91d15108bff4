"""The head of the ledger's chain, published: a signed file in LEDGER_HEADS_DIR and a line in the audit log.

Decides what is published when, and what verification compares. Must never write a file without the key, nor a line in
the audit log without the file that it tells of.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from wisipay import audit
from wisipay.core.clock import IST
from wisipay.core.config import Settings
from wisipay.core.database import Connection
from wisipay.core.errors import BadRequest
from wisipay.ledger import Difference, seals

_ENTITY = ("ledger", "head")


async def publish_head(connection: Connection, settings: Settings, now: datetime, actor: str) -> seals.HeadStatement:
    """Publish where the chain ends now. `BadRequest` without folder or key; OSError for a folder that refuses."""
    if settings.ledger_heads_dir is None or not settings.ledger_signing_key:
        raise BadRequest("LEDGER_HEADS_DIR and LEDGER_SIGNING_KEY are needed to publish the ledger's head")
    tail = await seals.chain_tail(connection)
    day = now.astimezone(IST).date()
    statement = seals.publish_head(settings.ledger_heads_dir, tail, day, now, settings.ledger_signing_key)
    told: dict[str, object] = msgspec.to_builtins(statement)
    await audit.record(connection, actor, "ledger.publish_head", _ENTITY, None, told, happened_at=now)
    return statement


async def publish_daily(connection: Connection, settings: Settings, now: datetime) -> seals.HeadStatement | None:
    """Publish today's head unless that was done, or nothing is published here; for a job that may run again."""
    if settings.ledger_heads_dir is None or not settings.ledger_signing_key:
        return None
    published = read_heads(settings.ledger_heads_dir, settings)
    if published.statements and published.statements[-1].day >= now.astimezone(IST).date():
        return None
    return await publish_head(connection, settings, now, "job:ledger_heads")


def read_heads(folder: Path, settings: Settings) -> seals.PublishedHeads:
    """Read the published heads and check their files; `BadRequest` where there is no key to check them with."""
    key = settings.ledger_public_key
    if not key and settings.ledger_signing_key:
        key = seals.public_head_key(settings.ledger_signing_key)
    if not key:
        raise BadRequest("LEDGER_PUBLIC_KEY is needed to check what LEDGER_HEADS_DIR holds")
    return seals.read_heads(folder, key)


async def heads_of_audit(connection: Connection) -> list[seals.HeadStatement]:
    """Return the heads that the audit log tells of, in order."""
    return [msgspec.convert(told, seals.HeadStatement) for told in await audit.states(connection, _ENTITY)]


def files_against_audit(published: seals.PublishedHeads, told: list[seals.HeadStatement]) -> list[Difference]:
    """Return what the audit log tells of and the folder doesn't hold."""
    there = {statement.number for statement in published.statements}
    return [
        Difference(
            "head_file",
            "DAY",
            str(each.day),
            f"{seals.file_name(each.number, each.day)} is in the audit log and not in the folder",
        )
        for each in told
        if each.number not in there
    ]
