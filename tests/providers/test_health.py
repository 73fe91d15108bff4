"""The pure half of health: counts that fade, what they are worth, and how a channel comes to be held and released."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.providers import Accepted, HealthPolicy, ProviderStatus, Rejected, Standing, State, Unknown
from wisipay.providers.health import (
    CALLS_HALF_LIFE_MS,
    ENDS_HALF_LIFE_MS,
    Hopes,
    Tally,
    health_of,
    hopes_of,
    judge,
    may_try,
    together,
)
from wisipay.providers.recent import Recent

NOW = 1_800_000_000_000
OPEN = Standing()
POLICY = HealthPolicy()
TAKEN = Accepted(ProviderStatus.PENDING)
LOST = Unknown("answer lost")
REFUSED = Rejected("NO", "no", sent=True)
NOTHING = Recent()


def counted(*outcomes: Accepted | Rejected | Unknown, standing: Standing = OPEN) -> Tally:
    tally = Tally(NOW)
    for outcome in outcomes:
        tally.count(outcome, 0.5, NOW, standing)
    return tally


def test_calls_fade_in_a_minute_and_ends_in_ten() -> None:
    tally = counted(TAKEN, TAKEN, LOST, REFUSED)
    tally.well, tally.badly = 8, 4
    tally.fade(NOW + CALLS_HALF_LIFE_MS)
    assert (tally.served, tally.failed, tally.refused, tally.waited_seconds) == (1, 0.5, 0.5, 1)
    tally.fade(NOW + ENDS_HALF_LIFE_MS)
    assert (tally.well, tally.badly) == pytest.approx((4, 2))


def test_a_clock_that_goes_back_changes_nothing() -> None:
    tally = counted(TAKEN)
    tally.fade(NOW - 1)
    assert (tally.served, tally.at_ms) == (1, NOW)


def test_nothing_known_is_believed_to_be_good_but_may_be_anything() -> None:
    unknown = health_of(Tally(NOW), OPEN, NOW)
    known = health_of(Tally(NOW, served=990, failed=10, well=700, badly=300), OPEN, NOW)
    assert unknown.mean == pytest.approx(0.81)
    assert known.mean == pytest.approx(0.99 * 0.7, abs=0.01)
    assert unknown.spread > 5 * known.spread
    assert (unknown.calls, unknown.answered, unknown.seconds) == (0, 1, 0)
    assert (known.calls, known.answered, known.ends) == (1_000, 0.99, 1_000)


def test_what_is_little_known_is_hoped_to_be_like_the_best_that_is_known_well() -> None:
    best, worse = (
        Tally(NOW, served=999, failed=1, well=60, badly=40),
        Tally(NOW, served=500, failed=500, well=90, badly=10),
    )
    lucky = Tally(NOW, served=19, well=19)
    hopes = hopes_of([worse, lucky, best])
    assert (hopes.taken, hopes.well) == pytest.approx((0.999, 0.9), abs=0.001)
    assert health_of(Tally(NOW), OPEN, NOW, hopes).mean == pytest.approx(hopes.taken * hopes.well)
    assert hopes_of([lucky]) == hopes_of([]) == Hopes(0.9, 0.9)


@given(*(st.floats(0, 10_000) for _ in range(5)))
def test_what_is_believed_is_a_share(served: float, refused: float, failed: float, well: float, badly: float) -> None:
    found = health_of(Tally(NOW, served, refused, failed, 0, well, badly), OPEN, NOW)
    assert 0 < found.mean < 1
    assert 0 < found.spread < 0.5


@pytest.mark.parametrize(
    ("outcome", "fails"),
    [
        (TAKEN, False),
        (REFUSED, False),
        (LOST, True),
        (Rejected("MAINTENANCE", "later", sent=True, outage=True), True),
        (Rejected("NOT_SENT", "refused", sent=False), True),
    ],
)
def test_only_a_call_without_service_counts_against_a_channel(
    outcome: Accepted | Rejected | Unknown, fails: object
) -> None:
    assert counted(outcome).failed == (1 if fails else 0)


def test_a_circuit_is_open_until_its_time_or_an_answer() -> None:
    tally = Tally(NOW)
    tally.block(NOW, NOW + 30_000)
    assert health_of(tally, OPEN, NOW + 29_999).is_blocked
    assert not health_of(tally, OPEN, NOW + 30_000).is_blocked
    tally.count(TAKEN, 0.1, NOW + 1, OPEN)
    assert not health_of(tally, OPEN, NOW + 2).is_blocked


def test_a_channel_is_held_when_most_of_the_latest_calls_failed() -> None:
    assert judge(OPEN, Tally(NOW, failed=100), NOTHING, NOW, POLICY) == OPEN
    assert judge(OPEN, Tally(NOW), Recent(failing=0.6), NOW, POLICY) == OPEN
    held = judge(OPEN, Tally(NOW, served=1_000), Recent(failing=0.61), NOW, POLICY)
    assert held == Standing(State.HELD, NOW, NOW + 30_000, 0)


def test_after_its_time_it_is_on_trial_and_what_comes_of_it_decides() -> None:
    held, later = Standing(State.HELD, NOW, NOW + 30_000, 0), NOW + 31_000
    assert judge(held, Tally(NOW), NOTHING, NOW + 29_999, POLICY) == held
    trial = judge(held, Tally(NOW), NOTHING, NOW + 30_000, POLICY)
    assert trial == Standing(State.TRIAL, NOW + 30_000, 0, 0)
    assert judge(trial, Tally(NOW, trial_served=9, trial_failed=1), NOTHING, later, POLICY) == trial
    for tally in (Tally(NOW, trial_served=5), Tally(NOW, trial_served=10, trial_failed=1)):
        assert judge(trial, tally, NOTHING, later, POLICY) == Standing(State.OPEN, later)
    again = judge(trial, Tally(NOW, trial_served=50, trial_failed=2), NOTHING, later, POLICY)
    assert again == Standing(State.HELD, later, later + 60_000, 1)


def test_each_hold_in_a_row_is_twice_as_long_up_to_two_minutes_and_is_forgiven_in_time() -> None:
    bad = Recent(failing=0.9)
    levels = [judge(Standing(level=level, since_ms=NOW - 1_000), Tally(NOW), bad, NOW, POLICY) for level in (0, 1, 50)]
    assert [each.until_ms - NOW for each in levels] == [60_000, 120_000, 120_000]
    assert judge(Standing(level=5, since_ms=NOW - 600_001), Tally(NOW), bad, NOW, POLICY).level == 0


def test_a_doubted_channel_that_is_well_again_stands_anew_and_what_was_before_is_forgotten() -> None:
    before, recent = Standing(since_ms=NOW - 1_000, level=3), Recent(failing=0.5, run=8)
    tally = Tally(NOW, served=40, failed=9, well=5, release=NOW - 1_000)
    recent.run = 7
    assert judge(before, tally, recent, NOW, POLICY) == before
    recent.run = 8
    after = judge(before, tally, recent, NOW, POLICY)
    assert after == Standing(State.OPEN, NOW, 0, 3)
    total = together([tally], after, NOW)
    assert (total.calls, total.well) == (0, 5)


def test_payments_try_channels_on_trial_and_doubted_ones_but_none_that_is_held() -> None:
    trial, doubted = Standing(State.TRIAL, NOW), Recent(failing=0.5, run=1, failed_at_ms=NOW)
    assert not may_try(NOTHING, trial, NOW, NOW + 999, POLICY)
    assert may_try(NOTHING, trial, NOW, NOW + 1_000, POLICY)
    assert may_try(doubted, OPEN, 0, NOW + 1_000, POLICY)
    assert not may_try(doubted, Standing(State.HELD, NOW, NOW + 30_000), 0, NOW + 1_000, POLICY)
    assert health_of(Tally(NOW), OPEN, NOW, may_try=True).may_try


def test_what_was_counted_before_a_release_is_forgotten() -> None:
    released = Standing(State.OPEN, NOW, 0, 0)
    tally = counted(LOST, LOST)
    tally.well = 5
    total = together([tally], released, NOW)
    assert (total.failed, total.well, tally.waited_seconds) == (0, 5, 0)
    tally.count(TAKEN, 0.1, NOW, released)
    assert together([tally], released, NOW).served == 1


def test_only_calls_of_the_trial_count_for_it_and_processes_add_up() -> None:
    trial = Standing(State.TRIAL, NOW, 0, 0)
    one, other = counted(TAKEN, LOST, standing=trial), counted(TAKEN, standing=trial)
    older = counted(LOST, LOST, standing=Standing(State.TRIAL, NOW - 60_000))
    other.blocked_at_ms, other.blocked_until_ms = NOW, NOW + 5
    total = together([one, other, older], trial, NOW)
    assert (total.trial_served, total.trial_failed) == (2, 1)
    assert (total.blocked_until_ms, total.answered_at_ms) == (NOW + 5, NOW)


def test_a_circuit_that_opens_or_is_tried_says_nothing_of_the_share_that_fails() -> None:
    tally = counted(TAKEN, LOST, LOST)
    assert (tally.answers, tally.failures) == (1, 2)
    tally.block(NOW + 1, NOW + 30_000)
    tally.count(LOST, 0.1, NOW + 2, OPEN)  # the call that opened it is counted once it is open
    assert (tally.answers, tally.failures, round(tally.failed)) == (1, 2, 3)
    tally.count(TAKEN, 0.1, NOW + 3, OPEN)
    tally.count(LOST, 0.1, NOW + 4, OPEN)
    assert (tally.answers, tally.failures) == (2, 3)
