"""Matching the rows of a run to our payments, and writing down what differs: set by set, in one transaction.

Decides the order: our reference first, then the provider's, then UTR with amount. A killed matching leaves nothing
behind, and the next import of the file does it again. Must never change a payment.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from wisipay.core.clock import ist_day_bounds
from wisipay.core.database import Connection
from wisipay.reconciliation.mappings import QUERIES, find_mapping
from wisipay.reconciliation.model import Run
from wisipay.reconciliation.runs import run_of

UTR_DAYS_AROUND: Final = 7
"""A row without references is looked for among payments made so many days before and after those of the file."""

_LONGEST_SECONDS: Final = 1_800
_SORTING_MEMORY: Final = "64MB"


async def match(conn: Connection, run: Run, now: datetime) -> Run:
    """Match a loaded run and return it; differences are written in the order of lines."""
    mapping = (await find_mapping(conn, run.provider_id, run.kind, run.mapping_version)).mapping
    with_tax = mapping.fee_includes_tax or mapping.columns.tax is not None
    first, last = ist_day_bounds(run.first_day)[0], ist_day_bounds(run.last_day)[1]
    around = timedelta(days=UTR_DAYS_AROUND)
    where = (run.id, run.channel_id, run.kind.value)
    # All statements see one moment, so that a payment which ends meanwhile is not both here and there.
    async with conn.transaction(isolation="repeatable_read"):
        await conn.execute(f"SET LOCAL statement_timeout = '{_LONGEST_SECONDS}s'")
        await conn.execute(f"SET LOCAL work_mem = '{_SORTING_MEMORY}'")
        for name, arguments in (
            ("match_by_reference", where),
            ("match_by_further_reference", where),
            ("match_by_provider_reference", (*where, run.provider_id)),
            ("match_by_utr", (*where, first - around, last + around)),
            ("find_differences_of_matches", (run.id, with_tax)),
            ("find_rows_of_earlier_files", (run.id,)),
            ("find_extra", (run.id,)),
            ("find_missing", (*where, first, last)),
            ("note_found", (run.id,)),
        ):
            await conn.execute(QUERIES[name], *arguments, timeout=_LONGEST_SECONDS)
        return run_of(await conn.fetchrow(QUERIES["finish_matching"], run.id, now, timeout=_LONGEST_SECONDS))
