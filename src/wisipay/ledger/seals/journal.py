"""The journal: all sealed records with their seals as lines of JSON, for somebody who trusts neither us nor our code.

Every line but those of kind "seal" is a link of the chain, and its bytes are the ones that were hashed. A seal line
follows the records of each block and says the hash they must lead to. Streams; doesn't judge what it writes.
"""

from collections.abc import AsyncIterator

import msgspec

from wisipay.ledger.seals.reader import RecordReader, Records
from wisipay.ledger.seals.sealer import BEFORE_ALL
from wisipay.ledger.seals.verify import blocks_after
from wisipay.ledger.store import Connection


class SealLine(msgspec.Struct, frozen=True, tag_field="record", tag="seal"):
    """What the lines before this one lead to: the last position of a block, and the chain's hash there, hexadecimal."""

    block: int
    position: int
    hash: str


async def journal(connection: Connection, records_of: Records | None = None) -> AsyncIterator[bytes]:
    """Yield the journal of everything that is sealed, a block at a time, as whole lines.

    Records are as the tables have them now, those of archived months as `records_of` (`months.all_records`) finds them
    in their files: a journal of records that were tampered with, or can't be found, is one that doesn't verify.
    """
    reader, after = records_of or RecordReader(connection), BEFORE_ALL
    async for block in blocks_after(connection, 0):
        records = await reader.between(after, block.header.through_sequence)
        seal = SealLine(block.header.number, block.last_position, block.hash.hex())
        links = [block.header.canonical(), *(record.canonical for record in records), msgspec.json.encode(seal)]
        yield b"\n".join(links) + b"\n"
        after = block.header.through_sequence
