"""The sealer: gives every record its place in the chain, in the order of writing, block by block.

One cycle seals all that may be sealed when it starts. The last block is all the state there is, and blocks are whole or
not there: a sealer that dies anywhere is followed by one that goes on behind the last block. Never changes a record
and never waits for long; two sealers never work at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from wisipay.ledger.errors import LedgerError
from wisipay.ledger.seals.chain import Block, BlockHeader, Tail, next_block
from wisipay.ledger.seals.horizon import horizon
from wisipay.ledger.seals.told import ToldRecords
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

BLOCK_RECORDS = 2_048
"""Most records of one block, which is also what is held in memory at a time."""

COMMITTED_BLOCKS = 8
"""Most blocks of one commit: writers wait for the same disk."""

BEFORE_ALL = -(2**63)
"""A number before that of every record."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a cycle did, and where the chain ends now.

    `is_busy` says that another sealer was at work, so this one did nothing; `waiting_for` names the server processes
    whose transactions kept their place in the order for longer than we waited.
    """

    records: int
    blocks: int
    tail: Tail
    is_busy: bool = False
    waiting_for: tuple[int, ...] = ()


async def seal(
    connection: Connection, now: datetime, *, patience_seconds: float = 2.0, block_records: int = BLOCK_RECORDS
) -> Sealed:
    """Seal everything that may be sealed; `now` is the time the new blocks bear.

    Waits at most `patience_seconds` for writers that hold a place in the order. The connection must not be in a
    transaction: blocks are committed a few at a time, and each look has to see what was committed since.
    """
    if connection.is_in_transaction():
        raise LedgerError("the sealer works in transactions of its own, not in the caller's")
    if not await connection.fetchval(QUERIES["try_seal_lock"]):
        return Sealed(0, 0, await chain_tail(connection), is_busy=True)
    try:
        return await _sealed(connection, now, patience_seconds, block_records)
    finally:
        await connection.execute(QUERIES["seal_unlock"])


async def chain_tail(connection: Connection) -> Tail:
    """Return where the chain ends, as the last block says."""
    row = await connection.fetchrow(QUERIES["last_block"])
    return Tail() if row is None else Tail.of(block_of(row))


def block_of(row: asyncpg.Record) -> Block:
    """Return the block of a row of `ledger_seal_blocks`."""
    number, first_position, records, through_sequence, sealed_at, *content = row
    return Block(BlockHeader(number, first_position, records, through_sequence, sealed_at), *content)


async def _sealed(connection: Connection, now: datetime, patience_seconds: float, block_records: int) -> Sealed:
    edge = await horizon(connection, patience_seconds)
    first = tail = await chain_tail(connection)
    if edge.through_sequence is not None:
        reader = ToldRecords(connection)
        made: list[Block] = []
        await connection.execute(QUERIES["summarize_order"])
        after = BEFORE_ALL if tail.through_sequence is None else tail.through_sequence
        while after < edge.through_sequence:
            through = min(after + block_records, edge.through_sequence)
            records = await reader.between(after, through)
            if records:
                made.append(next_block(tail, records, through, now))
                tail = Tail.of(made[-1])
                if len(made) == COMMITTED_BLOCKS:
                    await _write(connection, made)
                    made.clear()
            elif (start := await _next_sequence(connection, through, edge.through_sequence)) is None:
                break
            else:  # a gap that batches left which were rolled back, or the beginning
                through = start - 1
            after = through
        await _write(connection, made)
    return Sealed(tail.position - first.position, tail.block - first.block, tail, waiting_for=edge.waiting_for)


async def _next_sequence(connection: Connection, after: int, through: int) -> int | None:
    found: int | None = await connection.fetchval(QUERIES["next_sequence"], after, through)
    return found


async def _write(connection: Connection, made: Sequence[Block]) -> None:
    """Write blocks in one transaction: all of them or, if it fails, none."""
    rows = [
        (
            *(each.header.number, each.header.first_position, each.header.records, each.header.through_sequence),
            *(each.header.sealed_at, each.previous_hash, each.start_hash, each.hash, each.identities, each.digests),
        )
        for each in made
    ]
    await connection.executemany(QUERIES["write_block"], rows)
