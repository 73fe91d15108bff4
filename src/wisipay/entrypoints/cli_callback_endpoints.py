"""`wisipay callbacks endpoint`: the endpoints that a merchant has beyond the callback URLs of its services.

Decides nothing that a use case does; a command is committed as a whole. Must never print a secret other than the one
that was just made.
"""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from msgspec import UNSET

from wisipay import callbacks
from wisipay.callbacks import (
    Delivery,
    Endpoint,
    EndpointChange,
    EndpointDelivery,
    NewEndpointSecret,
    Ping,
    filter_text,
)
from wisipay.core.clock import SystemClock
from wisipay.core.crypto import SecretBox
from wisipay.core.database import connect_pool
from wisipay.core.http_client import HttpClient
from wisipay.entrypoints.operator import Operator, operate, tell, tell_json, user_name
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.merchants import Author, Directory, UnknownMerchant, read_merchants

app: Final = App(name="endpoint", help="Endpoints of merchants beyond the callback URL.")

Events = Annotated[tuple[str, ...], Parameter(consume_multiple=True)]


@app.command
def add(merchant: str, url: str, *, events: Events = ("all",), description: str = "") -> None:
    """Add an endpoint; its id and its secret are printed, the secret once.

    Parameters
    ----------
    events
        Which events it is sent: all, payin.* or payout.*, or such as payin.success payout.failed.
    description
        What it is for, in one line.
    """

    async def command(operator: Operator) -> tuple[Endpoint, NewEndpointSecret]:
        if not await read_merchants(operator.conn, operator.box, [merchant], operator.author.moment):
            raise UnknownMerchant(merchant)
        return await callbacks.add_endpoint(
            operator.conn,
            operator.box,
            operator.author,
            merchant,
            url=url,
            events=events,
            description=description,
            https_only=operator.https_only,
        )

    endpoint, secret = operate(command)
    tell(f"added endpoint {endpoint.id}: {filter_text(endpoint.wanted)} to {endpoint.url}")
    _tell_secret(secret)


@app.command(name="list")
def list_(merchant: str) -> None:
    """List a merchant's endpoints, and the callback URLs of its services that are switched off."""

    async def command(operator: Operator) -> dict[str, Any]:
        return {
            "endpoints": [_shown(each) for each in await callbacks.endpoints_of(operator.conn, merchant)],
            "callback_urls_switched_off": [
                asdict(each) for each in await callbacks.switched_off_urls(operator.conn, merchant)
            ],
        }

    tell_json(operate(command))


@app.command
def show(endpoint_id: str) -> None:
    """Show an endpoint: its secrets' ids, what stands where, and what happened to it."""

    async def command(operator: Operator) -> dict[str, Any]:
        found = await callbacks.endpoint_details(operator.conn, endpoint_id, now=operator.author.moment)
        return _shown(found.endpoint) | {
            "secrets": [
                {"id": each.id, "created_at": each.created_at, "retires_at": each.retires_at} for each in found.secrets
            ],
            "deliveries": found.deliveries,
            "happened": [asdict(each) for each in found.events],
        }

    tell_json(operate(command))


@app.command
def change(endpoint_id: str, *, url: str | None = None, events: Events = (), description: str | None = None) -> None:
    """Change address, filter or description; what is not given stays."""
    changed = EndpointChange(
        url=UNSET if url is None else url,
        events=events or UNSET,
        description=UNSET if description is None else description,
    )

    async def command(operator: Operator) -> dict[str, Any]:
        merchant_id = await _merchant_of(operator, endpoint_id)
        after = await callbacks.change_endpoint(
            operator.conn, operator.author, merchant_id, endpoint_id, changed, https_only=operator.https_only
        )
        return _shown(after)

    tell_json(operate(command))


@app.command
def rotate(endpoint_id: str, *, overlap_hours: int = 24) -> None:
    """Make a new secret, which is printed once; those before it sign beside it for the overlap (0: not any more)."""

    async def command(operator: Operator) -> NewEndpointSecret:
        merchant_id = await _merchant_of(operator, endpoint_id)
        overlap = timedelta(hours=overlap_hours)
        return await callbacks.rotate_endpoint_secret(
            operator.conn, operator.box, operator.author, merchant_id, endpoint_id, overlap=overlap
        )

    _tell_secret(operate(command))


@app.command
def enable(endpoint_id: str, *, reason: str | None = None) -> None:
    """Send to an endpoint again: what was on its way goes on, in order; replay what came while it was off."""

    async def command(operator: Operator) -> int:
        merchant_id = await _merchant_of(operator, endpoint_id)
        return await callbacks.enable_endpoint(operator.conn, operator.author, merchant_id, endpoint_id)

    tell(f"enabled {endpoint_id}; {operate(command, reason=reason)} deliveries go on")


@app.command
def disable(endpoint_id: str, *, reason: str | None = None) -> None:
    """Send nothing to an endpoint until it is enabled again."""

    async def command(operator: Operator) -> None:
        merchant_id = await _merchant_of(operator, endpoint_id)
        await callbacks.disable_endpoint(operator.conn, operator.author, merchant_id, endpoint_id)

    operate(command, reason=reason)
    tell(f"disabled {endpoint_id}")


@app.command
def remove(endpoint_id: str, *, reason: str | None = None) -> None:
    """Remove an endpoint with its secrets; what was sent to it stays on record."""

    async def command(operator: Operator) -> None:
        merchant_id = await _merchant_of(operator, endpoint_id)
        await callbacks.remove_endpoint(operator.conn, operator.author, merchant_id, endpoint_id)

    operate(command, reason=reason)
    tell(f"removed {endpoint_id}")


@app.command
def test(endpoint_id: str) -> None:
    """Send a ping to an endpoint from this machine and show its answer; it changes nothing."""
    ping = asyncio.run(_ping(endpoint_id))
    tell_json(asdict(ping) | {"answer": ping.answer.decode(errors="replace")})


async def _ping(endpoint_id: str) -> Ping:
    settings, clock = settings_with_stores(), SystemClock()
    box = SecretBox.from_settings(settings)
    author = Author(user_name(), clock.now())
    pool = await connect_pool(settings, application_name="wisipay callbacks", max_size=1)
    async with (
        pool,
        pool.acquire() as conn,
        HttpClient(private_addresses_allowed=settings.private_addresses_allowed) as client,
    ):
        delivery = Delivery(
            Directory(pool, box), client, clock, unit=settings.amount_unit, https_only=settings.is_production
        )
        return await callbacks.ping_endpoint(conn, EndpointDelivery(delivery, box), author, endpoint_id)


async def _merchant_of(operator: Operator, endpoint_id: str) -> str:
    found = await callbacks.endpoint_details(operator.conn, endpoint_id, now=operator.author.moment)
    return found.endpoint.merchant_id


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    fields = asdict(endpoint)
    del fields["wanted"]
    return fields | {"events": filter_text(endpoint.wanted)}


def _tell_secret(secret: NewEndpointSecret) -> None:
    tell(f"secret {secret.id}: {secret.value}")
    tell("It is not shown again.")
