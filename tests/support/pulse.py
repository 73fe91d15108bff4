"""How slow this machine is right now, so that a bound on real time can be judged on a machine that others keep busy.

A thread counts, ten times a second, the processes that want a processor, and notes when it was itself woken late.
"""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from wisipay.core.clock import utc_now

_GAP_SECONDS = 0.1
_LOAD = Path("/proc/loadavg")


class Pulse:
    """Measures while its block runs. The clock is the system's, as in what the product stores."""

    def __init__(self) -> None:
        self._beats: list[tuple[datetime, float, float]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def allowed(self, bound: timedelta, since: datetime, until: datetime) -> timedelta:
        """Return what `bound` is worth between two moments: more where processors were shared, or stood still."""
        beats = [(share, late) for moment, share, late in self._beats if since <= moment <= until]
        if not beats:
            return bound
        share = sum(share for share, _ in beats) / len(beats)
        return bound * share + timedelta(seconds=sum(late for _, late in beats))

    def _beat(self) -> None:
        processors = os.cpu_count() or 1
        due = monotonic() + _GAP_SECONDS
        while not self._end.wait(max(0.0, due - monotonic())):
            late = max(0.0, monotonic() - due)
            running = int(_LOAD.read_text(encoding="utf-8").split()[3].partition("/")[0])
            self._beats.append((utc_now(), max(1.0, running / processors), late))
            due = monotonic() + _GAP_SECONDS
