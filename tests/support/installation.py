"""Settings of an installation that a test has for itself."""

from __future__ import annotations

from support.ports import free_port
from support.simulator import Simulator
from wisipay.core.config import Settings


def installation(settings: Settings, simulator: Simulator | None = None, **more: object) -> Settings:
    """Return settings with a port of its own, where its payment instance is found, and without metrics.

    Its providers are those that `simulator` plays; `more` goes before everything else.
    """
    port = free_port()
    own = {"payment_port": port, "app_base_url": f"http://127.0.0.1:{port}", "metrics_enabled": False}
    simulated = {} if simulator is None else {"simulator_url": simulator.url}
    return settings.model_copy(update={**own, **simulated, **more})
