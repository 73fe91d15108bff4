"""Sending again: where to, for whom, and what an endpoint never had."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from support.callback_events import OCCURRED_AT, event
from support.endpoints import add, author, states, write
from wisipay.callbacks import (
    CALLBACK_URL,
    CallbackEvent,
    DeliveryState,
    Range,
    Resent,
    deliveries_of,
    disable_endpoint,
    resend,
    resend_range,
)
from wisipay.core.database import Pool
from wisipay.core.errors import Conflict, NotFound

URL = "http://127.0.0.1:9/"


async def _resend(
    pool: Pool, *events: CallbackEvent, to: str | None = None, merchant_id: str | None = None
) -> set[Resent]:
    async with pool.acquire() as conn:
        return set(await resend(conn, [each.event_id for each in events], to=to, merchant_id=merchant_id))


async def _deliver_all(pool: Pool) -> None:
    for table in ("callbacks_outbox", "callbacks_deliveries"):
        await pool.execute(f"UPDATE {table} SET state = 'DELIVERED' WHERE state = 'WAITING'")  # noqa: S608 - ours


async def test_an_event_goes_again_to_everybody_or_to_one(database: Pool) -> None:
    everything, _ = await add(database, f"{URL}all")
    failures, _ = await add(database, f"{URL}failures", events=["payin.failed"])
    sent = event()
    await write(database, sent)
    await _deliver_all(database)
    to_url, to_all = Resent(sent.event_id, None), Resent(sent.event_id, everything.id)
    assert await _resend(database, sent) == {to_url, to_all}
    assert await _resend(database, sent, to=CALLBACK_URL) == {to_url}
    assert await _resend(database, sent, to=everything.id) == {to_all}
    assert await _resend(database, sent, to=failures.id) == {Resent(sent.event_id, failures.id)}
    assert await states(database, failures.id) == ["WAITING"]
    found = await deliveries_of(database, [sent.event_id, uuid4()])
    assert {each.endpoint_id: each.state for each in found[sent.event_id]} == {
        everything.id: DeliveryState.WAITING,
        failures.id: DeliveryState.WAITING,
    }


async def test_a_merchant_sends_only_its_own_events_to_its_own_endpoints_that_are_on(database: Pool) -> None:
    mine, _ = await add(database, URL)
    theirs, _ = await add(database, URL, merchant_id="MER-2")
    sent = event()
    await write(database, sent)
    assert await _resend(database, sent, merchant_id="MER-2") == set()
    assert await _resend(database, sent, to=theirs.id) == set()
    with pytest.raises(NotFound):
        await _resend(database, sent, to=theirs.id, merchant_id="MER-1")
    async with database.acquire() as conn:
        await disable_endpoint(conn, author(), "MER-1", mine.id)
    with pytest.raises(Conflict, match="enable it first"):
        await _resend(database, sent, to=mine.id)
    assert await _resend(database, sent) == {Resent(sent.event_id, None)}


async def test_what_had_no_callback_url_goes_to_endpoints_alone_if_there_are_any(database: Pool) -> None:
    silent = event(url=None)
    await write(database, silent)
    endpoint, _ = await add(database, URL)
    assert await _resend(database, silent) == {Resent(silent.event_id, endpoint.id)}
    unheard = event(url=None, merchant_id="MER-2")
    await write(database, unheard)
    assert await _resend(database, unheard) == {Resent(unheard.event_id, None)}


async def test_what_is_being_sent_is_left_alone(database: Pool) -> None:
    endpoint, _ = await add(database, URL)
    sent = event()
    await write(database, sent)
    await database.execute("UPDATE callbacks_deliveries SET lease_token = $1, due_at = now() + '1 minute'", uuid4())
    assert await _resend(database, sent, to=endpoint.id) == set()


async def test_a_range_brings_a_new_endpoint_what_it_wants_of_the_time_before(
    database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisipay.callbacks.endpoints.replaying.PAGE_MAX", 2)
    old = [event(occurred_at=OCCURRED_AT + timedelta(minutes=number)) for number in range(6)]
    await write(database, *old, event(status="FAILED"), event(merchant_id="MER-2"))
    endpoint, _ = await add(database, URL, events=["payin.success"])

    async def replayed(*, states: list[DeliveryState] | None = None, limit: int = 100) -> int:
        return await resend_range(
            database,
            endpoint.id,
            Range(
                occurred_from=OCCURRED_AT + timedelta(minutes=1),
                occurred_until=OCCURRED_AT + timedelta(minutes=5),
                states=states,
            ),
            limit=limit,
        )

    assert await replayed(states=[DeliveryState.DEAD]) == 0
    assert await replayed(limit=3) == 3
    assert await _had(database) == [each.event_id for each in old[1:4]]
    assert await replayed() == 4
    assert await _had(database) == [each.event_id for each in old[1:5]]


async def _had(pool: Pool) -> list[UUID]:
    rows = await pool.fetch("SELECT event_id FROM callbacks_deliveries ORDER BY position")
    return [row["event_id"] for row in rows]
