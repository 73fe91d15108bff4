"""The metrics port of an instance.

Decides that an instance whose metrics port is taken does not start: it would run unseen.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from wisipay.core.config import Settings
from wisipay.core.metrics import serve_metrics


@contextmanager
def metrics_port(settings: Settings, port: int) -> Iterator[None]:
    """Serve `/metrics` on `port` inside the block, if metrics are on. A busy port ends the process with a line."""
    if not settings.metrics_enabled:
        yield
        return
    try:
        server = serve_metrics(port, settings.bind_host)
    except OSError as error:
        reason = error.strerror or "not possible"
        raise SystemExit(
            f"cannot serve metrics on {settings.bind_host}:{port}: {reason}. "
            "Stop what holds it, or choose another port."
        ) from None
    try:
        yield
    finally:
        server.stop()
