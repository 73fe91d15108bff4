"""What can be told of a beneficiary before any provider is asked: forms, and the bank and branch behind an IFSC.

Decides which particulars cannot be right and which only look odd. A wrong form is certain, and so is a branch of which
the directory says that a rail does not reach it; what a directory does not know may be newer than the directory, so
that is a doubt. Pure: a directory is read from lines that the caller opens, or asked behind `Published`. Must never
refuse a payout for a doubt.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from sys import intern
from typing import Final, Protocol

BRANCHES_MAX: Final = 1_000_000
"""India has about 180,000 branches; a directory of many more is not one."""

_IFSC: Final = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9]{6,34}", re.ASCII)
_VPA: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}@[A-Za-z][A-Za-z0-9]{1,63}", re.ASCII)
_BANK_LETTERS: Final = 4
_RAILS: Final = ("IMPS", "NEFT", "RTGS", "UPI")
_RAILS_GONE_BY: Final = frozenset({"IMPS", "NEFT", "RTGS"})
_COLUMNS: Final = ("IFSC", "BANK", "BRANCH", *_RAILS)
_YES: Final = frozenset({"true", "1", "yes", "y"})


class Fault(StrEnum):
    """What cannot be right."""

    IFSC_MALFORMED = "IFSC_MALFORMED"
    ACCOUNT_MALFORMED = "ACCOUNT_MALFORMED"
    VPA_MALFORMED = "VPA_MALFORMED"
    RAIL_UNSUPPORTED = "RAIL_UNSUPPORTED"


class Doubt(StrEnum):
    """What a directory knows nothing of."""

    BANK_UNKNOWN = "BANK_UNKNOWN"
    BRANCH_UNKNOWN = "BRANCH_UNKNOWN"


class DirectoryUnreadable(ValueError):  # noqa: N818 - names the fact, like the other errors here
    """The lines are not a directory of branches; the message names the line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch: its bank, its own name, and the rails on which it can be paid."""

    bank: str
    name: str
    rails: frozenset[str]


class Published(Protocol):
    """Banks and branches that somebody published, by IFSC in capitals; None for what they did not know."""

    def bank(self, ifsc: str) -> str | None:
        """Return the name of the bank behind an IFSC."""
        ...

    def branch(self, ifsc: str) -> Branch | None:
        """Return a branch."""
        ...


@dataclass(frozen=True, slots=True)
class BankDirectory:
    """Branches by IFSC: an operator's own, and behind them those that came with the product."""

    branches: Mapping[str, Branch] = field(default_factory=dict)
    banks: Mapping[str, str] = field(default_factory=dict)
    """Names of banks by the four letters with which their IFSCs begin."""
    published: Published | None = None

    def bank(self, ifsc: str) -> str | None:
        """Return the name of the bank behind an IFSC, whatever the case of the letters; None where it is not known."""
        if not _IFSC.fullmatch(ifsc := ifsc.upper()):
            return None
        if branch := self.branches.get(ifsc):
            return branch.bank
        published = None if self.published is None else self.published.bank(ifsc)
        return published or self.banks.get(ifsc[:_BANK_LETTERS])

    def branch(self, ifsc: str) -> Branch | None:
        """Return a branch, whatever the case of the letters; None where it is not known."""
        if not _IFSC.fullmatch(ifsc := ifsc.upper()):
            return None
        own = self.branches.get(ifsc)
        return self.published.branch(ifsc) if own is None and self.published is not None else own


@dataclass(frozen=True, slots=True)
class Finding:
    """Everything told of one beneficiary. `branch` where the directory knows it."""

    faults: tuple[Fault, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    branch: Branch | None = None


def look_at_account(account_number: str, ifsc: str, rail: str, directory: BankDirectory | None = None) -> Finding:
    """Look at an account that is to be paid by a rail. What the directory says of UPI is not gone by.

    It tells which banks are on UPI, not which accounts are reached by it.
    """
    ifsc = ifsc.upper()
    faults = [] if _IFSC.fullmatch(ifsc) else [Fault.IFSC_MALFORMED]
    if not _ACCOUNT.fullmatch(account_number):
        faults.append(Fault.ACCOUNT_MALFORMED)
    if directory is None or Fault.IFSC_MALFORMED in faults:
        return Finding(tuple(faults))
    branch = directory.branch(ifsc)
    if branch is not None and rail in _RAILS_GONE_BY and rail not in branch.rails:
        faults.append(Fault.RAIL_UNSUPPORTED)
    return Finding(tuple(faults), _doubts(ifsc, directory, branch), branch)


def look_at_vpa(vpa: str) -> Finding:
    """Look at a VPA: a name, and a handle of letters and digits; an e-mail address has a dot behind the @."""
    return Finding(() if _VPA.fullmatch(vpa) else (Fault.VPA_MALFORMED,))


def read_directory(lines: Iterable[str]) -> BankDirectory:
    """Read a CSV with a heading, of which the columns IFSC, BANK, BRANCH, IMPS, NEFT, RTGS and UPI are used.

    Raises DirectoryUnreadable for a missing column, an IFSC that is none or comes twice, and more than a million lines.
    """
    rows = csv.DictReader(lines)
    missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise DirectoryUnreadable(f"the heading lacks {', '.join(missing)}")
    branches: dict[str, Branch] = {}
    rails_by_flags: dict[tuple[bool, ...], frozenset[str]] = {}
    for number, row in enumerate(rows, start=2):
        ifsc = (row["IFSC"] or "").strip().upper()
        if not _IFSC.fullmatch(ifsc) or ifsc in branches:
            raise DirectoryUnreadable(f"line {number}: {ifsc[:20]!r} is no IFSC, or comes twice")
        if number > BRANCHES_MAX:
            raise DirectoryUnreadable(f"line {number}: more than {BRANCHES_MAX} branches")
        flags = tuple((row[rail] or "").strip().lower() in _YES for rail in _RAILS)
        rails = rails_by_flags.setdefault(
            flags, frozenset(rail for rail, has in zip(_RAILS, flags, strict=True) if has)
        )
        # Names of banks come again by the thousand: one object each keeps the directory small.
        branches[ifsc] = Branch(intern((row["BANK"] or "").strip()), (row["BRANCH"] or "").strip(), rails)
    return BankDirectory(branches, {ifsc[:_BANK_LETTERS]: branch.bank for ifsc, branch in branches.items()})


def _doubts(ifsc: str, directory: BankDirectory, branch: Branch | None) -> tuple[Doubt, ...]:
    if branch is not None:
        return ()
    return (Doubt.BANK_UNKNOWN,) if directory.bank(ifsc) is None else (Doubt.BRANCH_UNKNOWN,)
