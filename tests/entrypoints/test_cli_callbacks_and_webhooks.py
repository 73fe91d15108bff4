"""The operator's commands on callbacks and webhooks, in a thread with its own event loop, on a real PostgreSQL."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from support.callback_events import attempt, event
from support.inbox import webhook
from wisipay.callbacks import AttemptOutcome, CallbackState, enqueue
from wisipay.callbacks import show as show_callback
from wisipay.callbacks.store import claim, record
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.entrypoints import cli
from wisipay.webhooks import WebhookState
from wisipay.webhooks import show as show_webhook
from wisipay.webhooks.model import Look
from wisipay.webhooks.store import claim as claim_webhooks
from wisipay.webhooks.store import insert
from wisipay.webhooks.store import record as record_looks

# The whole of `main` is under test, which takes its arguments from the process.
pytestmark = pytest.mark.filterwarnings("ignore:Cyclopts application invoked without tokens:UserWarning")

_Command = Callable[..., Awaitable[tuple[int, list[dict[str, Any]], str]]]


@pytest.fixture
def wisipay(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> _Command:
    """Return a way to run `wisipay ARGUMENTS`: its exit status, its lines as JSON, its errors."""
    environment = {
        "WISIPAY_ENV": "test",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "MONGODB_URI": "mongodb://127.0.0.1:1",
        "DATA_DIR": str(settings.data_dir),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run_here(arguments: tuple[str, ...]) -> int:
        monkeypatch.setattr(sys, "argv", ["wisipay", *arguments])
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    async def run(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        status = await asyncio.to_thread(run_here, arguments)
        written = capsys.readouterr()
        return status, [json.loads(line) for line in written.out.splitlines()], written.err

    return run


async def test_dead_callbacks_are_listed_shown_and_replayed(database: Pool, wisipay: _Command) -> None:
    dead = event()
    async with database.acquire() as conn:
        await enqueue(conn, [dead])
    claimed = await claim(database, {"MER-1": 1}, uuid4(), 60)
    await record(database, [attempt(each, AttemptOutcome.DEAD, status=500) for each in claimed])
    status, (listed,), errors = await wisipay("callbacks", "list", "--merchant", "MER-1")
    assert (status, listed["event_id"], listed["state"], errors) == (0, str(dead.event_id), "DEAD", "")
    _, (shown,), _ = await wisipay("callbacks", "show", str(dead.event_id))
    assert [made["http_status"] for made in shown["attempts_made"]] == [500]
    _, (replayed,), _ = await wisipay("callbacks", "replay", str(dead.event_id))
    assert replayed == {"event_id": str(dead.event_id), "due": True, "to": ["url"]}
    kept = await show_callback(database, dead.event_id)
    assert kept is not None
    assert kept[0].state is CallbackState.WAITING


async def test_a_switched_off_url_is_switched_on_and_what_came_meanwhile_replayed(
    database: Pool, wisipay: _Command
) -> None:
    async with database.acquire() as conn:
        await enqueue(conn, [event(), event()])
    claimed = await claim(database, {"MER-1": 1}, uuid4(), 60)
    await record(database, [attempt(each, AttemptOutcome.SWITCHED_OFF, status=410) for each in claimed])
    async with database.acquire() as conn:
        await enqueue(conn, [event()])
    _, (switched,), _ = await wisipay("callbacks", "switch-on", "MER-1", "payin")
    assert switched == {"switched_on": [claimed[0].event.url], "resumed": 2}
    _, (replayed,), _ = await wisipay("callbacks", "replay-all", "--state", "SWITCHED_OFF", "--since", "2026-01-01")
    assert replayed == {"due": 1}


async def test_dead_webhooks_are_listed_shown_redacted_and_replayed(database: Pool, wisipay: _Command) -> None:
    dead = webhook(body=b'{"customerPhone":"9876543210","amount":1}', headers={"authorization": "Bearer abc"})
    await insert(database, [dead])
    looks = [Look(claimed=each, state=WebhookState.DEAD) for each in await claim_webhooks(database, 1, uuid4(), 60)]
    await record_looks(database, looks)
    status, (listed,), errors = await wisipay("webhooks", "list")
    assert (status, listed["webhook_id"], listed["body_bytes"], errors) == (0, str(dead.webhook_id), len(dead.body), "")
    _, (shown,), _ = await wisipay("webhooks", "show", str(dead.webhook_id))
    assert "9876543210" not in json.dumps(shown)
    assert "abc" not in json.dumps(shown)
    _, (replayed,), _ = await wisipay("webhooks", "replay-dead")
    assert replayed == {"due": 1}
    _, (again,), _ = await wisipay("webhooks", "replay", str(dead.webhook_id))
    assert again["due"]
    kept = await show_webhook(database, dead.webhook_id)
    assert kept is not None
    assert kept.state is WebhookState.WAITING


@pytest.mark.parametrize("slice_", ["callbacks", "webhooks"])
async def test_a_mistake_is_one_clear_line(database: Pool, wisipay: _Command, slice_: str) -> None:
    assert database.get_size() > 0
    for arguments in [("show", str(uuid4())), ("replay",)]:
        status, _, errors = await wisipay(slice_, *arguments)
        assert status == 2
        assert errors.startswith("wisipay: ")
        assert errors.count("\n") == 1
