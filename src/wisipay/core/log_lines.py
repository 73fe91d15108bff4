"""Where log lines go: written at once, or held for a moment and written together while an event loop is busy.

Decides how long a line may be held: 50 ms, or until 256 wait, or until the first of level error. Writing is a system
call per line otherwise, made while requests wait. A process that is killed loses what it held; one that ends, by a
signal or an exception, loses nothing. Must never break the work that a line reports on.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from threading import get_ident
from typing import BinaryIO, Final

HOLD_SECONDS: Final = 0.05
HELD_LINES_MAX: Final = 256


class LineWriter:
    """Writes whole lines; a closed or full output loses the line, never the request that wrote it.

    `stream` None is standard error. Its methods are the levels, as structlog calls them.
    """

    def __init__(self, stream: BinaryIO | None) -> None:
        self._stream = stream
        self._held: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the lines of the running event loop inside the block; those of other threads are written at once."""
        self._loop, self._thread = asyncio.get_running_loop(), get_ident()
        try:
            yield
        finally:
            self._loop = None
            self._release()

    def msg(self, line: bytes) -> None:
        """Write a line, or hold it."""
        if self._loop is None or get_ident() != self._thread:
            self._write(line)
            return
        self._held.append(line)
        if len(self._held) == 1:
            self._loop.call_later(HOLD_SECONDS, self._release)
        elif len(self._held) >= HELD_LINES_MAX:
            self._release()

    def error(self, line: bytes) -> None:
        """Write a line that may be the last one, and all before it."""
        self.msg(line)
        if get_ident() == self._thread:
            self._release()

    debug = info = warning = msg
    critical = fatal = error

    def _release(self) -> None:
        held, self._held = self._held, []
        if held:
            self._write(b"".join(held))

    def _write(self, lines: bytes) -> None:
        stream = self._stream or sys.stderr.buffer
        with contextlib.suppress(OSError, ValueError):
            stream.write(lines)
            stream.flush()
