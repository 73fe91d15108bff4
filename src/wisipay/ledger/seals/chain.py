"""The chain: every record's hash is made of the hash before it and of the record's own bytes. Pure.

`hash = SHA-256(hash before || SHA-256(canonical bytes))`, from 32 zero bytes. Seals are kept in blocks; each block's
header is a link of its own before its records, so that nothing in a block's row can be changed unseen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from wisipay.ledger.seals.records import Sealable

GENESIS = bytes(32)
"""The hash before the first link."""

HASH_BYTES = 32
IDENTITY_BYTES = 16


class BlockHeader(msgspec.Struct, frozen=True, tag_field="record", tag="block"):
    """What a block says of itself: which records it seals, and when.

    Positions count records from 1 without gaps; `through_sequence` is the number in the order of writing up to which no
    record is missing.
    """

    number: int
    first_position: int
    records: int
    through_sequence: int
    sealed_at: datetime

    def canonical(self) -> bytes:
        """Return the header's canonical bytes."""
        return msgspec.json.encode(self)


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it is stored: header, hashes before it, after its header and after its last record, and records."""

    header: BlockHeader
    previous_hash: bytes
    start_hash: bytes
    hash: bytes
    identities: bytes
    digests: bytes

    @property
    def last_position(self) -> int:
        """The position of the block's last record."""
        return self.header.first_position + self.header.records - 1

    def identity(self, place: int) -> bytes:
        """Return the identity of the record at `place`, from 0."""
        return self.identities[place * IDENTITY_BYTES : (place + 1) * IDENTITY_BYTES]

    def each_digest(self) -> Iterable[bytes]:
        """Return the digests of all records, in order."""
        return map(self.digest, range(self.header.records))

    def digest(self, place: int) -> bytes:
        """Return the digest of the record at `place`, from 0."""
        return self.digests[place * HASH_BYTES : (place + 1) * HASH_BYTES]


@dataclass(frozen=True, slots=True)
class Head:
    """An end of the chain that was published: `source` says where, the rest which block, which position, which hash."""

    source: str
    block: int
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Tail:
    """Where the chain ends: last block, last position, the number up to which it is complete, and its hash."""

    block: int = 0
    position: int = 0
    through_sequence: int | None = None
    hash: bytes = GENESIS
    sealed_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @classmethod
    def of(cls, block: Block) -> "Tail":
        """Return the end of a chain whose last block this is."""
        header = block.header
        return cls(header.number, block.last_position, header.through_sequence, block.hash, header.sealed_at)


def digest_of(canonical: bytes) -> bytes:
    """Return the digest of a record or header."""
    return sha256(canonical).digest()


def linked(previous: bytes, digests: Iterable[bytes]) -> bytes:
    """Return the hash after links of these digests, 32 bytes each, that follow the hash `previous`."""
    current = previous
    for digest in digests:
        current = sha256(current + digest).digest()
    return current


def next_block(tail: Tail, records: Sequence[Sealable], through_sequence: int, sealed_at: datetime) -> Block:
    """Return the block that seals these records, at least one, after the end of a chain."""
    header = BlockHeader(tail.block + 1, tail.position + 1, len(records), through_sequence, sealed_at)
    start_hash = linked(tail.hash, [digest_of(header.canonical())])
    digests = [sha256(record.canonical).digest() for record in records]
    return Block(
        header,
        tail.hash,
        start_hash,
        linked(start_hash, digests),
        b"".join([record.identity for record in records]),
        b"".join(digests),
    )
