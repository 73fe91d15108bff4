"""`logs tail`: what was asked of Wisipay and answered, redacted, as it happens."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from wisipay_sdk.cli.following import WAIT_SECONDS, following
from wisipay_sdk.cli.saying import clock_time, say
from wisipay_sdk.client import Wisipay
from wisipay_sdk.developer import ApiRequest
from wisipay_sdk.developer_calls import Place, RequestFilter


@dataclass(frozen=True, slots=True)
class Shape:
    """How an entry is shown: as JSON for programs, with its bodies, or as one line."""

    as_json: bool = False
    bodies: bool = False


def tail(client: Wisipay, wanted: RequestFilter, *, last: int, follow: bool, shape: Shape) -> None:
    """Show the last so many requests, and with `follow` those that come, until interrupted."""
    page = client.request_page(Place(last=last), wanted)
    _show(page.items, shape)
    if follow:
        for more in following(
            lambda place: client.request_page(Place(after=place, wait_seconds=WAIT_SECONDS), wanted), page.cursor
        ):
            _show(more.items, shape)


def line(entry: ApiRequest) -> str:
    """Return what is said of one request."""
    named = [entry.code, entry.order_id, entry.transaction_id, entry.request_id]
    told = f"{clock_time(entry.at)}  {entry.status} {entry.method} {entry.path} in {entry.duration_ms:.0f} ms"
    return "  ".join([told, *(each for each in named if each)])


def _show(entries: Sequence[ApiRequest], shape: Shape) -> None:
    for entry in entries:
        if shape.as_json:
            say(json.dumps(asdict(entry), default=str, ensure_ascii=False))
            continue
        say(line(entry))
        if shape.bodies:
            say(f"    > {entry.request_body}")
            say(f"    < {entry.answer_body}")
