"""`listen`: callbacks come to a port of this machine, without an address that Wisipay could reach.

Decides that events are forwarded one after the other, so those of a payment come in their order, and that the place
reached is written down after each, so that `--resume` misses none.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wisipay_sdk.cli.following import WAIT_SECONDS, following
from wisipay_sdk.cli.forwarding import Forwarded, Forwarder
from wisipay_sdk.cli.saying import clock_time, say, warn
from wisipay_sdk.client import Wisipay
from wisipay_sdk.developer import Event
from wisipay_sdk.developer_calls import Place

_PAGE: Final = 20
"""Small, so that signatures are fresh when their event's turn comes."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The file in which the place reached is written down."""

    path: Path

    @classmethod
    def of(cls, environment: Mapping[str, str], *about: str) -> "Bookmark":
        """Return the bookmark of a listener: one per account, environment and address."""
        folder = Path(environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        name = hashlib.sha256("\n".join(about).encode()).hexdigest()[:16]
        return cls(folder / "wisipay" / f"listen-{name}.json")

    def read(self) -> str | None:
        """Return the place, None where none was written."""
        try:
            cursor = json.loads(self.path.read_text(encoding="utf-8"))["cursor"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return str(cursor)

    def write(self, cursor: str) -> None:
        """Write the place down, in one step."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps({"cursor": cursor}), encoding="utf-8")
        beside.replace(self.path)


def listen(client: Wisipay, forwarder: Forwarder, bookmark: Bookmark, *, after: str | None, resume: bool) -> None:
    """Forward every event behind a place until interrupted: `after`, the bookmark with `resume`, or the present."""
    cursor = after or (bookmark.read() if resume else None) or client.event_page(Place(last=0)).cursor
    warn(f"listening behind {cursor}; end with Ctrl-C")
    for page in following(
        lambda place: client.event_page(Place(after=place, limit=_PAGE, wait_seconds=WAIT_SECONDS)), cursor
    ):
        for event in page.items:
            say(line(event, forwarder.forward(event)))
            bookmark.write(event.cursor)


def line(event: Event, forwarded: Forwarded) -> str:
    """Return what is said of one event."""
    answer = forwarded.answer.replace("\n", " ").strip()
    status = "no answer" if forwarded.http_status is None else str(forwarded.http_status)
    told = f"{clock_time(event.occurred_at)}  {event.type} {event.order_id} {event.status}  {event.event_id}"
    return f"{told}  -> {status} in {forwarded.seconds * 1000:.0f} ms  {answer}".rstrip()
