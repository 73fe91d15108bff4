"""Write one line of the audit log.

Decides what a record holds: actor, action, entity, the state before and after, reason, request and trace id. It is
written on the caller's connection, so that change and record are committed together or not at all.
Must never hold a secret: both states are redacted here, whatever the caller passes.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from wisipay.core.clock import utc_now
from wisipay.core.database import Connection
from wisipay.core.ids import new_uuid7
from wisipay.core.redaction import redact
from wisipay.core.sql import load_queries

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


def _document(state: State) -> str | None:
    return None if state is None else msgspec.json.encode(redact(dict(state))).decode()
