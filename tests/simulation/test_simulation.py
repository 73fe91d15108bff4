"""A sample of histories holds every invariant; a history replays exactly; a failing one is told, and shrunk."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from simulation import __main__ as command_line
from simulation.broken import Broken
from simulation.choices import ScriptedChoices, SeededChoices
from simulation.history import Outcome, run_script, run_seed
from simulation.runs import quiet
from simulation.shrinking import shrink
from simulation.world import World
from support.source_file import REPOSITORY
from wisipay.payments.model import Status

pytestmark = pytest.mark.timeout(900)  # a busy machine gives a sample a small part of a core

SEEN = (
    "PAYIN EXPIRED",
    "PAYIN SUCCESS",
    "PAYIN REVERSED",
    "PAYOUT FAILED",
    "PAYOUT SUCCESS",
    "PAYOUT REVERSED",
    "account FROZEN",
    "alert: amount mismatch",
    "alert: late success",
    "batch committed twice",
    "batch killed after the commit",
    "batch read early, committed later",
    "batch split, killed in between",
    "beneficiary that cannot be right",
    "call answer lost",
    "call order late",
    "callback born leased",
    "callback lease lost",
    "channel held",
    "channel paused",
    "channel trial",
    "express request lost",
    "express, answered",
    "express, not for it",
    "express, opened",
    "order executed late",
    "order sent twice at once",
    "process stopped",
    "refused DAILY_LIMIT",
    "refused INSUFFICIENT_BALANCE",
    "refused MONTHLY_LIMIT",
    "rules cost",
    "rules success",
    "rules weight",
    "status set by hand",
    "together",
    "webhook forged",
    "webhook lease lost",
    "webhook of another channel",
    "webhook repeated",
    "webhook wrong amount",
)
"""What a sample must have seen to be worth anything."""


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `make simulate` as a process of its own: measured for coverage, it would take three times as long."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "simulation", *arguments],
        cwd=REPOSITORY,
        env=environment | {"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_sample_of_histories_holds_every_invariant_and_sees_every_kind_of_trouble() -> None:
    ran = simulate("--histories", "400", "--first-seed", "1")
    assert ran.returncode == 0, ran.stdout[-3_000:] + ran.stderr[-3_000:]
    assert [what for what in SEEN if f" {what}\n" not in ran.stdout] == []


def test_fresh_histories_hold_every_invariant() -> None:
    ran = simulate("--histories", "60")
    assert ran.returncode == 0, ran.stdout[-3_000:] + ran.stderr[-3_000:]


def test_history_is_the_same_each_time_from_its_seed_and_from_its_choices() -> None:
    with quiet():
        first, second = run_seed(7, 120), run_seed(7, 120)
        replayed = run_script(first.script, told=True)
    assert first.script == second.script == replayed.script
    assert first.seen == second.seen == replayed.seen
    assert first.broken is second.broken is replayed.broken is None
    assert replayed.trace


def test_record_of_choices_counts_as_nought_where_it_ends() -> None:
    choices = ScriptedChoices([[5], [4], [1, 1]])
    assert (choices.below(3), choices.below(3)) == (2, 0)
    choices.begin_step()
    assert (choices.chance(1), choices.chance(0), choices.weighted((1, 2))) == (True, False, 0)
    assert choices.is_over
    choices.begin_rest()
    assert choices.below(9) == 4
    assert choices.steps == [[2, 0], [4], [1, 1, 0]]


def test_choices_of_a_seed_follow_their_weights() -> None:
    choices = SeededChoices(1)
    assert {choices.weighted((0, 3, 3)) for _ in range(50)} == {1}
    assert not any(choices.chance(0) for _ in range(50))
    assert {choices.below(2) for _ in range(50)} == {0, 1}


@pytest.fixture
def broken_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a history break as soon as any payment has succeeded."""
    commit = World.commit

    def checked(world: World, *arguments: object) -> object:
        results = commit(world, *arguments)  # type: ignore[arg-type] # the arguments are passed on
        if any(each.status is Status.SUCCESS for each in world.payments.transactions.values()):
            raise Broken("no success", "a payment succeeded")
        return results

    monkeypatch.setattr(World, "commit", checked)


@pytest.mark.usefixtures("broken_rule")
def test_failing_history_shrinks_to_a_few_steps() -> None:
    with quiet():
        short = shrink(run_seed(4, 100), histories_max=400)
    assert short.invariant == "no success"
    assert short.steps < 12
    assert any("starts PAY" in line for line in short.trace)


@pytest.mark.usefixtures("broken_rule")
def test_failing_seed_is_printed_with_how_to_replay_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--histories", "3", "--first-seed", "11", "--steps", "60"]) == 1
    assert 'make simulate ARGS="--seed 11 --steps 60"' in capsys.readouterr().out
    assert command_line.main(["--seed", "11", "--steps", "60"]) == 1
    assert "shrunk to" in capsys.readouterr().out


def test_seed_alone_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--seed", "5", "--steps", "30"]) == 0
    assert "every invariant held" in capsys.readouterr().out


def test_what_broke_has_a_short_name() -> None:
    fine = Outcome(None, [], run_seed(1, 0).seen, [])
    assert fine.invariant == ""
    assert replace(fine, broken=KeyError("x")).invariant == "KeyError"
    assert replace(fine, broken=Broken("floor", "below")).invariant == "floor"
