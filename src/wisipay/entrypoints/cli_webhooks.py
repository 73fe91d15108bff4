"""`wisipay webhooks`: what providers sent us, and looking at it again.

Decides how an operator sees it: one JSON line per webhook, headers and body redacted. Must never apply anything
itself: replay makes webhooks due, the workers look at them.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

import msgspec
from cyclopts import App

from wisipay import webhooks
from wisipay.core.database import Pool, connect_pool
from wisipay.core.errors import BadRequest, NotFound
from wisipay.core.redaction import redact
from wisipay.entrypoints.store_settings import settings_with_database
from wisipay.webhooks import WebhookRecord, WebhookState

app: Final = App(name="webhooks", help="Webhooks from providers: dead letters, replay.")


@app.command(name="list")
def list_(
    *, provider: str | None = None, state: WebhookState = WebhookState.DEAD, after: UUID | None = None, limit: int = 100
) -> None:
    """List webhooks, by default the dead letters.

    Parameters
    ----------
    provider
        Only this provider's.
    state
        Only those in this state.
    after
        Only those behind this id, to page on.
    limit
        At most this many, up to 1,000.
    """
    asyncio.run(_list(provider, state, after, limit))


@app.command
def show(webhook_id: UUID) -> None:
    """Show one webhook with its headers and body, secrets and personal data redacted."""
    asyncio.run(_show(webhook_id))


@app.command
def replay(*webhook_ids: UUID) -> None:
    """Look at these webhooks again now, whatever became of them."""
    asyncio.run(_replay(webhook_ids))


@app.command(name="replay-dead")
def replay_dead(*, provider: str | None = None, limit: int = 10_000) -> None:
    """Look again at all dead letters, the oldest first.

    Parameters
    ----------
    provider
        Only this provider's.
    limit
        At most this many.
    """
    asyncio.run(_replay_dead(provider, limit))


async def _list(provider_id: str | None, state: WebhookState, after: UUID | None, limit: int) -> None:
    async with _pool() as pool:
        records = await webhooks.find(
            pool, provider_id=provider_id, state=state, after=after or UUID(int=0), limit=limit
        )
    for record in records:
        _write(_shown(record))


async def _show(webhook_id: UUID) -> None:
    async with _pool() as pool:
        record = await webhooks.show(pool, webhook_id)
    if record is None:
        raise NotFound(f"No webhook has the id {webhook_id}; `wisipay webhooks list` shows them")
    received = record.webhook
    content = {"headers": redact(dict(received.headers)), "body": redact(received.body.decode(errors="replace"))}
    _write(_shown(record) | content)


async def _replay(webhook_ids: tuple[UUID, ...]) -> None:
    if not webhook_ids:
        raise BadRequest("Name at least one webhook; `wisipay webhooks list` shows them")
    async with _pool() as pool, pool.acquire() as conn:
        due = set(await webhooks.replay(conn, webhook_ids))
    for webhook_id in webhook_ids:
        _write({"webhook_id": webhook_id, "due": webhook_id in due})


async def _replay_dead(provider_id: str | None, limit: int) -> None:
    async with _pool() as pool:
        _write({"due": await webhooks.replay_dead(pool, provider_id=provider_id, limit=limit)})


@asynccontextmanager
async def _pool() -> AsyncIterator[Pool]:
    async with await connect_pool(settings_with_database(), application_name="wisipay webhooks", max_size=1) as pool:
        yield pool


def _shown(record: WebhookRecord) -> dict[str, Any]:
    fields = asdict(record)
    received: dict[str, Any] = fields.pop("webhook")
    del received["headers"]
    received["body_bytes"] = len(received.pop("body"))
    return received | fields


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
