"""Ports of this machine that nobody uses."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, suppress


def free_port() -> int:
    """Return a port that is free now."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """Return the first of `count` ports in a row that are free now."""
    for _ in range(100):
        with ExitStack() as probes, suppress(OSError, OverflowError):
            base = _bound(probes, 0)
            for offset in range(1, count):
                _bound(probes, base + offset)
            return base
    raise AssertionError(f"no {count} free ports in a row")


def lasting_ports(count: int) -> int:
    """Return the first of `count` free ports in a row that stay free while nobody listens on them.

    They are below those that the kernel gives to connections: a server that is started again finds its port.
    """
    for attempt in range(500):
        base = 20_000 + (os.getpid() + attempt) * 16 % 12_000
        with ExitStack() as probes, suppress(OSError):
            for offset in range(count):
                _bound(probes, base + offset)
            return base
    raise AssertionError(f"no {count} free ports in a row")


def _bound(probes: ExitStack, port: int) -> int:
    probe = probes.enter_context(socket.socket())
    probe.bind(("127.0.0.1", port))
    number: int = probe.getsockname()[1]
    return number
