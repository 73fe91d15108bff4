"""Ports of this machine that nobody uses."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, suppress
from itertools import count as counted
from typing import Final

_LOWEST: Final = 12_000
_HIGHEST: Final = 32_000
_STRIDE: Final = 1_009
"""Between the ports of neighbouring processes, so that test workers seldom look at the same."""
_asked: Final = counted()


def free_port() -> int:
    """Return a port that is free now."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """Return the first of `count` ports in a row that are free now; other ones each time.

    They stay free while nobody listens on them, since they are below those that the kernel gives to connections: one
    that a connection took meanwhile was another program's for the server that was to have it.
    """
    for _ in range(500):
        base = _LOWEST + (os.getpid() * _STRIDE + next(_asked) * count) % (_HIGHEST - _LOWEST - count)
        with ExitStack() as probes, suppress(OSError):
            for offset in range(count):
                probes.enter_context(socket.socket()).bind(("127.0.0.1", base + offset))
            return base
    raise AssertionError(f"no {count} free ports in a row")
