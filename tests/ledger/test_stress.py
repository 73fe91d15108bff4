"""Many writers in several processes do what one writer alone could have done, in the order of the ledger.

For longer than here: docs/ledger/stress.md. The judge is judged first: everything it is there for is planted once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from stress.history import History, StoredLine, Written
from stress.journal import Asked
from stress.judge import judge
from stress.play import Play, play
from stress.universe import BANK, POT, SPECS, START, WALLETS
from wisipay import ledger
from wisipay.ledger import Accepted, Command, Line, Rejected, Rejection, Result

SEED = 1


@pytest.mark.usefixtures("database")
async def test_many_processes_write_what_one_after_the_other_would(database_url: str, tmp_path: Path) -> None:
    verdict = await play(Play(database_url, tmp_path, SEED))
    assert verdict.faults == []
    met = {name.removeprefix("answers: ") for name, count in verdict.counts.items() if count}
    assert {"accepted", "repeated", "batches linked", "batches rolled back", "batches never answered"} <= met
    assert {Rejection.INSUFFICIENT_FUNDS, Rejection.CONTENT_DIFFERS, Rejection.ALREADY_RESOLVED} <= met


def _transfer(number: int, debit: ledger.AccountSpec, credit: ledger.AccountSpec, **content: Any) -> ledger.Transfer:  # noqa: ANN401 - any field
    return ledger.Transfer(UUID(int=number), (Line(debit.id, 10), Line(credit.id, -10)), **content)


PAYIN = _transfer(1, BANK, WALLETS[0], idempotency_key="k")
HOLD = _transfer(2, WALLETS[0], BANK, pending=True)
TOO_MUCH = _transfer(3, WALLETS[0], BANK)
POST = ledger.Post(UUID(int=4), HOLD.entry_id)
SECOND_POST = ledger.Post(UUID(int=5), HOLD.entry_id)
BATCHES: Sequence[Sequence[Command]] = ([PAYIN], [HOLD, TOO_MUCH], [POST, PAYIN], [SECOND_POST])


def _good() -> tuple[History, list[Asked]]:
    """Return a small history and the journal of who wrote it, one batch after the other."""
    book = ledger.Book(ledger.Account.opened(spec) for spec in SPECS)
    batches = [
        Asked(list(commands), START, called=10 * place, answered=10 * place + 5, results=_answers(book, commands))
        for place, commands in enumerate(BATCHES)
    ]
    keys = {spec.id: key for key, spec in enumerate(SPECS)}
    lines = [
        StoredLine(keys[account.id], place, entry.posted_at, amount, after, pending, entry.command.entry_id, number)
        for entry in book.added
        for pending in [entry.kind is ledger.EntryKind.PENDING]
        for number, (account, amount, after, place) in enumerate(entry.movements)
    ]
    lines.sort(key=lambda line: (line.balance_number, line.account_line))
    accounts = {spec.id: account for spec in SPECS if (account := book.account(spec.id))}
    records = [Written(sequence, entry) for sequence, entry in enumerate(book.added, 1)]
    return History(records, lines, accounts, {"INR": 0}), batches


def _answers(book: ledger.Book, commands: Sequence[Command]) -> list[Result]:
    return [book.apply(command, START) for command in commands]


def test_a_good_history_is_good() -> None:
    history, batches = _good()
    assert [type(result) for batch in batches for result in batch.results] == [
        *(Accepted, Accepted, Rejected, Accepted, Accepted, Rejected)
    ]
    assert judge(history, batches).faults == []


Plant = Callable[[History, list[Asked]], History]


def _answer(batch: int, index: int, result: Result) -> Plant:
    def plant(history: History, batches: list[Asked]) -> History:
        batches[batch].results[index] = result
        return history

    return plant


def _line(place: int, **change: Any) -> Plant:  # noqa: ANN401 - any field
    def plant(history: History, _batches: list[Asked]) -> History:
        return replace(
            history,
            lines=[replace(line, **change) if each == place else line for each, line in enumerate(history.lines)],
        )

    return plant


def _counters(history: History, _batches: list[Asked]) -> History:
    history.accounts[BANK.id].debits_posted += 1
    return history


def _status(history: History, _batches: list[Asked]) -> History:
    history.accounts[POT.id].status = ledger.AccountStatus.FROZEN
    return history


def _sooner(history: History, _batches: list[Asked]) -> History:
    sequences = [2, 1, 3]
    return replace(
        history,
        records=sorted(
            (replace(each, sequence=place) for each, place in zip(history.records, sequences, strict=True)),
            key=lambda record: record.sequence,
        ),
    )


def _no_author(history: History, batches: list[Asked]) -> History:
    del batches[0]
    return history


REFUSED_WRONGLY = Rejected(Rejection.ACCOUNT_FROZEN, "")


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        pytest.param(_answer(1, 1, REFUSED_WRONGLY), "nowhere from 2 to 2", id="another reason, after an own entry"),
        pytest.param(_answer(3, 0, REFUSED_WRONGLY), "nowhere from 3 to", id="another reason, no entry"),
        pytest.param(_answer(2, 1, Rejected(Rejection.CONTENT_DIFFERS, "lines")), "nowhere", id="same content"),
        pytest.param(_answer(3, 0, Rejected(Rejection.UNKNOWN_ENTRY, "")), "nowhere", id="the entry was known"),
        pytest.param(_answer(1, 1, Accepted(TOO_MUCH.entry_id)), "is not there", id="an entry that is missing"),
        pytest.param(_answer(2, 1, Accepted(PAYIN.entry_id)), "accepted 2 times", id="accepted twice"),
        pytest.param(_answer(2, 1, Accepted(HOLD.entry_id, repeated=True)), "was accepted, and", id="another entry"),
        pytest.param(_line(0, account_line=2), "the line before it is 0", id="a gap"),
        pytest.param(_line(1, balance_after=7), "the balance before it was 10", id="a running balance"),
        pytest.param(_line(1, amount=-9), "its entry says", id="an amount"),
        pytest.param(_line(1, number=5), "no entry has it", id="a line of no entry"),
        pytest.param(_counters, "stored", id="counters"),
        pytest.param(_status, "replayed ACTIVE", id="a status"),
        pytest.param(_sooner, "alone it would be refused", id="an order in which there were no funds"),
        pytest.param(_no_author, "nobody asked for it", id="an entry of nobody"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(plant: Plant, fault: str) -> None:
    history, batches = _good()
    assert any(fault in each for each in judge(plant(history, batches), batches).faults)
