"""The embedded server of one data folder that speaks MongoDB's wire protocol (nx-27017, on SQLite).

Decides its files: one SQLite file per database below `mongodb/databases`. It has no passwords, so it listens on the
loopback address only. Must never be started with a process id file of an earlier run, which it would
believe. Its log of every command is switched off: it would grow without bound and show documents.
"""

import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from wisipay.core.embedded import server
from wisipay.core.embedded.folders import make_folder
from wisipay.core.embedded.server import NotReady, Running, Server

_PROGRAM: Final = "import logging; logging.disable(logging.INFO); from nx_27017.nx_27017 import main; main()"
_READY_TIMEOUT_SECONDS: Final = 40.0
_ANSWER_TIMEOUT_MILLISECONDS: Final = 2_000
_STOP_STEPS: Final = ((signal.SIGTERM, 10.0),)


async def start(data_dir: Path, port: int) -> Running:
    """Start the server for `data_dir` (its own folder is `data_dir/mongodb`) on 127.0.0.1:`port`, or reuse it.

    Raises `EmbeddedStoreError`.
    """
    return await server.start_in(data_dir / "mongodb", partial(_describe, port=port))


async def stop(running: Running) -> None:
    """Stop the server."""
    await server.stop_in(running, _owns, _STOP_STEPS)


def _describe(home: Path, port: int) -> Server:
    url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    return Server(
        name="MongoDB (nx-27017)",
        home=home,
        folder=home,
        port=port,
        url=url,
        arguments=(
            *(sys.executable, "-c", _PROGRAM, "--host", "127.0.0.1", "--port", str(port)),
            *("--data-dir", str(make_folder(home / "databases"))),
            *("--log-file", "/dev/null", "--pid-file", str(home / "server.pid")),
        ),
        environment={
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
        account=None,
        owns=_owns,
        healthy=partial(_check, url),
        prepare=partial((home / "server.pid").unlink, missing_ok=True),
        stop_steps=_STOP_STEPS,
        ready_timeout_seconds=_READY_TIMEOUT_SECONDS,
    )


def _owns(program: str, arguments: Sequence[str]) -> bool:
    return program.startswith("python") and _PROGRAM in arguments


async def _check(url: str) -> None:
    """Raise `NotReady` until the server answers a ping."""
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        url, serverSelectionTimeoutMS=_ANSWER_TIMEOUT_MILLISECONDS, socketTimeoutMS=_ANSWER_TIMEOUT_MILLISECONDS
    )
    try:
        await client.admin.command("ping")
    except PyMongoError as error:
        raise NotReady from error
    finally:
        await client.close()
