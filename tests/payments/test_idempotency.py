"""Keys of first answers in PostgreSQL: claimed once, replayed, taken over, given back, forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from support.merchants import FixedClock
from wisipay.core.database import Pool
from wisipay.core.errors import BadRequest, Conflict, UnprocessableEntity
from wisipay.payments.idempotency import Claim, IdempotencyKeys, KeptAnswer

BODY = b'payout\n{"amount":500}'
ANSWER = KeptAnswer(200, b'{"success":true}')


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def keys(database: Pool, clock: FixedClock) -> IdempotencyKeys:
    return IdempotencyKeys(database, clock)


async def _claimed(keys: IdempotencyKeys, body: bytes = BODY, merchant_id: str = "MER-1") -> Claim:
    claim = await keys.claim(merchant_id, "K1", body)
    assert isinstance(claim, Claim)
    return claim


async def test_the_first_answer_is_kept_for_its_request(keys: IdempotencyKeys) -> None:
    await keys.keep(await _claimed(keys), ANSWER)
    assert await keys.claim("MER-1", "K1", BODY) == ANSWER
    with pytest.raises(UnprocessableEntity):
        await keys.claim("MER-1", "K1", BODY + b" ")


async def test_a_key_is_each_merchants_own(keys: IdempotencyKeys) -> None:
    await keys.keep(await _claimed(keys), ANSWER)
    assert not (await _claimed(keys, merchant_id="MER-2")).taken_over


async def test_of_a_hundred_claims_at_once_one_is_granted(keys: IdempotencyKeys) -> None:
    claims = await asyncio.gather(*(keys.claim("MER-1", "K1", BODY) for _ in range(100)), return_exceptions=True)
    assert len([each for each in claims if isinstance(each, Claim)]) == 1
    assert len([each for each in claims if isinstance(each, Conflict)]) == 99


async def test_another_request_under_a_running_key_is_told_that_it_differs(keys: IdempotencyKeys) -> None:
    await _claimed(keys)
    with pytest.raises(UnprocessableEntity):
        await keys.claim("MER-1", "K1", b"other")


async def test_a_key_whose_process_died_is_taken_over_by_the_same_request_only(
    keys: IdempotencyKeys, clock: FixedClock
) -> None:
    await _claimed(keys)
    clock.moment += timedelta(seconds=59)
    with pytest.raises(Conflict):
        await keys.claim("MER-1", "K1", BODY)
    clock.moment += timedelta(seconds=2)
    with pytest.raises(UnprocessableEntity):
        await keys.claim("MER-1", "K1", b"other")
    assert (await _claimed(keys)).taken_over


async def test_a_released_key_is_free_and_a_kept_answer_is_not_released(keys: IdempotencyKeys) -> None:
    claim = await _claimed(keys)
    await keys.release(claim)
    again = await _claimed(keys, b"other")
    assert not again.taken_over
    await keys.keep(again, ANSWER)
    await keys.release(again)
    assert await keys.claim("MER-1", "K1", b"other") == ANSWER


async def test_answers_are_forgotten_after_a_day(keys: IdempotencyKeys, clock: FixedClock) -> None:
    await keys.keep(await _claimed(keys), ANSWER)
    clock.moment += timedelta(hours=24)
    assert await keys.claim("MER-1", "K1", BODY) == ANSWER
    clock.moment += timedelta(seconds=1)
    await _claimed(keys, b"other")
    clock.moment += timedelta(hours=25)
    assert await keys.forget_old() == 1
    assert await keys.forget_old() == 0


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "\u20b9", "line\n"])
async def test_a_malformed_key_is_refused(keys: IdempotencyKeys, key: str) -> None:
    with pytest.raises(BadRequest):
        await keys.claim("MER-1", key, BODY)
