"""`Idempotency-Key`: the first answer to a request, kept for 24 hours and given again to the same request.

A key is claimed before the work begins. A second request with the same body gets the first answer, one with another
body is refused, and one that comes while the first is still running is told so. When the first one's process died, a
later request takes the key over. Source: spec/merchant-api.md "Idempotency".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from wisipay.core.clock import Clock
from wisipay.core.database import Pool
from wisipay.core.errors import BadRequest, Conflict, UnprocessableEntity
from wisipay.core.sql import load_queries

KEPT: Final = timedelta(hours=24)
GIVEN_UP: Final = timedelta(seconds=60)
"""An answer that is not there after this time never comes: its process died."""

_QUERIES = load_queries(__file__, "idempotency.sql")
_FORM = re.compile(r"[!-~]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer to a request: its HTTP status and its JSON body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out a request; `taken_over` when somebody before us began it and died."""

    merchant_id: str
    key: str
    taken_over: bool


class IdempotencyKeys:
    """Claims keys and keeps answers, in PostgreSQL."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def claim(self, merchant_id: str, key: str, request: bytes) -> Claim | KeptAnswer:
        """Claim a key for a request (its path and body), or return the answer kept under it.

        Raises `BadRequest` for a malformed key, `UnprocessableEntity` when the key was used for another request, and
        `Conflict` while the first request is still running.
        """
        if not _FORM.fullmatch(key):
            raise BadRequest("Idempotency-Key must be 1 to 255 printable characters without spaces")
        now = self._clock.now()
        digest = hashlib.sha256(request).digest()
        async with self._pool.acquire() as conn:
            row = await conn.fetchrow(_QUERIES["claim"], merchant_id, key, digest, now, now - KEPT, now - GIVEN_UP)
            if row is not None:
                return Claim(merchant_id, key, taken_over=row["taken_over"])
            row = await conn.fetchrow(_QUERIES["kept"], merchant_id, key)
        if row is None or (row["status"] is None and row["request_hash"] == digest):
            raise Conflict("The first request with this Idempotency-Key is still running", retry_after_seconds=1)
        if row["request_hash"] != digest:
            raise UnprocessableEntity("This Idempotency-Key was used for another request")
        return KeptAnswer(row["status"], row["body"])

    async def keep(self, claim: Claim, answer: KeptAnswer) -> None:
        """Keep the answer to a claimed request."""
        async with self._pool.acquire() as conn:
            await conn.execute(_QUERIES["keep"], claim.merchant_id, claim.key, answer.status, answer.body)

    async def release(self, claim: Claim) -> None:
        """Give a key back whose request was not carried out."""
        async with self._pool.acquire() as conn:
            await conn.execute(_QUERIES["release"], claim.merchant_id, claim.key)

    async def forget_old(self, limit: int = 10_000) -> int:
        """Delete up to `limit` answers that were kept long enough; returns how many."""
        async with self._pool.acquire() as conn:
            rows = await conn.fetch(_QUERIES["forget_old"], self._clock.now() - KEPT, limit)
        return len(rows)
