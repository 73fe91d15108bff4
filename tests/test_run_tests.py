"""What counts as a failed run, and what is told of a failed test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import run_tests
from support.failing import server_activity
from wisipay.core.database import Pool


class Runs:
    """Plays pytest: each run fails the next set of tests; an `int` is an exit status without tests."""

    def __init__(self, file: Path, *runs: int | set[str]) -> None:
        self.file, self.runs, self.asked = file, list(runs), list[tuple[str, ...]]()

    def __call__(self, *arguments: str) -> int:
        self.asked.append(arguments)
        run = self.runs.pop(0)
        if isinstance(run, int):
            return run
        self.file.write_text(json.dumps(dict.fromkeys(run, True)), encoding="utf-8")
        return 1 if run else 0


@pytest.mark.parametrize(
    ("runs", "status"),
    [
        ([set()], 0),
        ([{"a", "b"}, set()], 0),
        ([{"a", "b"}, {"b"}], 1),
        ([{str(number) for number in range(6)}], 1),
        ([1], 1),  # it failed, but no test did
        ([2], 2),  # interrupted
    ],
    ids=["all pass", "passes alone", "fails twice", "too many", "no test failed", "interrupted"],
)
def test_a_run_fails_when_a_test_fails_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list[int | set[str]], status: int
) -> None:
    file = tmp_path / "lastfailed"
    file.write_text('{"of a run before": true}', encoding="utf-8")
    play = Runs(file, *runs)
    monkeypatch.setattr(run_tests, "_pytest", play)
    assert run_tests.run_tests("2", failed_file=file) == status
    assert play.runs == []


def test_what_passed_only_alone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lastfailed"
    monkeypatch.setattr(run_tests, "_pytest", Runs(file, {"tests/a.py::b"}, set()))
    run_tests.run_tests("2", failed_file=file)
    assert "1 TESTS PASSED ONLY WHEN RUN AGAIN, ALONE !!!!!!\n  tests/a.py::b\n" in capsys.readouterr().out


async def test_a_failure_shows_what_the_server_did(database: Pool) -> None:
    await database.fetchval("SELECT 'seen by the one who looks'")
    assert "| wisipay tests | idle |" in server_activity()
    assert "seen by the one who looks" in server_activity()
