"""When an address is no longer sent to, and who is told.

Decides how long an address may take nothing. Switching off is written with the attempts that caused it, in one
transaction: a line in the audit log, an event that the merchant can read, and the job that mails the merchant. Must
never switch off what took something in that time, and never tell twice of one switching off.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wisipay import audit
from wisipay.callbacks.model import Attempt, AttemptOutcome
from wisipay.core import jobs
from wisipay.core.clock import utc_now
from wisipay.core.config import Settings
from wisipay.core.database import Connection
from wisipay.core.metrics import CALLBACK_SWITCHED_OFF
from wisipay.core.sql import load_queries

SWITCHED_OFF_MAIL: Final = "callbacks.mail_switched_off"
"""The job that tells the merchant; its payload is a SwitchedOff."""

_SYSTEM: Final = "system:callbacks"
_QUERIES = load_queries(__file__, "switching.sql")


@dataclass(frozen=True, slots=True)
class Patience:
    """An address is switched off when it took nothing for `span`, over at least `failures_min` attempts."""

    span: timedelta = timedelta(days=3)
    failures_min: int = 10

    @classmethod
    def from_settings(cls, settings: Settings) -> "Patience":
        """Read CALLBACK_SWITCH_OFF_HOURS."""
        return cls(span=timedelta(hours=settings.callback_switch_off_hours))


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where attempts go: `endpoint_id` is PAYIN or PAYOUT for the callback URL of that service."""

    merchant_id: str
    endpoint_id: str
    url: str


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """What the merchant is told of."""

    merchant_id: str
    endpoint_id: str
    url: str
    reason: str


def address_of(attempt: Attempt) -> Address | None:
    """Return where an attempt went; None when it had nowhere to go."""
    event = attempt.callback.event
    if attempt.url is None:
        return None
    return Address(event.merchant_id, attempt.endpoint_id or event.type, attempt.url)


async def out_of_patience(conn: Connection, attempts: Sequence[Attempt], patience: Patience) -> dict[Address, str]:
    """Count those of the attempts that failed; return the addresses that are to be switched off now, and why.

    An address that answered 410 is among them at once.
    """
    gone = {each: attempt for attempt in attempts if _is_gone(attempt) and (each := address_of(attempt)) is not None}
    off = {
        each: f"answered {attempt.http_status} to {attempt.callback.event.event_id}" for each, attempt in gone.items()
    }
    failed = Counter(
        each
        for attempt in attempts
        if attempt.outcome in {AttemptOutcome.RETRY, AttemptOutcome.DEAD} and (each := address_of(attempt)) is not None
    )
    if failed:
        places = sorted(failed)  # every worker locks them in the same order
        rows = await conn.fetch(
            _QUERIES["note_failing"],
            [each.merchant_id for each in places],
            [each.endpoint_id for each in places],
            [each.url for each in places],
            [failed[each] for each in places],
            int(patience.span.total_seconds()),
            patience.failures_min,
        )
        for row in rows:
            if row["is_over"]:
                address = Address(row["merchant_id"], row["endpoint_id"], row["url"])
                off.setdefault(address, f"took nothing since {row['failing_since']:%Y-%m-%d %H:%M} UTC")
    return off


async def tell_switched_off(conn: Connection, address: Address, reason: str) -> None:
    """Write down that an address is no longer sent to, and have its merchant told, in the caller's transaction."""
    entity = ("callback_endpoint", f"{address.merchant_id}/{address.endpoint_id}")
    before, after = {"enabled": True}, {"enabled": False, "url": address.url}
    await audit.record(conn, _SYSTEM, "callbacks.switch_off", entity, before, after, reason=reason)
    await happened(conn, address, "SWITCHED_OFF", reason, utc_now())
    told = SwitchedOff(address.merchant_id, address.endpoint_id, address.url, reason)
    await jobs.enqueue(conn, SWITCHED_OFF_MAIL, told)
    CALLBACK_SWITCHED_OFF.labels(reason="gone" if reason.startswith("answered") else "failing").inc()


async def happened(conn: Connection, address: Address, what: str, reason: str | None, moment: datetime) -> None:
    """Keep an event of an address, for its merchant to read."""
    await conn.execute(
        _QUERIES["happened"], address.merchant_id, address.endpoint_id, address.url, what, reason, moment
    )


async def forget_failing(conn: Connection, merchant_id: str, endpoint_id: str) -> None:
    """Give an address that is served again as much time as any other has."""
    await conn.execute(_QUERIES["forget_failing"], merchant_id, endpoint_id)


def failed_at_all(attempts: Sequence[Attempt]) -> bool:
    """Tell whether any of the attempts failed, so that somebody may have to be told."""
    return any(attempt.outcome is not AttemptOutcome.DELIVERED for attempt in attempts)


def _is_gone(attempt: Attempt) -> bool:
    return attempt.outcome is AttemptOutcome.SWITCHED_OFF
