"""The embedded PostgreSQL server of one data folder.

Decides user, password and database (`wisipay` on 127.0.0.1, password kept in the data folder) and how the server is
reused or stopped. As root it runs as an unprivileged user. Must never weaken durability to start faster.
"""

import signal
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg

from wisipay.core.embedded import server
from wisipay.core.embedded.accounts import account_for
from wisipay.core.embedded.errors import EmbeddedStoreError
from wisipay.core.embedded.folders import make_folder, require_free_space, unusable
from wisipay.core.embedded.postgres_cluster import ENVIRONMENT, SUPERUSER, data_argument, make_cluster, server_settings
from wisipay.core.embedded.postgres_install import programs
from wisipay.core.embedded.process import require_proc
from wisipay.core.embedded.secret_file import kept_secret
from wisipay.core.embedded.server import NotReady, Running, Server

DATABASE: Final = "wisipay"

_STARTED_CLUSTER_MEBIBYTES: Final = 48
_READY_TIMEOUT_SECONDS: Final = 120.0
_CONNECT_TIMEOUT_SECONDS: Final = 5.0
_STOP_STEPS: Final = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))
_STILL_STARTING: Final = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
)


async def start(data_dir: Path, port: int) -> Running:
    """Start PostgreSQL for `data_dir` (its own folder is `data_dir/postgres`) on 127.0.0.1:`port`, or reuse it.

    The URL's user is a superuser and its database `wisipay` exists and is empty at first. Raises `EmbeddedStoreError`.
    """
    require_proc()
    home = make_folder(data_dir / "postgres", mode=0o755)
    async with server.exclusively(home):
        described = _describe(home, port)
        running = await server.start(described)
        await _create_database(running)
        return running


async def stop(running: Running) -> None:
    """Stop the server with a clean shutdown, or harder when that takes more than a minute."""
    async with server.exclusively(running.folder.parent):
        await server.end(running.folder, _owns, running.identity, _STOP_STEPS)


def _describe(home: Path, port: int) -> Server:
    folder = home / "data"
    account = account_for(folder)
    found = programs(account)
    password = kept_secret(home / "password")

    def prepare() -> None:
        make_cluster(folder, programs=found, account=account, password=password)
        require_free_space(folder, _STARTED_CLUSTER_MEBIBYTES)
        _forget_dead_server(folder)

    return Server(
        name="PostgreSQL",
        home=home,
        folder=folder,
        port=port,
        url=f"postgresql://{SUPERUSER}:{quote(password)}@127.0.0.1:{port}/{DATABASE}",
        arguments=(str(found / "postgres"), "-D", data_argument(folder, account), *server_settings(port)),
        environment=ENVIRONMENT,
        account=account,
        owns=_owns,
        healthy=partial(_check, port, password),
        prepare=prepare,
        stop_steps=_STOP_STEPS,
        ready_timeout_seconds=_READY_TIMEOUT_SECONDS,
    )


def _owns(program: str, _arguments: object) -> bool:
    return program == "postgres"


def _forget_dead_server(folder: Path) -> None:
    """Remove the lock file of a killed server; PostgreSQL would believe it if a stranger has that process id by now."""
    try:
        (folder / "postmaster.pid").unlink(missing_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error


async def _check(port: int, password: str) -> None:
    """Raise `NotReady` until the server takes connections, `EmbeddedStoreError` when it will never take ours."""
    try:
        connection = await _connect(port, password)
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise EmbeddedStoreError(
            f"PostgreSQL on port {port} refuses the password kept in the data folder ({error}); restore the file "
            "postgres/password, or choose another folder with --data."
        ) from error
    except (*_STILL_STARTING, TimeoutError) as error:
        raise NotReady from error
    await connection.close()


async def _create_database(running: Running) -> None:
    password = (running.folder.parent / "password").read_text().strip()
    connection = await _connect(running.port, password)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    except asyncpg.PostgresError as error:
        raise EmbeddedStoreError(f"PostgreSQL on port {running.port} cannot make its database: {error}") from error
    finally:
        await connection.close()


async def _connect(port: int, password: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(
        host="127.0.0.1",
        port=port,
        user=SUPERUSER,
        password=password,
        database="postgres",
        timeout=_CONNECT_TIMEOUT_SECONDS,
        ssl=False,
    )
