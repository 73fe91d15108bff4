"""The server processes behind connections. Test workers share one server, so a look is always at one database."""

from __future__ import annotations

from wisipay.core.database import Pool

_MINE = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"


async def terminate(database: Pool, application_name: str) -> None:
    """Break the connections of an application to this database, as the server would when it goes down."""
    await database.execute(f"SELECT pg_terminate_backend(pid) {_MINE}", application_name)


async def count(database: Pool, application_name: str, *, last_query: str = "%") -> int:
    """Return how many connections an application has whose last statement is LIKE `last_query`."""
    found: int = await database.fetchval(f"SELECT count(*) {_MINE} AND query LIKE $2", application_name, last_query)
    return found
