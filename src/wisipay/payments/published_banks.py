"""The banks and branches that come with the product, as published: packed, and opened when first asked for.

Decides what a published code is worth: a branch whose IFSC is in the list of the Reserve Bank can be paid by NEFT and
RTGS, by IMPS where its bank takes it, and its bank is on UPI or not. It does not know that a branch does not exist,
since branches open by the day. Written by `scripts/bank_directory.py`; its licence is in the pack.
"""

from __future__ import annotations

import gzip
from array import array
from bisect import bisect_left
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec

from wisipay.payments.beneficiary import Branch

PACK: Final = Path(__file__).parent / "banks.json.gz"

_BANK_LETTERS: Final = 4
_BRANCH_BEGINS: Final = 5
_BASE: Final = 36
_OWNER_LENGTHS: Final = (11, 9, 8, 7)
"""Sub-members have single branches, or all that begin alike."""


class PackedBank(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bank, and the last six signs of its IFSCs as sorted numbers to the base of 36: the first, then the gaps."""

    name: str
    upi: bool = False
    imps: bool = True
    gaps: list[int] = []


class BankPack(msgspec.Struct, frozen=True):
    """All of the file. `sublets`: a whole IFSC or its beginning, and the bank (by code or name) that it belongs to."""

    source: str
    licence: str
    banks: dict[str, PackedBank]
    sublets: dict[str, str]


class PublishedBanks:
    """Banks and branches by IFSC, in four bytes a branch."""

    def __init__(self, path: Path = PACK) -> None:
        self._path = path

    @property
    def source(self) -> str:
        """Which data these are, and of when."""
        return self._pack.source

    def bank(self, ifsc: str) -> str | None:
        """Return the name of the bank behind an IFSC in capitals, a sub-member's own; None where none is known."""
        return self._owner(ifsc).name or None

    def branch(self, ifsc: str) -> Branch | None:
        """Return a branch by its IFSC in capitals, without a name of its own; None where it was not published."""
        codes = self._codes.get(ifsc[:_BANK_LETTERS])
        code = int(ifsc[_BRANCH_BEGINS:], _BASE)
        if codes is None or (place := bisect_left(codes, code)) == len(codes) or codes[place] != code:
            return None
        owner = self._owner(ifsc)
        return Branch(owner.name, "", _RAILS[self._pack.banks[ifsc[:_BANK_LETTERS]].imps, owner.upi])

    @cached_property
    def _pack(self) -> BankPack:
        return msgspec.json.decode(gzip.decompress(self._path.read_bytes()), type=BankPack)

    @cached_property
    def _codes(self) -> dict[str, array[int]]:
        codes = {}
        for letters, bank in self._pack.banks.items():
            if bank.gaps:
                codes[letters] = array("I", accumulate(bank.gaps))
                bank.gaps.clear()  # what they say is in the array now, in a ninth of the memory
        return codes

    def _owner(self, ifsc: str) -> PackedBank:
        """Return the bank, or the sub-member whose branch it is."""
        pack = self._pack
        for length in _OWNER_LENGTHS:
            owner = pack.sublets.get(ifsc[:length])
            if owner is not None:
                return pack.banks.get(owner) or PackedBank(owner)
        return pack.banks.get(ifsc[:_BANK_LETTERS], _NO_BANK)


_NO_BANK: Final = PackedBank("")
_RAILS: Final = {
    (imps, upi): frozenset({"NEFT", "RTGS"} | ({"IMPS"} if imps else set()) | ({"UPI"} if upi else set()))
    for imps in (False, True)
    for upi in (False, True)
}
