"""A long run is written down stretch by stretch, and one that was killed goes on from there."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulation import __main__ as command_line
from simulation import records, runs
from simulation.history import Outcome, run_seed
from simulation.records import Plan, Record
from simulation.tally import Tally
from support.source_file import REPOSITORY
from support.waiting import until

pytestmark = pytest.mark.timeout(900)  # a busy machine gives a run a small part of a core


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "STRETCH", 2)
    monkeypatch.setattr(runs, "TELL_SECONDS", 0)


def simulate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = command_line.main([*arguments])
    return status, capsys.readouterr().out


def seen(told: str) -> list[str]:
    """Return what a report says of the histories: not how fast they were."""
    return re.findall(r"^ +\d+ .*$", told, re.MULTILINE)


def test_plan_is_cut_into_stretches_that_hold_each_seed_once() -> None:
    assert Plan(10, 5, 3).stretches() == [range(10, 12), range(12, 14), range(14, 15)]


def test_run_that_was_cut_short_goes_on_and_tells_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    _, told = simulate(capsys, "--histories", "5", "--first-seed", "3", "--steps", "20", "--record", str(whole))
    assert "4 of 5 histories, 0 failed" in told
    lines = whole.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 4
    cut.write_text("".join([*lines[:2], lines[2][:40]]), encoding="utf-8")
    status, told_again = simulate(capsys, "--resume", str(cut))
    assert (status, seen(told_again)) == (0, seen(told))
    assert [json.loads(line)["first_seed"] for line in cut.read_text(encoding="utf-8").splitlines()] == [3, 3, 5, 7]
    _, told_at_once = simulate(capsys, "--resume", str(cut))
    assert seen(told_at_once) == seen(told)


def test_run_on_two_processes_counts_what_one_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--histories", "7", "--first-seed", "3", "--steps", "20")
    _, alone = simulate(capsys, *arguments)
    status, told = simulate(capsys, *arguments, "--workers", "2", "--record", str(tmp_path / "record"))
    assert (status, seen(told)) == (0, seen(alone))
    plan, done = Record(tmp_path / "record", "").read()
    assert sorted(done) == [each.start for each in plan.stretches()]


async def test_killed_run_leaves_its_stretches_behind(tmp_path: Path) -> None:
    path = tmp_path / "record"
    arguments = ("--histories", "1000000", "--first-seed", "1", "--steps", "1", "--workers", "2", "--record", str(path))
    with subprocess.Popen(  # noqa: S603, ASYNC220 - our own command; nothing else runs meanwhile
        [sys.executable, "-m", "simulation", *arguments], cwd=REPOSITORY / "tests", stdout=subprocess.DEVNULL
    ) as process:
        try:
            await until(lambda: path.exists() and path.read_bytes().count(b"\n") > 2, timeout_seconds=300)
        finally:
            process.send_signal(signal.SIGKILL)
    assert len(Record(path, "").read()[1]) >= 2


def test_failures_are_written_down_and_end_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(seed: int, steps: int) -> Outcome:
        fine = run_seed(seed, steps)
        return Outcome(KeyError(f"of {seed}"), fine.script, fine.seen, [])

    monkeypatch.setattr(runs, "run_seed", broken)
    path = tmp_path / "record"
    status, told = simulate(capsys, "--histories", "90", "--first-seed", "1", "--steps", "3", "--record", str(path))
    assert status == 1
    assert 'make simulate ARGS="--seed 5 --steps 3"' in told
    assert "seed 7 failed" not in told
    status, told = simulate(capsys, "--resume", str(path))
    assert status == 1
    assert "seed 4 failed: 'of 4'" in told


def test_record_says_which_code_was_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "record"
    record = Record(path, "the-code-of-before")
    record.begin(Plan(1, 3, 5))
    record.add(range(1, 3), Tally(histories=2))
    _, told = simulate(capsys, "--resume", str(path))
    assert "2 with the code of the-code-of-before" in told
    assert f"1 with the code of {records.present_commit()}" in told


def test_record_that_is_there_is_not_begun_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "record"
    path.touch()
    for option, reason in (("--record", "File exists"), ("--resume", "is not the record of a run")):
        with pytest.raises(SystemExit) as ended:
            command_line.main(["--histories", "1", option, str(path)])
        assert ended.value.code == 2
        assert reason in capsys.readouterr().err
