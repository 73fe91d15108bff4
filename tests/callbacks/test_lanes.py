"""Fairness between merchants: who gets how many places."""

from hypothesis import given
from hypothesis import strategies as st

from wisipay.callbacks.lanes import BEHIND_SECONDS, WINDOW_MAX, WINDOW_MIN, WINDOW_START, Lanes


def _claim(lanes: Lanes, merchants: list[str], free: int, now: float = 0) -> dict[str, int]:
    places = lanes.share_out(merchants, free, now)
    for merchant_id, count in places.items():
        for _ in range(count):
            lanes.begin(merchant_id)
    return places


def _fail(lanes: Lanes, merchant_id: str, times: int, now: float = 0) -> None:
    for _ in range(times):
        lanes.end(merchant_id, delivered=False, latency_ms=10_000, hold_seconds=0, now=now)


def test_a_merchant_takes_no_more_than_its_window() -> None:
    lanes = Lanes(room=100)
    assert _claim(lanes, ["A"], 100) == {"A": WINDOW_START}
    assert _claim(lanes, ["A"], 92) == {}
    assert _claim(lanes, ["A", "B"], 92) == {"B": WINDOW_START}


def test_scarce_places_go_around_in_turns() -> None:
    assert Lanes(room=10).share_out(["A", "B", "C"], 7, 0) == {"A": 3, "B": 2, "C": 2}
    assert Lanes(room=10).share_out(["A", "B", "C"], 2, 0) == {"A": 1, "B": 1}


def test_no_place_no_share() -> None:
    assert Lanes(room=10).share_out(["A"], 0, 0) == {}
    assert Lanes(room=10).share_out([], 5, 0) == {}


def test_quick_successes_widen_the_window_up_to_its_bound() -> None:
    lanes = Lanes(room=1000)
    for _ in range(500):
        lanes.begin("A")
        lanes.end("A", delivered=True, latency_ms=20, hold_seconds=0, now=0)
    assert lanes.share_out(["A"], 1000, 0) == {"A": WINDOW_MAX}


def test_failures_and_slow_answers_narrow_the_window_to_its_floor() -> None:
    lanes = Lanes(room=100)
    _claim(lanes, ["A"], 8)
    _fail(lanes, "A", 7)
    lanes.end("A", delivered=True, latency_ms=9_000, hold_seconds=0, now=0)
    assert lanes.share_out(["A"], 100, 0) == {"A": WINDOW_MIN}


def test_merchants_in_trouble_share_half_of_the_room_however_many_they_are() -> None:
    lanes = Lanes(room=8)
    troubled = [f"T{number}" for number in range(20)]
    for merchant_id in troubled:
        for _ in range(3):
            lanes.begin(merchant_id)
        _fail(lanes, merchant_id, 3)
    taken = _claim(lanes, troubled, 8)
    assert sum(taken.values()) == 4
    assert _claim(lanes, [*troubled, "healthy"], 4) == {"healthy": 4}


def test_a_held_lane_opens_again() -> None:
    lanes = Lanes(room=10)
    lanes.begin("A")
    lanes.end("A", delivered=False, latency_ms=5, hold_seconds=30, now=100)
    assert lanes.share_out(["A"], 10, 129) == {}
    assert lanes.share_out(["A"], 10, 130) == {"A": 4}


def test_idle_lanes_are_forgotten_busy_and_held_ones_are_not() -> None:
    lanes = Lanes(room=100)
    _claim(lanes, ["idle", "busy"], 4)
    _fail(lanes, "idle", 2, now=0)
    lanes.begin("held")
    lanes.end("held", delivered=False, latency_ms=5, hold_seconds=5000, now=0)
    lanes.forget_idle(now=1000)
    assert lanes.share_out(["idle", "busy", "held"], 100, 1000) == {"idle": WINDOW_START, "busy": WINDOW_START - 2}


@given(
    waiting=st.lists(st.sampled_from("ABCDEFGH"), unique=True),
    free=st.integers(0, 50),
    failures=st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(1, 6)),
)
def test_shares_never_exceed_what_is_free_nor_skip_a_healthy_merchant(
    waiting: list[str], free: int, failures: dict[str, int]
) -> None:
    lanes = Lanes(room=16)
    for merchant_id, times in failures.items():
        for _ in range(times):
            lanes.begin(merchant_id)
        _fail(lanes, merchant_id, times)
    shares = lanes.share_out(waiting, free, 0)
    assert sum(shares.values()) <= free
    assert all(places > 0 for places in shares.values())
    healthy = [merchant_id for merchant_id in waiting if merchant_id not in failures]
    if free >= len(waiting):
        assert set(healthy) <= set(shares)


def test_a_merchant_with_something_due_is_behind_until_it_is_served_or_no_sweep_sees_it_again() -> None:
    lanes = Lanes(room=10)
    assert not lanes.is_behind("A", 0)
    for merchant_id in ("A", "B"):
        lanes.note_waiting(merchant_id, 0)
    lanes.note_served("A")
    assert not lanes.is_behind("A", 0)
    assert lanes.is_behind("B", BEHIND_SECONDS / 2)
    assert not lanes.is_behind("B", BEHIND_SECONDS)
    lanes.forget_idle(BEHIND_SECONDS)
    lanes.note_served("B")


def test_a_delivery_that_is_not_made_after_all_leaves_the_window_as_it_was() -> None:
    lanes = Lanes(room=100)
    _claim(lanes, ["A"], 100)
    assert not lanes.is_open("A", 0)
    lanes.forgo("A")
    assert _claim(lanes, ["A"], 100) == {"A": 1}
