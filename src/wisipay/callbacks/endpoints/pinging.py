"""A ping to an endpoint: whether it can be reached and verifies what we sign, before a payment depends on it.

Decides that a ping is kept as an event of the endpoint, is no event of a payment, and changes no state: not even an
answer of 410 switches anything off.
"""

from dataclasses import dataclass

from wisipay.callbacks.endpoints.delivery import EndpointDelivery
from wisipay.callbacks.endpoints.model import EndpointStatus
from wisipay.callbacks.endpoints.store import read_addressees
from wisipay.callbacks.switching import Address, happened
from wisipay.core.database import Connection
from wisipay.core.errors import NotFound
from wisipay.merchants import Author


@dataclass(frozen=True, slots=True)
class Ping:
    """What came of a ping; `status` is None where no answer came, and `outcome` says why."""

    id: str
    url: str
    status: int | None
    outcome: str
    answer: bytes
    latency_ms: int | None


async def ping_endpoint(conn: Connection, delivery: EndpointDelivery, author: Author, endpoint_id: str) -> Ping:
    """Send a ping, also to an endpoint that is off. `conn` is in no transaction. Raises NotFound."""
    addressee = (await read_addressees(conn, [endpoint_id], author.moment)).get(endpoint_id)
    if addressee is None or addressee.endpoint.status is EndpointStatus.REMOVED:
        raise NotFound(f"there is no endpoint {endpoint_id[:40]!r}", details={"endpointId": endpoint_id[:40]})
    endpoint = addressee.endpoint
    ping_id, sent = await delivery.ping(addressee, author.moment)
    answer = sent.answer
    async with conn.transaction():
        entity = ("callback_endpoint", f"{endpoint.merchant_id}/{endpoint.id}")
        await author.record(conn, "callbacks.endpoint_test", entity, None, {"ping": ping_id, "outcome": sent.error})
        address = Address(endpoint.merchant_id, endpoint.id, endpoint.url)
        await happened(conn, address, "TESTED", sent.error, author.moment)
    return Ping(
        id=ping_id,
        url=endpoint.url,
        status=answer.status if answer else None,
        outcome=sent.error,
        answer=answer.body if answer else b"",
        latency_ms=round(answer.seconds * 1000) if answer else None,
    )
