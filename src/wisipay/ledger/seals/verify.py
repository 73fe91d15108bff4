"""Verification of the chain: every sealed record is read again, and its seal made again, from the raw rows.

Says which record, in the order of the chain, was changed, removed, added or moved, which block was, and where the chain
differs from heads that were published. Trusts nothing that the database computes: canonical bytes and hashes are made
here. Reads block by block, so memory is bounded whatever the size; what is written meanwhile is left for the next time.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from wisipay.ledger.difference import Difference
from wisipay.ledger.seals.chain import Block, Head, Tail, digest_of, linked
from wisipay.ledger.seals.reader import RecordReader, Records
from wisipay.ledger.seals.records import Sealable, event_sequence, is_event
from wisipay.ledger.seals.sealer import BEFORE_ALL, block_of
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

_BLOCKS = 8
"""Blocks read at a time."""


@dataclass(slots=True)
class ChainReport:
    """What verification of the chain found: `tail` is where it ended, `bytes` how many were hashed."""

    differences: list[Difference] = field(default_factory=list)
    tail: Tail = field(default_factory=Tail)
    records: int = 0
    bytes: int = 0


async def verify_chain(
    connection: Connection,
    published: Iterable[Head] = (),
    *,
    records_of: Records | None = None,
    differences_max: int = 100,
) -> ChainReport:
    """Read the whole chain again and return what differs, in its order; stops when so many differences were found.

    `records_of` says where records are read when some of them are archived (`months.all_records`).
    """
    report, reader = ChainReport(), records_of or RecordReader(connection)
    heads: dict[int, list[Head]] = {}
    for head in published:
        heads.setdefault(head.block, []).append(head)
    async for block in blocks_after(connection, 0):
        after = BEFORE_ALL if report.tail.through_sequence is None else report.tail.through_sequence
        records = await reader.between(after, block.header.through_sequence)
        report.differences += _of_block(report.tail, block)
        report.differences += [*_of_records(block, records, reader.is_lost), *reader.taken()]
        report.differences += _of_heads(block, heads.pop(block.header.number, ()))
        report.records += len(records)
        report.bytes += sum(len(record.canonical) for record in records)
        report.tail = Tail.of(block)
        if len(report.differences) >= differences_max:
            return report
    await reader.finish(is_sealed=report.tail.block > 0)
    report.differences += reader.taken()
    report.differences += [
        _seal("published_head", number, f"{head.source} names this block; the chain ends at block {report.tail.block}")
        for number, cut_off in sorted(heads.items())
        for head in cut_off
    ]
    return report


async def blocks_after(connection: Connection, number: int) -> AsyncIterator[Block]:
    """Yield the blocks behind a number, in order."""
    while rows := await connection.fetch(QUERIES["blocks_after"], number, _BLOCKS):
        for row in rows:
            yield block_of(row)
        number = rows[-1]["number"]


def _of_block(tail: Tail, block: Block) -> list[Difference]:
    header = block.header
    if header.number != tail.block + 1:
        return [_seal("seal_block_missing", tail.block + 1, f"is not there; the next is block {header.number}")]
    faults = (
        (block.previous_hash != tail.hash, "does not follow the block before it"),
        (header.first_position != tail.position + 1, f"starts at {header.first_position}, not {tail.position + 1}"),
        (
            tail.through_sequence is not None and header.through_sequence <= tail.through_sequence,
            "seals what the block before it does",
        ),
        (
            linked(block.previous_hash, [digest_of(header.canonical())]) != block.start_hash,
            "its header is not the one that was sealed",
        ),
        (linked(block.start_hash, block.each_digest()) != block.hash, "its hash is not that of its records"),
    )
    return [_seal("seal_block_changed", header.number, fault) for is_fault, fault in faults if is_fault][:1]


def _of_records(block: Block, records: Sequence[Sealable], is_lost: Callable[[bytes], bool]) -> list[Difference]:
    """Compare the records that are there with those that were sealed, by identity, order and digest."""
    sealed = [block.identity(place) for place in range(block.header.records)]
    there = [record.identity for record in records]
    places = {identity: place for place, identity in enumerate(sealed)}
    found: list[tuple[int, Difference]] = []
    if there != sealed:
        found += _of_order(block, sealed, records, places, is_lost)
    by_identity = {record.identity: record for record in records}
    for place, identity in enumerate(sealed):
        record = by_identity.get(identity)
        if record is not None and digest_of(record.canonical) != block.digest(place) and not is_lost(identity):
            found.append((place, _record("sealed_record_changed", block, place, record, "is not what was sealed")))
    return [difference for _, difference in sorted(found, key=lambda pair: pair[0])]


def _of_order(
    block: Block,
    sealed: Sequence[bytes],
    records: Sequence[Sealable],
    places: dict[bytes, int],
    is_lost: Callable[[bytes], bool],
) -> list[tuple[int, Difference]]:
    there = Counter(record.identity for record in records)
    found = [
        (place, _record("sealed_record_missing", block, place, identity, "was sealed and is not there"))
        for place, identity in enumerate(sealed)
        if not there[identity] and not is_lost(identity)
    ]
    last = 0
    for record in records:
        place = places.get(record.identity)
        if place is None or there[record.identity] > 1:
            message = "stands among sealed records and was never sealed there"
            found.append((last, _record("record_inserted", block, None, record, message)))
        elif place < last:
            found.append(
                (place, _record("sealed_record_moved", block, place, record, "is in another order than sealed"))
            )
        else:
            last = place
    return found


def _of_heads(block: Block, heads: Iterable[Head]) -> list[Difference]:
    return [
        _seal(
            "published_head",
            block.header.number,
            f"{head.source} has {head.hash.hex()} at position {head.position},"
            f" the chain {block.hash.hex()} at {block.last_position}: it was made anew at or before this block",
        )
        for head in heads
        if (head.hash, head.position) != (block.hash, block.last_position)
    ]


def _record(check: str, block: Block, place: int | None, record: Sealable | bytes, message: str) -> Difference:
    identity = record if isinstance(record, bytes) else record.identity
    where = f"block {block.header.number}"
    if place is not None:
        where = f"position {block.header.first_position + place}, {where}"
    if not is_event(identity):
        return Difference(check, "ENTRY", str(UUID(bytes=identity)), f"{message} ({where})")
    number = event_sequence(identity)
    name = f"event {number}" if isinstance(record, bytes) else str(record.name)
    return Difference(check, "ACCOUNT", name, f"event {number} of its history {message} ({where})")


def _seal(check: str, number: int, message: str) -> Difference:
    return Difference(check, "SEAL", str(number), f"block {number}: {message}")
