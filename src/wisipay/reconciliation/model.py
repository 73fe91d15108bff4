"""What reconciliation speaks of: runs, differences, and what may be decided about a difference.

Pure types. Decides which action leads to which state; none of them changes a payment or the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from wisipay.core.money import Paise
from wisipay.payments import Kind


class RunState(StrEnum):
    """How far a run has come. BROKEN: too many lines could not be used; WITHDRAWN: it counts no more."""

    LOADING = "LOADING"
    LOADED = "LOADED"
    MATCHED = "MATCHED"
    BROKEN = "BROKEN"
    WITHDRAWN = "WITHDRAWN"


class DifferenceKind(StrEnum):
    """What differs. MISSING: ours, not in the file; EXTRA: in the file, not ours."""

    MISSING = "MISSING"
    EXTRA = "EXTRA"
    AMOUNT = "AMOUNT"
    FEE = "FEE"
    STATUS = "STATUS"
    DUPLICATE = "DUPLICATE"


class DifferenceState(StrEnum):
    """Whether somebody still has to do something."""

    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    RESOLVED = "RESOLVED"


class Action(StrEnum):
    """What a person decides about a difference.

    ACCEPT: it is right as it is. CLAIM: the provider is to put it right, and it stays listed until it did.
    CORRECTED: it was put right elsewhere, by an operation that the note names. REOPEN: the decision was wrong.
    """

    ACCEPT = "ACCEPT"
    CLAIM = "CLAIM"
    CORRECTED = "CORRECTED"
    REOPEN = "REOPEN"


STATE_AFTER: Mapping[Action, DifferenceState] = {
    Action.ACCEPT: DifferenceState.RESOLVED,
    Action.CLAIM: DifferenceState.CLAIMED,
    Action.CORRECTED: DifferenceState.RESOLVED,
    Action.REOPEN: DifferenceState.OPEN,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a file claims to be complete for: one channel and kind, and the IST days on which payments were made."""

    channel_id: str
    provider_id: str
    kind: Kind
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Run:
    """One file and how far it has come; `loaded_to_line` is the last line that is stored."""

    id: int
    channel_id: str
    provider_id: str
    kind: Kind
    first_day: date
    last_day: date
    file_name: str
    mapping_version: int
    state: RunState
    loaded_to_line: int
    row_count: int
    skipped_count: int
    broken_count: int
    matched_count: int
    file_paise: Paise
    matched_paise: Paise
    author: str
    created_at: datetime
    matched_at: datetime | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference with both sides' words; amounts as rupees in text.

    `reference`, `provider_reference`, `utr` and `amount` are the file's, or for a MISSING one ours.
    `found_in_run_id`: a later file in which a missing payment stands.
    """

    id: int
    run_id: int
    kind: DifferenceKind
    line: int | None
    transaction_id: str | None
    attempt: int | None
    ours: str | None
    theirs: str | None
    reference: str | None
    provider_reference: str | None
    utr: str | None
    amount: str | None
    state: DifferenceState
    action: str | None
    note: str | None
    decided_by: str | None
    decided_at: datetime | None
    found_in_run_id: int | None


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that could not be used, and why."""

    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run. `differences` and `open_differences` by kind; `repeated`: the file had been imported before.

    `broken` has the first hundred of the lines that could not be used.
    """

    run: Run
    differences: Mapping[str, int]
    open_differences: Mapping[str, int]
    broken: tuple[BrokenLine, ...]
    repeated: bool = False
