"""Fixtures of the entrypoints' tests: free ports, and data folders whose processes are gone when the test is over."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

_PORTS = 9


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Return a data folder; every process that works in it or is marked with it is killed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="wisipay-up-")).resolve()
    yield folder
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and int(entry.name) != os.getpid() and _belongs(entry, folder):
                os.kill(int(entry.name), signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def port_base() -> Callable[[], int]:
    """Return a maker of first ports, each followed by eight more that are free."""

    def find() -> int:
        for _ in range(100):
            with ExitStack() as probes, suppress(OSError, OverflowError):
                base = _bound(probes, 0)
                for offset in range(1, _PORTS):
                    _bound(probes, base + offset)
                return base
        raise AssertionError("no nine free ports in a row")

    return find


def _bound(probes: ExitStack, port: int) -> int:
    probe = probes.enter_context(socket.socket())
    probe.bind(("127.0.0.1", port))
    number: int = probe.getsockname()[1]
    return number


def _belongs(process: Path, folder: Path) -> bool:
    mark = f"WISIPAY_UP_DATA={folder}".encode()
    return (process / "cwd").resolve().is_relative_to(folder) or mark in (process / "environ").read_bytes().split(b"\0")
