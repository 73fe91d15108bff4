"""The history once more, one record after the other, and every refusal at the places where it can have been decided.

A batch that wrote something was at one place: its accounts were locked from before its first entry until after its
last. Another one was somewhere after all that was answered before it asked, and before all that was asked after its
answer. What a refusal says of an account must be true at such a place. What it says of an entry that another writer
wrote at the same time, on other accounts, may have been true a moment before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from uuid import UUID

from msgspec.structs import replace

from stress.history import Controls, History, Written
from stress.journal import Asked
from stress.sequential import Known, Sequential
from support.command_content import content_of
from wisipay.ledger import Accepted, Command, Post, Rejected, Rejection

_END = 2**63


@dataclass(frozen=True, slots=True)
class Claim:
    """A refusal that was right at one of the places from `low` to `high`: after the record of that sequence."""

    batch: Asked
    index: int
    reason: Rejection
    low: int
    high: int

    @property
    def command(self) -> Command:
        """What was refused."""
        return self.batch.commands[self.index]


@dataclass(slots=True)
class Replay:
    """The replay: `model` is as it was at the present place."""

    model: Sequential
    history: History
    authors: Mapping[UUID, Asked]
    """Which batch wrote an entry."""

    def faults(self, batches: Sequence[Asked]) -> Iterator[str]:
        """Replay everything; return what a ledger by itself would not have done."""
        waiting = sorted(self._claims(batches), key=lambda claim: claim.low, reverse=True)
        unexplained: list[Claim] = []
        for record in self.history.records:
            while waiting and waiting[-1].low < record.sequence:
                unexplained.append(waiting.pop())
                self._explain(unexplained, unexplained[-1:])
            for claim in [claim for claim in unexplained if claim.high < record.sequence]:
                unexplained.remove(claim)
                yield _wrong(claim)
            yield from self._record(record)
            self._explain(unexplained, list(unexplained))
        self._explain(waiting, list(waiting))
        yield from map(_wrong, [*unexplained, *waiting])

    def _record(self, record: Written | Controls) -> Iterator[str]:
        if isinstance(record, Controls):
            account = self.model.accounts[record.account_id]
            account.status, account.floor = record.status, record.floor
            return
        author = self.authors.get(record.id)
        if author is None:
            yield f"entry {record.id}: nobody asked for it"
            return
        command = next(each for each in author.commands if _is_of(each, record))
        if self.model.first(command) is not None:
            yield f"{command} was accepted, and its id or key is taken"
        elif (fault := self.model.fault(command, author.now)) is not None:
            yield f"{command} was accepted, and alone it would be refused: {fault}"
        elif record.entry.posted_at < author.now:
            yield f"{command} was posted at {record.entry.posted_at}, before {author.now}"
        else:
            self.model.accept(command)

    def _explain(self, unexplained: list[Claim], claims: Sequence[Claim]) -> None:
        for claim in claims:
            if self._is_right(claim):
                unexplained.remove(claim)

    def _is_right(self, claim: Claim) -> bool:
        """Whether the refusal is what the model, as it is now, says to the command."""
        model, command, batch = self.model, claim.command, claim.batch
        if batch.is_linked:
            model = model.fork()
            for before in batch.commands[: claim.index]:
                if model.first(before) is None:
                    if model.fault(before, batch.now) is not None:
                        return False
                    model.accept(before)
        first = model.first(command)
        if claim.reason is Rejection.CONTENT_DIFFERS:
            return first is not None and not model.repeats(first, command)
        if first is not None and self._was_seen(first, batch):
            return False
        if claim.reason is Rejection.UNKNOWN_ENTRY:
            target = model.entries.get(getattr(command, "target_id", command.entry_id))
            return target is None or not self._was_seen(target, batch)
        return model.fault(command, batch.now) is claim.reason

    def _was_seen(self, known: Known, batch: Asked) -> bool:
        """Whether the entry was there for sure when the batch was asked for, or is the batch's own."""
        author = self.authors.get(known.command.entry_id)
        return author is None or author is batch or author.answered < batch.called

    def _claims(self, batches: Sequence[Asked]) -> Iterator[Claim]:
        sequences: dict[int, dict[UUID, int]] = {}
        for record in self.history.records:
            if isinstance(record, Written) and record.id in self.authors:
                sequences.setdefault(id(self.authors[record.id]), {})[record.id] = record.sequence
        wrote = [(batch, list(sequences[id(batch)].values())) for batch in batches if id(batch) in sequences]
        ends = sorted((batch.answered, max(each)) for batch, each in wrote)
        starts = sorted((batch.called, min(each)) for batch, each in wrote)
        highest = [0, *accumulate((sequence for _, sequence in ends), max)]
        lowest = [_END, *accumulate((sequence for _, sequence in reversed(starts)), min)][::-1]
        for batch in batches:
            low = highest[bisect_left(ends, (batch.called, 0))]
            high = lowest[bisect_right(starts, (batch.answered, _END))] - 1
            yield from _claims_of(batch, sequences.get(id(batch), {}), low, high)


def _claims_of(batch: Asked, sequences: Mapping[UUID, int], low: int, high: int) -> Iterator[Claim]:
    if batch.is_rolled_back or not batch.is_answered:
        return
    places = [
        sequences.get(result.entry_id) if isinstance(result, Accepted) and not result.repeated else None
        for result in batch.results
    ]
    for index, result in enumerate(batch.results):
        if not isinstance(result, Rejected) or result.reason is Rejection.LINKED_COMMAND_REJECTED:
            continue
        before = [place for place in places[:index] if place is not None]
        after = [place - 1 for place in places[index:] if place is not None]
        exact = before[-1:] or after[:1]
        if exact and result.reason not in {Rejection.CONTENT_DIFFERS, Rejection.UNKNOWN_ENTRY}:
            yield Claim(batch, index, result.reason, exact[0], exact[0])
        else:
            yield Claim(batch, index, result.reason, low, high)


def _is_of(command: Command, record: Written) -> bool:
    """Whether the stored entry is this command of its batch (which may hold two of one id)."""
    stored = record.entry.command
    asked_for, written = (content_of(_explicit(each, record)) for each in (command, stored))
    return (command.entry_id, asked_for) == (stored.entry_id, written)


def _explicit(command: Command, record: Written) -> Command:
    """Return a post with the lines that it had; any other command as it is."""
    return (
        replace(command, lines=record.entry.lines) if isinstance(command, Post) and command.lines is None else command
    )


def _wrong(claim: Claim) -> str:
    return f"{claim.command} was refused ({claim.reason}); nowhere from {claim.low} to {claim.high} is that right"
