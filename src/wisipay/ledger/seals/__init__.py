"""Tamper evidence: every record of the history has its place in a chain of SHA-256 hashes, whose head is published.

`seal` extends the chain, `verify_chain` makes it again from the raw rows, `journal` hands it to others, and
`publish_head` signs where it ends. docs/ledger/proof.md says what this proves and what it doesn't.
"""

from wisipay.ledger.seals.chain import Head, Tail
from wisipay.ledger.seals.heads import (
    HeadStatement,
    PublishedHeads,
    file_name,
    new_head_key,
    public_head_key,
    publish_head,
    read_heads,
)
from wisipay.ledger.seals.journal import journal
from wisipay.ledger.seals.sealer import Sealed, chain_tail, seal
from wisipay.ledger.seals.verify import ChainReport, verify_chain

__all__ = [
    "ChainReport",
    "Head",
    "HeadStatement",
    "PublishedHeads",
    "Sealed",
    "Tail",
    "chain_tail",
    "file_name",
    "journal",
    "new_head_key",
    "public_head_key",
    "publish_head",
    "read_heads",
    "seal",
    "verify_chain",
]
