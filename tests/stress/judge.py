"""Whether what the writers were told, and what they left behind, is what a ledger alone with itself would have done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from stress.history import History, Written, line_faults
from stress.journal import Asked
from stress.replay import Replay
from stress.sequential import Known, Sequential
from stress.universe import SPECS
from wisipay.ledger import Accepted

_FAULTS_MAX = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong (at most twenty things), and how much was judged."""

    faults: list[str]
    counts: Counter[str]


def judge(history: History, batches: Sequence[Asked]) -> Verdict:
    """Compare everything."""
    model = Sequential.of(SPECS)
    authors = _authors(history, batches)
    faults = list(islice(_faults(model, history, authors, batches), _FAULTS_MAX))
    return Verdict(faults, _counts(history, batches))


def _faults(
    model: Sequential, history: History, authors: Mapping[UUID, Asked], batches: Sequence[Asked]
) -> Iterator[str]:
    yield from line_faults(history)
    yield from Replay(model, history, authors).faults(batches)
    yield from _balance_faults(model, history)
    yield from _answer_faults(model, history, batches)


def _counts(history: History, batches: Sequence[Asked]) -> Counter[str]:
    counts: Counter[str] = Counter(entries=len(_written(history)))
    for batch in batches:
        counts["batches"] += 1
        counts["batches linked"] += batch.is_linked
        counts["batches rolled back"] += batch.is_rolled_back
        counts["batches never answered"] += not batch.is_answered
        for result in batch.results:
            if isinstance(result, Accepted):
                counts["answers: repeated" if result.repeated else "answers: accepted"] += 1
            else:
                counts[f"answers: {result.reason}"] += 1
    return counts


def _written(history: History) -> dict[UUID, Written]:
    return {record.id: record for record in history.records if isinstance(record, Written)}


def _authors(history: History, batches: Sequence[Asked]) -> dict[UUID, Asked]:
    """Return the batch that wrote each entry: the one that was told so, or else one that was never answered."""
    authors: dict[UUID, Asked] = {}
    written = _written(history)
    for batch in batches:
        if not batch.is_rolled_back:
            for result in batch.results:
                if isinstance(result, Accepted) and not result.repeated:
                    authors[result.entry_id] = batch
    for batch in batches:
        if not batch.is_answered:
            for command in batch.commands:
                if command.entry_id in written:
                    authors.setdefault(command.entry_id, batch)
    return authors


def _answer_faults(model: Sequential, history: History, batches: Sequence[Asked]) -> Iterator[str]:
    """Compare what was told with the accepted set: nothing told is missing, nothing was accepted twice."""
    written = _written(history)
    firsts: Counter[UUID] = Counter()
    for batch in batches:
        if batch.is_rolled_back or not batch.is_answered:
            continue
        if batch.is_linked and len({isinstance(result, Accepted) for result in batch.results}) > 1:
            yield f"linked, and part of it accepted: {batch.results}"
        for command, result in zip(batch.commands, batch.results, strict=True):
            if isinstance(result, Accepted):
                firsts[result.entry_id] += not result.repeated
                if result.entry_id not in written:
                    yield f"{command} was accepted, and {result.entry_id} is not there"
                elif not model.repeats(_known(written[result.entry_id]), command):
                    yield f"{command} was accepted, and {written[result.entry_id]} is there"
    yield from (f"entry {entry_id} was accepted {times} times" for entry_id, times in firsts.items() if times > 1)
    keys = Counter(record.entry.command.idempotency_key for record in written.values())
    yield from (f"key {key} was taken {times} times" for key, times in keys.items() if key is not None and times > 1)


def _known(record: Written) -> Known:
    return Known(record.entry.command, record.entry.lines, record.entry.currency)


def _balance_faults(model: Sequential, history: History) -> Iterator[str]:
    if any(history.net_by_currency.values()):
        yield f"debits are not credits: {history.net_by_currency}"
    for name, money in model.accounts.items():
        stored = history.accounts[name]
        counters = (stored.debits_posted, stored.credits_posted), (stored.debits_pending, stored.credits_pending)
        if counters != (money.posted, money.held):
            yield f"{name}: {counters} stored, {(money.posted, money.held)} replayed"
        if (stored.status, stored.min_balance) != (money.status, money.floor):
            yield f"{name}: {stored.status} with floor {stored.min_balance}, replayed {money.status}, {money.floor}"
