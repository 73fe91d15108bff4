"""What the person at the terminal sees while the demo runs: a table that moves, or plain lines where nothing can move.

Decides only the looks. Results go to standard output, except with `--json`, where all words go to standard error so
that standard output is JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from wisipay.entrypoints.demonstration.progress import Progress

_PLAIN_WIDTH: Final = 140
_PLAIN_GAP_SECONDS: Final = 2
_STATUSES: Final = ("PENDING", "PROCESSING", "SUCCESS", "FAILED", "EXPIRED", "REVERSED")


class Display:
    """Use as a context manager; `say` and `show` may be called at any time in between."""

    def __init__(self, *, json: bool, console: Console | None = None) -> None:
        self._console = console or Console(stderr=json, highlight=False)
        self._moving = self._console.is_terminal and not json
        if not self._console.is_terminal:
            self._console.width = _PLAIN_WIDTH
        self._live: Live | None = None
        self._last_line_at = -float(_PLAIN_GAP_SECONDS)
        self._last_words = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.settle()

    def say(self, line: str) -> None:
        """Show one line as it stands, not wrapped, so that it can be copied."""
        self._console.print(line, markup=False, soft_wrap=True)

    def show(self, progress: Progress) -> None:
        """Show how far the run has come."""
        if self._moving:
            if self._live is None:
                self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False)
                self._live.start()
            self._live.update(_table(progress), refresh=True)
        elif progress.words() != self._last_words and progress.seconds - self._last_line_at >= _PLAIN_GAP_SECONDS:
            self._last_words, self._last_line_at = progress.words(), progress.seconds
            self.say(f"{progress.seconds:4.0f} s  {progress.words()}")

    def settle(self) -> None:
        """Leave the last table where it is; what is shown next comes below."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def print(self, parts: Iterable[RenderableType]) -> None:
        """Show finished results."""
        for part in parts:
            self._console.print(part, markup=False)


def _table(progress: Progress) -> Group:
    title = f"{progress.phase} · {progress.seconds:.0f} s · {progress.sent}/{progress.ordered} requests answered"
    table = Table()
    table.add_column("")
    for status in _STATUSES:
        table.add_column(status, justify="right", min_width=8)
    for kind in ("PAYIN", "PAYOUT"):
        table.add_row(f"{kind.lower()}s", *(str(progress.by_status.get((kind, status), 0)) for status in _STATUSES))
    provider, received = progress.provider, progress.provider.callbacks
    below = (
        f"callbacks: {received.events} received, {progress.callbacks_waiting} to deliver\n"
        f"provider: {provider.executed_payins} payins and {provider.executed_payouts} payouts executed"
    )
    return Group(title, table, below)
