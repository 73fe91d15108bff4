"""Fixtures of the embedded stores' tests: free ports, and folders whose servers are gone when the test is over."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a maker of ports that nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return find


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Return a folder for stores that only we can enter; servers left in it are killed."""
    folder = Path(tempfile.mkdtemp(prefix="wisipay-embedded-"))
    yield folder
    _discard(folder)


@pytest.fixture
def open_data_dir(data_dir: Path) -> Path:
    """Return a folder that every user may pass through, as one below a checkout."""
    data_dir.chmod(0o755)
    return data_dir


def _discard(folder: Path) -> None:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").resolve().is_relative_to(folder):
                os.kill(int(entry.name), signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
