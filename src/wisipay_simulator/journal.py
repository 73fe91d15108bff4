"""The append-only file that lets a restarted simulator tell the same truth. One JSON record per line.

Every record is handed to the kernel before the caller gets its answer, so killing the process loses nothing that was
said; a power cut may, which is not simulated. A torn last line is cut off at start.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from wisipay_simulator.merchant import Receipt
from wisipay_simulator.model import Payment, Status
from wisipay_simulator.registry import Account, Merchant

_encoder = msgspec.json.Encoder()


class JournalError(Exception):
    """The journal file cannot be used; the text says why and what to do."""


class Accepted(msgspec.Struct, frozen=True, tag="accepted", gc=False):
    """A payment entered the book."""

    payment: Payment


class Moved(msgspec.Struct, frozen=True, tag="moved", gc=False, omit_defaults=True):
    """A payment changed its status, or a planned step was used up without changing it (`status` absent)."""

    payment_id: str
    status: Status | None = None
    utr: str = ""
    message: str = ""
    at_ms: int = 0
    planned: bool = False


class Repeated(msgspec.Struct, frozen=True, tag="repeated", gc=False):
    """A reference was sent again."""

    payment_id: str


class Announced(msgspec.Struct, frozen=True, tag="announced", gc=False):
    """The webhook of a status was delivered, or given up."""

    payment_id: str
    status: Status


class AccountSet(msgspec.Struct, frozen=True, tag="account", gc=False):
    """An API key was registered."""

    name: str
    account: Account


class MerchantSet(msgspec.Struct, frozen=True, tag="merchant", gc=False):
    """A merchant was registered."""

    merchant_id: str
    merchant: Merchant


class Received(msgspec.Struct, frozen=True, tag="received", gc=False):
    """A merchant's endpoint got a callback."""

    receipt: Receipt


Record = Accepted | Moved | Repeated | Announced | AccountSet | MerchantSet | Received
_decoder = msgspec.json.Decoder(Record)


class Journal:
    """A journal on disk, or nowhere when `path` is None."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._descriptor = -1

    def read(self) -> Iterator[Record]:
        """Yield the records so far and cut off a torn last line; JournalError names a line that is not a record."""
        if self._path is None or not self._path.exists():
            return
        whole = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    record = _decoder.decode(line)
                except msgspec.DecodeError as problem:
                    raise JournalError(
                        f"{self._path} line {number} is not a record of the simulator ({problem}); move the file away"
                    ) from problem
                yield record
                whole += len(line)
        os.truncate(self._path, whole)

    def open(self) -> None:
        """Open for appending, making the folder when it is missing; JournalError when that is impossible."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as problem:
            raise JournalError(f"cannot write the state file {self._path}: {problem.strerror}") from problem

    def write(self, record: Record) -> None:
        """Append one record."""
        if self._descriptor >= 0:
            os.write(self._descriptor, _encoder.encode(record) + b"\n")

    def clear(self) -> None:
        """Start the file anew, after a reset of the book."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        """Close the file; harmless when it was never opened."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
