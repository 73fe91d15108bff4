"""How events of the sandbox stand, in the words of the outbox; and that its being away is a refusal, not a failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from support.callback_events import event
from support.merchants import NOW, FixedClock
from wisipay.core.errors import ServiceUnavailable
from wisipay.developers import Events
from wisipay.developers.asking import PageAsked
from wisipay.sandbox import TRIES_MAX, SandboxAttempt, SandboxEvent, SandboxEvents


def tried(outcome: str, times: int = 1, url: str | None = "http://x") -> list[SandboxAttempt]:
    return [SandboxAttempt(NOW, url, outcome, 500, 1, "", "answered 500")] * times


class Listed(SandboxEvents):
    """A sandbox with one event, whose attempts are given."""

    def __init__(self, tries: Sequence[SandboxAttempt] | None) -> None:
        self._tries = tries

    async def after(self, merchant_id: str, place: int, limit: int) -> Sequence[SandboxEvent]:
        del merchant_id, limit
        if self._tries is None:
            raise RedisConnectionError("away")
        return [SandboxEvent(place + 1, event())]

    async def attempts_of(self, event_ids: Sequence[UUID]) -> Sequence[Sequence[SandboxAttempt]]:
        del event_ids
        return [self._tries or ()]


def events(tries: Sequence[SandboxAttempt] | None) -> Events:
    return Events(cast("Any", None), Listed(tries), FixedClock())


@pytest.mark.parametrize(
    ("tries", "state"),
    [
        ([], "WAITING"),
        (tried("RETRY"), "WAITING"),
        (tried("RETRY", TRIES_MAX), "DEAD"),
        (tried("DELIVERED"), "DELIVERED"),
        (tried("SWITCHED_OFF"), "SWITCHED_OFF"),
        (tried("RETRY", url=None), "NO_URL"),
    ],
    ids=["none", "one", "all", "delivered", "gone", "nowhere"],
)
async def test_a_test_event_stands_as_its_last_attempt_says(tries: list[SandboxAttempt], state: str) -> None:
    (listed,) = await events(tries).page("UAT", "MER-1", PageAsked(7, None, 10, 0))
    assert (listed.place, listed.state, listed.attempts) == (8, state, len(tries))


async def test_while_redis_is_away_a_developer_is_told_to_come_again() -> None:
    with pytest.raises(ServiceUnavailable) as refused:
        await events(None).page("UAT", "MER-1", PageAsked(0, None, 10, 0))
    assert refused.value.retry_after_seconds == 1
