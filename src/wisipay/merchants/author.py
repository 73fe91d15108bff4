"""Who makes a change and when: what every use case of this slice needs for the audit log.

Decides nothing. Must never be left out: there is no change here without its author.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wisipay import audit
from wisipay.core.database import Connection


@dataclass(frozen=True, slots=True)
class Author:
    """The one who asks for a change (an admin's address, `cli:<user>`), at which moment, and why."""

    name: str
    moment: datetime
    reason: str | None = None
    request_id: str | None = None

    async def record(
        self,
        conn: Connection,
        action: str,
        entity: tuple[str, str],
        before: Mapping[str, object] | None,
        after: Mapping[str, object] | None,
    ) -> None:
        """Write the audit record of a change, in the transaction of the change."""
        await audit.record(
            conn,
            self.name,
            action,
            entity,
            before,
            after,
            happened_at=self.moment,
            reason=self.reason,
            request_id=self.request_id,
        )
