"""The manifest of an archived month: what its files hold, so that they can be checked without the database.

`manifest.json` in the month's folder. Its own SHA-256 stands in `ledger_archives`, so an archive that was exchanged as
a whole is found as well.
"""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from wisipay.ledger.months.errors import ArchiveError

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
_CHUNK_BYTES = 1 << 20


class File(msgspec.Struct, frozen=True):
    """A Parquet file: its rows, bytes and SHA-256."""

    rows: int
    bytes: int
    sha256: str


class CounterRow(msgspec.Struct, frozen=True):
    """One counter row's part of the month: its lines, the debits and credits posted, and what stood after the last."""

    account_id: str
    stripe: int
    number: int
    lines: int
    debits: int
    credits: int
    last_line: int
    balance_after: int


class Manifest(msgspec.Struct, frozen=True):
    """An archived period: bounds, files by name, first and last number in the order of writing, totals."""

    format: int
    name: str
    starts_at: datetime | None
    ends_at: datetime
    files: dict[str, File]
    first_sequence: int | None
    last_sequence: int | None
    counter_rows: list[CounterRow]


def write_manifest(manifest: Manifest, folder: Path) -> str:
    """Write it into the folder; return its SHA-256."""
    text = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
    (folder / MANIFEST).write_bytes(text)
    return hashlib.sha256(text).hexdigest()


def read_manifest(folder: Path, sha256: str | None = None) -> Manifest:
    """Return the manifest in a folder, which must be the one of this SHA-256; `ArchiveError` where it isn't."""
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(text, type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise ArchiveError(f"{folder / MANIFEST} can't be read: {error}") from error
    if sha256 not in {None, hashlib.sha256(text).hexdigest()} or manifest.format != FORMAT:
        raise ArchiveError(f"{folder / MANIFEST} is not the one that was archived")
    return manifest


def described(path: Path, rows: int) -> File:
    """Return what a manifest says of a file that was just written."""
    return File(rows, path.stat().st_size, sha256_of(path))


def check_files(manifest: Manifest, folder: Path) -> None:
    """Compare every file's bytes with its manifest; `ArchiveError` names the first that differs."""
    for name, file in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != file.bytes or sha256_of(path) != file.sha256:
            raise ArchiveError(f"{path} is missing or not as it was written")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
