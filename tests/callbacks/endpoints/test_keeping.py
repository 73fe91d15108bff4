"""A merchant's endpoints: added within bounds, changed, rotated with an overlap, switched off and on, removed."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from support.callback_events import event
from support.endpoints import BOX, add, author, states, write
from wisipay.callbacks import (
    ENDPOINTS_MAX,
    DeliveryState,
    EndpointChange,
    EndpointStatus,
    change_endpoint,
    disable_endpoint,
    enable_endpoint,
    endpoint_details,
    endpoints_of,
    remove_endpoint,
    rotate_endpoint_secret,
)
from wisipay.callbacks.endpoints.keeping import SIGNING_MAX, open_secret
from wisipay.callbacks.endpoints.model import read_filter, secret_key
from wisipay.core.database import Connection, Pool
from wisipay.core.errors import Conflict, NotFound
from wisipay.merchants import InvalidValue

URL = "https://shop.example/callbacks"


@pytest.fixture
async def conn(database: Pool) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        yield connection


async def test_an_endpoint_is_added_with_a_sealed_secret_and_an_audit_record(database: Pool, conn: Connection) -> None:
    endpoint, secret = await add(database, f" {URL} ", events=["payin.success", "PAYOUT.*"])
    assert (endpoint.url, endpoint.wanted, endpoint.status) == (URL, ("PAYIN.SUCCESS", "PAYOUT.*"), "ENABLED")
    assert len(secret_key(secret.value)) == 32
    assert await endpoints_of(conn, "MER-1") == [endpoint]
    found = await endpoint_details(conn, endpoint.id, merchant_id="MER-1", now=author().moment)
    (stored,) = found.secrets
    assert (stored.id, open_secret(BOX, stored)) == (secret.id, secret_key(secret.value))
    assert secret_key(secret.value) not in stored.sealed
    assert [each.what for each in found.events] == ["ADDED"]
    (audited,) = await conn.fetch("SELECT action, entity_id, state_after::text AS after FROM audit_log")
    assert audited["action"] == "callbacks.endpoint_add"
    assert audited["entity_id"] == f"MER-1/{endpoint.id}"
    assert secret.value not in audited["after"]


async def test_a_merchant_has_so_many_endpoints_each_at_its_own_url(database: Pool, conn: Connection) -> None:
    made = [(await add(database, f"{URL}/{number}"))[0] for number in range(ENDPOINTS_MAX)]
    with pytest.raises(Conflict, match="may have 10"):
        await add(database, URL)
    await remove_endpoint(conn, author(), "MER-1", made[0].id)
    with pytest.raises(Conflict, match="this URL"):
        await add(database, made[1].url)
    await add(database, made[0].url)
    await add(database, made[1].url, merchant_id="MER-2")
    for url, is_taken in ((made[2].url, True), (made[1].url, False), (f"{URL}/new", False)):
        changed = change_endpoint(conn, author(), "MER-1", made[1].id, EndpointChange(url=url), https_only=False)
        if is_taken:
            with pytest.raises(Conflict, match="this URL"):
                await changed
        else:
            assert (await changed).url == url


@pytest.mark.parametrize("url", ["ftp://shop.example/", "https://user:word@shop.example/", "https://", "shop.example"])
async def test_only_addresses_that_a_callback_url_may_have_are_taken(database: Pool, url: str) -> None:
    with pytest.raises(InvalidValue):
        await add(database, url)


def test_a_filter_is_all_or_kinds_with_statuses() -> None:
    assert read_filter([]) == read_filter(["payin.*", "all"]) == ()
    assert read_filter(["payout.failed,payin.*", "payin.*"]) == ("PAYIN.*", "PAYOUT.FAILED")
    for wrong in ("payin", "payin.pending", "refund.*", "*.success"):
        with pytest.raises(InvalidValue, match="events"):
            read_filter([wrong])


async def test_what_is_not_given_stays_and_what_is_changed_is_told(database: Pool, conn: Connection) -> None:
    endpoint, _ = await add(database, URL, events=["payin.*"])
    change = EndpointChange(description="books")
    after = await change_endpoint(conn, author(), "MER-1", endpoint.id, change, https_only=True)
    assert (after.url, after.wanted, after.description) == (URL, ("PAYIN.*",), "books")
    moved = EndpointChange(url=f"{URL}/new", events=["all"])
    after = await change_endpoint(conn, author(), "MER-1", endpoint.id, moved, https_only=True)
    assert (after.url, after.wanted, after.description) == (f"{URL}/new", (), "books")
    for wrong in (EndpointChange(url="http://shop.example"), EndpointChange(description="two\nlines")):
        with pytest.raises(InvalidValue):
            await change_endpoint(conn, author(), "MER-1", endpoint.id, wrong, https_only=True)


async def test_during_the_overlap_both_secrets_sign_and_afterwards_the_new_one(
    database: Pool, conn: Connection
) -> None:
    endpoint, first = await add(database, URL)
    now = author()
    second = await rotate_endpoint_secret(conn, BOX, now, "MER-1", endpoint.id, overlap=timedelta(hours=2))

    async def signing(after: timedelta) -> list[str]:
        found = await endpoint_details(conn, endpoint.id, now=now.moment + after)
        return [secret.id for secret in found.secrets]

    assert await signing(timedelta(minutes=119)) == [second.id, first.id]
    assert await signing(timedelta(hours=2)) == [second.id]
    third = await rotate_endpoint_secret(conn, BOX, now, "MER-1", endpoint.id, overlap=timedelta())
    assert await signing(timedelta()) == [third.id]
    with pytest.raises(InvalidValue):
        await rotate_endpoint_secret(conn, BOX, now, "MER-1", endpoint.id, overlap=timedelta(days=31))
    for _ in range(SIGNING_MAX - 1):
        await rotate_endpoint_secret(conn, BOX, now, "MER-1", endpoint.id)
    with pytest.raises(Conflict, match="sign at present"):
        await rotate_endpoint_secret(conn, BOX, now, "MER-1", endpoint.id)


async def test_off_pauses_what_is_on_its_way_and_keeps_what_comes_and_on_resumes_the_first(
    database: Pool, conn: Connection
) -> None:
    endpoint, _ = await add(database, URL)
    await write(database, event(), event())
    off = await disable_endpoint(conn, author(), "MER-1", endpoint.id)
    assert (off.status, off.disabled_reason) == (EndpointStatus.DISABLED, "switched off by hand")
    await write(database, event())
    assert await states(database, endpoint.id) == [
        DeliveryState.PAUSED,
        DeliveryState.PAUSED,
        DeliveryState.SWITCHED_OFF,
    ]
    assert await enable_endpoint(conn, author(), "MER-1", endpoint.id) == 2
    assert await states(database, endpoint.id) == ["WAITING", "WAITING", "SWITCHED_OFF"]
    found = await endpoint_details(conn, endpoint.id, now=author().moment)
    assert (found.endpoint.disabled_reason, found.endpoint.disabled_at) == (None, None)
    assert [each.what for each in found.events] == ["ENABLED", "DISABLED", "ADDED"]
    assert found.deliveries == {"WAITING": 2, "SWITCHED_OFF": 1}


async def test_a_removed_endpoint_gets_nothing_more_and_keeps_its_record_without_secrets(
    database: Pool, conn: Connection
) -> None:
    endpoint, _ = await add(database, URL)
    await write(database, event())
    await remove_endpoint(conn, author(), "MER-1", endpoint.id)
    await write(database, event())
    assert await states(database, endpoint.id) == [DeliveryState.CANCELLED]
    assert await endpoints_of(conn, "MER-1") == []
    found = await endpoint_details(conn, endpoint.id, now=author().moment)
    assert (found.endpoint.status, found.secrets) == (EndpointStatus.REMOVED, ())
    with pytest.raises(NotFound):
        await enable_endpoint(conn, author(), "MER-1", endpoint.id)


async def test_nobody_touches_or_sees_anothers_endpoint(database: Pool, conn: Connection) -> None:
    endpoint, _ = await add(database, URL)
    with pytest.raises(NotFound):
        await disable_endpoint(conn, author(), "MER-2", endpoint.id)
    with pytest.raises(NotFound):
        await endpoint_details(conn, endpoint.id, merchant_id="MER-2", now=author().moment)
    with pytest.raises(NotFound):
        await endpoint_details(conn, "CEP-none", now=author().moment)
