"""Whether a store given by URL is there at all, before anything is started that needs it.

Decides only that something listens; whether it is the right thing shows when it is used. Must never show a password.
"""

import asyncio
from typing import Final
from urllib.parse import urlsplit

from wisipay.entrypoints.supervisor import SupervisorError

_TIMEOUT_SECONDS: Final = 5.0
_DEFAULT_PORTS: Final = {"redis": 6379, "rediss": 6379, "mongodb": 27017}


async def require_reachable(variable: str, url: str) -> None:
    """Raise `SupervisorError` unless a server listens at `url`; schemes without a host of their own are let pass."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or "," in parts.netloc:
        return
    host, port = parts.hostname or "127.0.0.1", parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SupervisorError(
            f"{variable}: nothing answers at {host}:{port} ({reason}); start that server, or unset the variable for an "
            "embedded one."
        ) from error
    writer.close()
    await writer.wait_closed()
