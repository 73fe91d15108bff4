"""Write one line of the audit log, and read what lines say of one thing.

Decides what a record holds: actor, action, entity, the state before and after, reason, request and trace id. It is
written on the caller's connection, so that change and record are committed together or not at all.
Must never hold a secret: values under names of secrets are hidden here, whatever the caller passes. Other values stay
as they are, also those that a log line would hide: the log is kept to show what was changed into what.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from wisipay.core.clock import utc_now
from wisipay.core.database import Connection
from wisipay.core.ids import new_uuid7
from wisipay.core.redaction import REDACTED
from wisipay.core.sql import load_queries

_SECRET_NAME: Final = re.compile("secret|passw|token|otp|credential|apikey|api_key|privatekey|salt|hash", re.IGNORECASE)
_DEPTH_MAX: Final = 8
_QUERIES = load_queries(__file__, "queries.sql")

State = Mapping[str, object] | None


async def record(
    conn: Connection,
    actor: str,
    action: str,
    entity: tuple[str, str],
    before: State,
    after: State,
    *,
    happened_at: datetime | None = None,
    reason: str | None = None,
    request_id: str | None = None,
    trace_id: str | None = None,
) -> None:
    """Record that `actor` did `action` (`merchant.rotate_secret`) to `entity` (type, id).

    `before` and `after` are what the action changed, as JSON-able mappings; None for something that did not exist
    before, or does not any more. Called inside the transaction of the change.
    """
    moment = happened_at or utc_now()
    await conn.execute(
        _QUERIES["insert_record"],
        new_uuid7(moment),
        moment,
        actor,
        action,
        *entity,
        _document(before),
        _document(after),
        reason,
        request_id,
        trace_id,
    )


async def states(conn: Connection, entity: tuple[str, str]) -> list[Mapping[str, object]]:
    """Return what every record of an entity (type, id) says that came to be, oldest first.

    Fails on records of something that ceased to be.
    """
    rows = await conn.fetch(_QUERIES["states_of_entity"], *entity)
    return [msgspec.json.decode(row["state"], type=dict[str, object]) for row in rows]


def _document(state: State) -> str | None:
    return None if state is None else msgspec.json.encode(_without_secrets(state, _DEPTH_MAX)).decode()


def _without_secrets(value: object, depth_left: int) -> object:
    """Copy JSON-able data, hiding what stands under the name of a secret; switches (true, false) are shown."""
    if depth_left == 0:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED if _hides(str(name), item) else _without_secrets(item, depth_left - 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item, depth_left - 1) for item in value]
    return value


def _hides(name: str, value: object) -> bool:
    return value is not None and not isinstance(value, bool) and _SECRET_NAME.search(name) is not None
