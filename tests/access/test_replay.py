"""Marks of used signatures in one process's memory."""

from wisipay.access import ReplayMark
from wisipay.access.replay import LocalReplays


def test_a_mark_is_remembered_for_its_time() -> None:
    replays = LocalReplays()
    mark = ReplayMark("one", keep_ms=100)
    assert not replays.seen_before(mark, 0)
    assert replays.seen_before(mark, 99)
    assert not replays.seen_before(mark, 100)
    assert replays.seen_before(mark, 101)


def test_the_oldest_marks_are_forgotten_when_there_are_too_many() -> None:
    replays = LocalReplays(marks_max=2)
    for key in ("one", "two", "three"):
        assert not replays.seen_before(ReplayMark(key, 1000), 0)
    assert replays.seen_before(ReplayMark("three", 1000), 1)
    assert not replays.seen_before(ReplayMark("one", 1000), 1)
