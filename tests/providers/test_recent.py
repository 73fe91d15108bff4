"""When a channel is doubted, tried and believed again."""

from __future__ import annotations

from random import Random

import pytest

from wisipay.providers.recent import DOUBT_SECONDS, RUSH_SECONDS, Recent

NOW = 1_800_000_000_000


def after(calls: str, recent: Recent | None = None) -> Recent:
    """Return what is known after calls, each an answer (+) or a failure (-)."""
    found = Recent() if recent is None else recent
    for call in calls:
        found.take(int(call == "+"), int(call == "-"), NOW)
    return found


def answers_until_well(recent: Recent) -> int:
    answers = 0
    while not recent.is_well_again:
        recent.take(1, 0, NOW)
        answers += 1
    return answers


@pytest.mark.parametrize(
    ("calls", "is_doubted"),
    [
        ("", False),
        ("--", False),
        ("---", True),
        ("+++++---", True),
        ("--+-", True),
        ("-+-+-", False),
        ("-++++-++++-", False),
    ],
)
def test_a_channel_is_doubted_when_a_quarter_of_the_latest_calls_failed(calls: str, *, is_doubted: bool) -> None:
    assert after(calls).is_doubted is is_doubted


def test_answers_do_not_end_a_doubt_before_they_are_more_than_chance_would_bring() -> None:
    assert answers_until_well(after("-" * 100)) == 3
    assert answers_until_well(after("+--+---+--" * 5)) == 5
    assert answers_until_well(after("+-" * 20)) == 8
    assert answers_until_well(after("---")) == 17
    assert not after("+++--+++").is_well_again


@pytest.mark.parametrize("share", [0.7, 0.5, 0.3])
def test_one_that_goes_on_failing_is_hardly_ever_believed(share: float) -> None:
    chance, recent, believed = Random(5), Recent(), 0  # noqa: S311 - no secret, and the same calls every time
    for _ in range(5_000):
        failed = chance.random() < share
        recent.take(int(not failed), int(failed), NOW)
        if recent.is_well_again:
            believed, recent = believed + 1, Recent()
    assert believed < 5_000 * share * 0.03


def test_after_a_failure_it_is_left_alone_and_after_answers_tried_the_sooner_the_more_they_are() -> None:
    doubted, left_alone_ms = after("---"), DOUBT_SECONDS * 1_000
    assert not doubted.may_try(0, NOW + left_alone_ms - 1)
    assert doubted.may_try(0, NOW + left_alone_ms)
    assert not doubted.may_try(NOW + left_alone_ms, NOW + left_alone_ms + 1)
    for run, gap_ms in ((1, 1_000), (2, 500), (10, RUSH_SECONDS * 1_000)):
        answered = after("---" + "+" * run)
        assert answered.run == run
        assert not answered.may_try(NOW, round(NOW + gap_ms - 1))
        assert answered.may_try(NOW, round(NOW + gap_ms))
    assert not after("--").may_try(0, NOW + left_alone_ms)


def test_answers_and_failures_at_once_count_as_if_they_had_come_mixed() -> None:
    at_once, one_by_one = Recent(), after("++-" * 10 + "++")
    at_once.take(22, 10, NOW)
    assert at_once.run == one_by_one.run
    assert at_once.failing == pytest.approx(one_by_one.failing)
    at_once.take(3, 0, NOW)
    assert at_once.run == 5
