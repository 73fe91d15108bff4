"""Connections to PostgreSQL: the pool every slice uses, and the wait for a server that is still starting.

Decides how a session is set up: times in UTC, `jsonb` as Python values through msgspec, statements prepared once, and a
bound on every wait. Holds no SQL of the domain and never retries a statement: that is for whoever knows its meaning.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from wisipay.core.config import Settings
from wisipay.core.logging import get_logger

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:  # asyncpg's classes take type parameters in its stubs only
    Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
    Pool: TypeAlias = asyncpg.Pool

CONFLICTS: Final[tuple[type[Exception], ...]] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
    asyncpg.ExclusionViolationError,
)
"""Errors of two transactions that met; the same statements, run again, see what the other one did."""

OUTAGES: Final[tuple[type[Exception], ...]] = (
    OSError,  # refused, reset, timed out
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement timed out
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.ReadOnlySQLTransactionError,  # after a failover, still on the old primary
    asyncpg.InterfaceError,  # the connection was closed under our hands
    asyncpg.InternalClientError,  # the same, in the middle of an answer
)
"""Errors of a server that is away or cannot write, whatever it was asked to do."""

_CONNECT_TIMEOUT_SECONDS: Final = 10
_COMMAND_TIMEOUT_SECONDS: Final = 60
_RETRY_GAP_SECONDS: Final = 0.2
_CLOSE_SECONDS: Final = 5
_JSONB_VERSION: Final = b"\x01"
_encode_json: Final = msgspec.json.Encoder(order="deterministic").encode  # sets have no order of their own

_SESSION: Final = {
    "timezone": "UTC",
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}

_PLANS_KEPT: Final = {
    # Left to itself the server plans a batch of less than ten rows anew each time, which takes longer than the batch.
    "plan_cache_mode": "force_generic_plan",
    # A plan may be made while a table is still small: it must be the one for large ones too.
    "enable_seqscan": "off",
}

_STILL_STARTING: Final = (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)
_UNUSABLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)


_log = get_logger(__name__)


class DatabaseUnavailable(Exception):  # noqa: N818 - the name says what is the matter, as operators read it
    """PostgreSQL cannot be used; the text names the server and how to mend it, never the password."""


async def connect_pool(
    settings: Settings,
    *,
    application_name: str,
    max_size: int | None = None,
    plain_json: bool = False,
    plans_kept: bool = False,
) -> Pool:
    """Open a pool of at most `max_size` (default: `POSTGRES_POOL_MAX`) connections to `settings.database_url`.

    `plain_json` leaves `json` and `jsonb` as text, for libraries that do their own parsing. `plans_kept` is for
    processes whose statements are to find a few rows by index, whatever their parameters: each is planned once.
    Raises `DatabaseUnavailable`. The caller closes the pool, with `close_pool`.
    """
    url = settings.database_url
    session = _SESSION | (_PLANS_KEPT if plans_kept else {}) | {"application_name": application_name}
    try:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=max_size or settings.postgres_pool_max,
            init=None if plain_json else set_json_codecs,
            reset=None if plain_json else _keep_session,
            timeout=_CONNECT_TIMEOUT_SECONDS,
            command_timeout=_COMMAND_TIMEOUT_SECONDS,
            server_settings=session,
        )
    except _UNUSABLE as error:
        raise _unavailable(url, error) from error


async def close_pool(pool: Pool) -> None:
    """Close a pool: wait for the connections that are in use, but not long; then break them.

    Nothing is lost by that: what was not committed by now is found and done again by whoever claims it next.
    """
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await pool.close()  # breaks all connections when it is cancelled
    except TimeoutError:
        _log.warning("database.connections_broken", pool_size=pool.get_max_size())


async def wait_until_ready(database_url: str, *, timeout_seconds: float = 30) -> None:
    """Return once the server answers a query. Raises `DatabaseUnavailable` after `timeout_seconds`.

    A server that answers but refuses us (password, database name) is not waited for.
    """
    deadline = monotonic() + timeout_seconds
    while True:
        try:
            connection = await asyncpg.connect(database_url, timeout=_CONNECT_TIMEOUT_SECONDS)
        except _STILL_STARTING as error:
            if monotonic() >= deadline:
                raise _unavailable(database_url, error) from error
            await asyncio.sleep(_RETRY_GAP_SECONDS)
        except _UNUSABLE as error:
            raise _unavailable(database_url, error) from error
        else:
            await connection.close()
            return


async def set_json_codecs(connection: Connection) -> None:
    """Make `connection` pass `json` and `jsonb` as Python values."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=_encode_json, decoder=msgspec.json.decode
    )


async def _keep_session(_connection: Connection) -> None:
    """Spare the round trip that resets a session each time a connection goes back to the pool: nobody changes one.

    Open transactions are rolled back and listeners forgotten all the same.
    """


def _encode_jsonb(value: object) -> bytes:
    return _JSONB_VERSION + msgspec.json.encode(value)


def _decode_jsonb(data: bytes) -> Any:  # noqa: ANN401 - JSON can be anything
    return msgspec.json.decode(memoryview(data)[len(_JSONB_VERSION) :])


def _unavailable(url: str, error: BaseException) -> DatabaseUnavailable:
    parts = urlsplit(url)
    try:
        where = f"{parts.hostname or 'local socket'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        where = "the address in DATABASE_URL"
    reason = str(error) or type(error).__name__
    return DatabaseUnavailable(
        f"PostgreSQL at {where} cannot be used: {reason}. Check that it runs and that DATABASE_URL "
        "(or POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB) is right."
    )
