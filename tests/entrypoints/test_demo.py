"""The command `wisipay demo`: what it prints where, its exit status, and its end. The run itself is only played."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from wisipay.core.config import Settings, load_settings
from wisipay.entrypoints import cli
from wisipay.entrypoints import demo as command
from wisipay.entrypoints.demonstration.books import CallbackTotals, Comparison, LedgerTotals
from wisipay.entrypoints.demonstration.report import Result
from wisipay.entrypoints.demonstration.run import Wanted
from wisipay.entrypoints.demonstration.simulator import CallbackCounts, ProviderSummary, Webhooks
from wisipay.entrypoints.supervisor import SupervisorError
from wisipay.ledger import TrialBalance

_COMPARISON = Comparison(
    payments=0,
    counted=0,
    by_status={},
    executed={},
    ledger=LedgerTotals(0, 0, 0, balanced=True, trial_balance=TrialBalance((), {})),
    callbacks=CallbackTotals(0, 0, 0),
    provider=ProviderSummary(0, 0, 0, 0, 0, Webhooks(0), CallbackCounts(0)),
    disagreements=(),
    disagreement_count=0,
)
_GOOD = Result(_COMPARISON, settled=True, lifecycles_per_second=1.0, seconds=1.0, refused=0, surprises={})


@dataclass
class _Stage:
    """A stack that runs nothing, and a run that gives what it is told."""

    settings: Settings
    merchants: tuple[dict[str, str], ...] = ({"id": "MER-1", "secret": "the-secret"},)
    result: Result = _GOOD
    wanted: Wanted | None = None
    stopped: bool = False
    waits: Callable[[], None] | None = None
    runs_for_ever: bool = False

    async def wait(self) -> None:
        if self.waits is not None:
            self.waits()
        await asyncio.Event().wait()

    @asynccontextmanager
    async def running(self, **_: Any) -> AsyncIterator[_Stage]:  # noqa: ANN401 - whatever a stack is given
        try:
            yield self
        finally:
            self.stopped = True

    async def run(self, _stack: object, _display: object, _clock: object, wanted: Wanted) -> Result:
        self.wanted = wanted
        if self.runs_for_ever:
            await asyncio.Event().wait()
        return self.result


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Stage:
    made = _Stage(load_settings({"DATA_DIR": str(tmp_path)}))
    monkeypatch.setattr(command, "running_stack", made.running)
    monkeypatch.setattr(command, "run", made.run)
    return made


def _status(*arguments: str) -> object:
    with pytest.raises(SystemExit) as end:
        cli.app(["demo", *arguments])
    return end.value.code


def _nothing() -> None:
    pass


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_good_books_end_with_status_0_and_one_json_object_on_stdout(
    stage: _Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _status("--once", "--json", "--payins", "7", "--payouts", "5") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["agree"] is True
    assert "The books agree" in shown.err
    assert stage.wanted == Wanted(7, 5)
    assert stage.stopped


def test_bad_books_end_with_status_1(stage: _Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.result = replace(_GOOD, settled=False)
    assert _status("--once") == 1
    assert "Not every payment came to its end" in capsys.readouterr().out


def test_without_once_everything_stays_up_until_it_is_interrupted(
    stage: _Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: Iterator[Callable[[], None]] = iter((_nothing, _interrupt))

    def second_time_interrupted() -> None:
        next(calls)()

    stage.waits = second_time_interrupted
    assert _status() == 0
    shown = capsys.readouterr().out
    assert "merchant MER-1  secret the-secret" in shown
    assert "openssl dgst" in shown
    assert stage.stopped


def test_an_interrupted_run_has_no_result(stage: _Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.runs_for_ever = True
    stage.waits = _interrupt
    assert _status("--json") == 130
    assert capsys.readouterr().out == ""
    assert stage.stopped


def test_a_stack_that_breaks_down_ends_the_run_at_once(stage: _Stage) -> None:
    def break_down() -> None:
        raise SupervisorError("payment ended too often")

    stage.runs_for_ever = True
    stage.waits = break_down
    with pytest.raises(SupervisorError, match="too often"):
        cli.app(["demo"])
    assert stage.stopped


@pytest.mark.parametrize("option", ["--payins=-1", "--payouts=50001"])
def test_a_number_of_payments_out_of_bounds_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _status(option) == 2
    assert "Must be" in capsys.readouterr().err
