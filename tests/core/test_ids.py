"""Readable ids, uuid7 keys and secrets."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.ids import (
    CROCKFORD,
    ID_LENGTH_MAX,
    RisingNumbers,
    id_length,
    id_milliseconds,
    new_id,
    new_secret,
    new_uuid7,
)

MOMENT = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


@given(st.from_regex(r"[A-Z0-9]{1,4}", fullmatch=True))
def test_an_id_is_its_prefix_and_22_characters_without_a_hyphen(prefix: str) -> None:
    made = new_id(prefix)
    assert made.startswith(prefix)
    assert len(made) == len(prefix) + 22 <= ID_LENGTH_MAX
    assert set(made[len(prefix) :]) <= set(CROCKFORD)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30_000)), st.integers(1, 10**9))
def test_ids_and_keys_sort_by_time(since: timedelta, milliseconds: int) -> None:
    earlier = MOMENT + since
    later = earlier + timedelta(milliseconds=milliseconds)
    assert new_id("WP", earlier) < new_id("WP", later)
    assert new_uuid7(earlier) < new_uuid7(later)


def test_ids_of_one_moment_differ() -> None:
    assert len({new_id("WP", MOMENT) for _ in range(1_000)}) == 1_000
    assert len({new_uuid7(MOMENT) for _ in range(1_000)}) == 1_000


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40))
def test_ids_and_keys_of_one_millisecond_are_in_the_order_in_which_they_were_made(steps: list[int]) -> None:
    """Also where other moments come in between, as two batches do."""
    moments = [MOMENT + timedelta(milliseconds=step) for step in steps]
    for made in ([new_id("WP", moment) for moment in moments], [new_uuid7(moment).hex for moment in moments]):
        for step in range(4):
            of_step = [each for each, at in zip(made, steps, strict=True) if at == step]
            assert of_step == sorted(set(of_step))


def test_numbers_rise_while_there_is_room_and_never_leave_their_bits() -> None:
    numbers = RisingNumbers(20)
    made = [numbers.next(1) for _ in range(2_000)]
    assert made == sorted(set(made))
    assert made[-1] < 2**20
    two = RisingNumbers(1)
    assert [two.next(1), two.next(1)] == [0, 1]
    assert two.next(1) in {0, 1}


def test_the_next_number_is_not_to_be_guessed_and_old_moments_are_forgotten() -> None:
    numbers = RisingNumbers(60)
    made = [numbers.next(1) for _ in range(200)]
    steps = [later - earlier for earlier, later in pairwise(made)]
    assert len(set(steps)) == len(steps)
    assert max(steps) > 2**38
    assert len({numbers.next(millisecond) for millisecond in range(2, 202)}) == 200
    again = [numbers.next(1), numbers.next(1)]
    assert again == sorted(again)


def test_a_key_is_a_version_7_uuid_of_its_moment() -> None:
    key = new_uuid7(MOMENT)
    assert isinstance(key, UUID)
    assert key.version == 7
    assert key.variant == "specified in RFC 4122"
    assert key.int >> 80 == round(MOMENT.timestamp() * 1000)


@pytest.mark.parametrize("prefix", ["", "wp", "WPWPW", "W-", "\u00c4", "WP\n"])
def test_other_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        new_id(prefix)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        new_id("WP", datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_secrets_are_long_url_safe_and_never_the_same() -> None:
    assert new_secret() != new_secret()
    assert len(new_secret()) == 43
    with pytest.raises(ValueError, match="16"):
        new_secret(8)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2500, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_an_id_tells_its_moment_to_the_millisecond(moment: datetime) -> None:
    made = new_id("WP", moment)
    assert id_milliseconds(made) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert len(made) == id_length("WP")


@pytest.mark.parametrize("text", ["", "WP", "short-of-22-characters", "WP01M811HN5ILOU2D7SNKN49P"[:24]])
def test_what_is_no_id_tells_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an id|substring not found"):
        id_milliseconds(text)
