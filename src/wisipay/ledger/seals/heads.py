"""Heads of the chain, published where nobody who can write to the database can: signed statements in a folder.

One small file says: at this moment the chain ended at this block, with this hash. It is signed (Ed25519) and names the
file before it, so that none can be changed, removed or put in between. Whoever rewrites the chain contradicts them.
Needs the private key to publish and only the public one to check. Keys are 32 bytes, written as 64 hexadecimal digits.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wisipay.ledger.difference import Difference
from wisipay.ledger.seals.chain import Head, Tail

_NAME = re.compile(r"ledger-head-(\d{6})-(\d{4}-\d\d-\d\d)\.json")
_NO_FILE = bytes(32).hex()
_CHECK = "head_file"


class HeadStatement(msgspec.Struct, frozen=True):
    """What is signed: on `day` (in India), at `made_at`, the chain ended with `block`, at `position`, with hash `head`.

    `previous` is the SHA-256 of the file before, 64 zeros in the first; hashes are hexadecimal.
    """

    number: int
    day: date
    made_at: datetime
    block: int
    position: int
    head: str
    previous: str

    def canonical(self) -> bytes:
        """Return the bytes that are signed."""
        return msgspec.json.encode(self)

    def as_head(self, source: str) -> Head:
        """Return what the chain has to agree with; `source` says where this was published."""
        return Head(source, self.block, self.position, bytes.fromhex(self.head))


class _File(msgspec.Struct, frozen=True):
    statement: HeadStatement
    public_key: str
    signature: str


@dataclass(frozen=True, slots=True)
class PublishedHeads:
    """Statements of a folder in order, and what is wrong with their files."""

    statements: tuple[HeadStatement, ...]
    differences: tuple[Difference, ...]

    def heads(self) -> Iterator[Head]:
        """Yield the heads that the chain has to agree with; those of empty chains say nothing."""
        for each in self.statements:
            if each.block:
                yield each.as_head(file_name(each.number, each.day))


def new_head_key() -> tuple[str, str]:
    """Return a new private key and its public key."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw().hex(), private.public_key().public_bytes_raw().hex()


def public_head_key(private_key: str) -> str:
    """Return the public key that belongs to a private one; ValueError for a text that is no key."""
    return _private(private_key).public_key().public_bytes_raw().hex()


def file_name(number: int, day: date) -> str:
    """Return the name of a statement's file."""
    return f"ledger-head-{number:06}-{day}.json"


def publish_head(folder: Path, tail: Tail, day: date, made_at: datetime, private_key: str) -> HeadStatement:
    """Write a statement of where the chain ends behind those that are there, and return it.

    The file is there as a whole and on disk, or not at all. OSError where the folder can't be written to; ValueError
    for a text that is no key, or when the last file is no statement.
    """
    key = _private(private_key)
    last = max(_files(folder), default=None)
    number, previous = (1, _NO_FILE) if last is None else (last[0] + 1, sha256(last[1].read_bytes()).hexdigest())
    statement = HeadStatement(number, day, made_at, tail.block, tail.position, tail.hash.hex(), previous)
    signature = key.sign(statement.canonical()).hex()
    content = msgspec.json.encode(_File(statement, public_head_key(private_key), signature)) + b"\n"
    _write_whole(folder / file_name(number, day), content)
    return statement


def read_heads(folder: Path, public_key: str) -> PublishedHeads:
    """Read the statements of a folder and check signatures, numbers and order; ValueError for a text that is no key."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    statements: list[HeadStatement] = []
    differences: list[Difference] = []
    expected, previous = 1, _NO_FILE
    for number, path in sorted(_files(folder)):
        day = path.stem[-10:]
        content = path.read_bytes()
        fault = None
        try:
            file = msgspec.json.decode(content, type=_File)
            key.verify(bytes.fromhex(file.signature), file.statement.canonical())
        except (msgspec.DecodeError, ValueError, InvalidSignature):
            fault = "is not what was signed with this key"
        else:
            statements.append(file.statement)
            if (file.statement.number, str(file.statement.day)) != (number, day):
                fault = f"says it is number {file.statement.number} of {file.statement.day}"
            elif number != expected:
                fault = f"follows number {expected - 1}: one is missing"
            elif file.statement.previous != previous:
                fault = "does not follow the file before it"
        if fault is not None:
            differences.append(Difference(_CHECK, "DAY", day, f"{path.name} {fault}"))
        expected, previous = number + 1, sha256(content).hexdigest()
    return PublishedHeads(tuple(statements), tuple(differences))


def _files(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.iterdir() if folder.is_dir() else ():
        matched = _NAME.fullmatch(path.name)
        if matched is not None:
            yield int(matched[1]), path


def _private(key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key))


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name is on disk too
    finally:
        os.close(folder)
