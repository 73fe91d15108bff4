"""A small instance that test_http_serve.py starts as a process: `python served_app.py PORT GATE_FILE`."""

import asyncio
import sys
from pathlib import Path

from litestar import get

from wisipay.core.config import Settings
from wisipay.core.http_server import create_app, serve
from wisipay.core.logging import configure_logging, get_logger

_GATE = Path(sys.argv[2])


@get("/slow")
async def slow() -> str:
    """Answer once the gate file is there."""
    get_logger("test").info("slow.started")
    while not _GATE.exists():  # noqa: ASYNC110, ASYNC240 - waits for another process, which has only files
        await asyncio.sleep(0.01)
    return "finished"


def _stopped() -> None:
    get_logger("test").info("hook.stopped")


if __name__ == "__main__":
    settings = Settings()
    configure_logging(settings, "test")
    app = create_app(
        route_handlers=[slow],
        settings=settings,
        service="test",
        title="Test",
        ready_checks={},
        on_shutdown=[_stopped],
    )
    serve(app, "127.0.0.1", int(sys.argv[1]))
