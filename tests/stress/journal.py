"""What a writer noted: each batch before it was asked for, and what it was told. Whatever kills the writer, it stays.

One file per process, written in whole records; times are of the one monotonic clock that all processes share.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from wisipay.ledger import Command, Result

_NEVER = 2**63


@dataclass(slots=True)
class Asked:
    """A batch: what was asked for at which moment, and what was answered. Unanswered: nobody knows, yet."""

    commands: list[Command]
    now: datetime
    is_linked: bool = False
    is_rolled_back: bool = False
    called: int = 0
    answered: int = _NEVER
    results: list[Result] = field(default_factory=list)

    @property
    def is_answered(self) -> bool:
        """Whether the writer was told what became of it."""
        return self.answered != _NEVER


class Journal:
    """Notes the batches of one process; closed with it."""

    def __init__(self, file: Path) -> None:
        self._file: IO[bytes] = file.open("wb")
        self._count = 0

    def ask(self, batch: Asked) -> int:
        """Note a batch before it is asked for; returns its number."""
        self._count += 1
        batch.called = time.monotonic_ns()
        self._write((self._count, batch))
        return self._count

    def answer(self, number: int, results: list[Result]) -> None:
        """Note what was answered."""
        self._write((number, time.monotonic_ns(), results))

    def _write(self, record: object) -> None:
        self._file.write(pickle.dumps(record))
        self._file.flush()


def read(files: Iterable[Path]) -> list[Asked]:
    """Return all batches of all processes."""
    return [batch for file in files for batch in _read(file)]


def _read(file: Path) -> list[Asked]:
    batches: dict[int, Asked] = {}
    if not file.exists():
        return []
    with file.open("rb") as stream:
        while True:
            try:
                number, *rest = pickle.load(stream)  # noqa: S301 - this test's own notes
            except (EOFError, pickle.UnpicklingError):  # whoever wrote it was killed
                return list(batches.values())
            if len(rest) == 1:
                batches[number] = rest[0]
            else:
                batches[number].answered, batches[number].results = rest
