"""The health of channels, seen by all processes together through Redis, by this one alone while Redis is away.

Once a second each process writes what it has seen into its own field of one hash, reads the others', and judges: one
round trip, none of it on a payment's way. A changed standing is written only over the one it was judged from, so that
one process alone tells of it. Must never fail or delay a payment: what is lost in Redis is learnt anew within minutes.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final, TypeAlias, cast

import msgspec
from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from wisipay.core.clock import Clock
from wisipay.core.ids import new_uuid7
from wisipay.core.logging import get_logger
from wisipay.core.metrics import counter, gauge
from wisipay.core.tasks import end
from wisipay.providers.base import CreateOutcome, PaymentKind
from wisipay.providers.health import (
    Health,
    HealthPolicy,
    Hopes,
    Standing,
    State,
    Tally,
    health_of,
    hopes_of,
    judge,
    may_try,
    together,
)
from wisipay.providers.recent import Recent

TALLIES_KEY: Final = "wisipay:health:tallies"
STANDINGS_KEY: Final = "wisipay:health:standings"
EVERY_SECONDS: Final = 1.0
REDIS_TIMEOUT_SECONDS: Final = 0.5
GONE_AFTER_MS: Final = 900_000
"""A process that has said nothing for a quarter of an hour is gone, and its counts have faded."""

HELD: Final = gauge("provider_held", "Whether a channel is held or on trial for bad health", ("channel", "operation"))
SUCCESS: Final = gauge("provider_success_ratio", "Expected share of payments that end well", ("channel", "operation"))
ANSWERED: Final = gauge("provider_answered_ratio", "Share of recent calls with an answer", ("channel", "operation"))
CALLS: Final = gauge("provider_recent_calls", "Calls that these shares are of, faded", ("channel", "operation"))
HOLDS: Final = counter("provider_holds_total", "Times that a channel was held for bad health", ("channel", "operation"))

Key: TypeAlias = tuple[str, PaymentKind]

_SWAP: Final = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
_OPEN: Final = Standing()
_HOPES: Final = Hopes()
_tallies_decoder = msgspec.json.Decoder(dict[str, Tally])
_standing_decoder = msgspec.json.Decoder(Standing)
_logger = get_logger(__name__)


class HealthStore:
    """Counts what is seen of channels, and tells how they stand. One per process."""

    def __init__(self, redis: Redis, *, clock: Clock, policy: HealthPolicy | None = None) -> None:
        self._redis = redis
        self._clock = clock
        self._policy = policy or HealthPolicy()
        self._swap = redis.register_script(_SWAP)
        self._process = str(new_uuid7())
        self._own: dict[Key, Tally] = {}
        self._others: dict[Key, list[Tally]] = {}
        self._standings: dict[Key, Standing] = {}
        self._texts: dict[Key, str] = {}
        self._tried_ms: dict[Key, int] = {}
        self._hopes: dict[PaymentKind, Hopes] = {}
        self._recent: dict[Key, Recent] = {}
        self._heard: dict[str, dict[str, tuple[int, int]]] = {}
        self._is_away = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn how channels stand, and share what is seen from now on."""
        await self.share()
        self._task = asyncio.create_task(self._run(), name="provider health")

    async def stop(self) -> None:
        """Stop sharing."""
        await end(self._task)

    def called(self, channel_id: str, kind: PaymentKind, outcome: CreateOutcome, seconds: float) -> None:
        """Count a call that asked a provider to begin a payment."""
        key = channel_id, kind
        tally, now_ms = self._tally(key), self._now_ms()
        answers, failures = tally.answers, tally.failures
        tally.count(outcome, seconds, now_ms, self._standing(key))
        self._latest(key).take(tally.answers - answers, tally.failures - failures, now_ms)

    def ended(self, channel_id: str, kind: PaymentKind, *, well: bool) -> None:
        """Count the end of a payment that the provider had taken."""
        tally = self._tally((channel_id, kind))
        tally.fade(self._now_ms())
        tally.well += well
        tally.badly += not well

    def blocked(self, channel_id: str, kind: PaymentKind, milliseconds: int) -> None:
        """Note that the channel's circuit is open for so long, unless somebody gets an answer before."""
        now_ms = self._now_ms()
        self._tally((channel_id, kind)).block(now_ms, now_ms + milliseconds)

    def health(self, channel_id: str, kind: PaymentKind) -> Health:
        """Tell how a channel stands now."""
        key, now_ms = (channel_id, kind), self._now_ms()
        standing = self._standing(key)
        is_tried = may_try(self._latest(key), standing, self._tried_ms.get(key, 0), now_ms, self._policy)
        seen = together(self._seen(key), standing, now_ms)
        return health_of(seen, standing, now_ms, self._hopes.get(kind, _HOPES), may_try=is_tried)

    def tried(self, channel_id: str, kind: PaymentKind) -> None:
        """Note that a payment tries the channel."""
        self._tried_ms[channel_id, kind] = self._now_ms()

    async def share(self) -> None:
        """Tell the others what was seen, hear what they saw, and judge. Never raises for want of Redis."""
        now_ms = self._now_ms()
        for tally in self._own.values():
            tally.fade(now_ms)
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
                await self._exchange(now_ms)
                self._is_away = False
        except (RedisError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            if not self._is_away:
                _logger.warning("provider.health.alone", error=type(error).__name__)
            self._is_away, self._others = True, {}
        keys = {*self._own, *self._others, *self._standings}
        for key in keys:
            await self._judge(key, now_ms)
        for kind in {kind for _, kind in keys}:
            known = [together(self._seen(key), self._standing(key), now_ms) for key in keys if key[1] == kind]
            self._hopes[kind] = hopes_of(known)
        for key in keys:
            self._show(key)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.share()
            except Exception:
                _logger.exception("provider.health.unshared")  # whatever it was, health must not stand still for good

    async def _exchange(self, now_ms: int) -> None:
        told = {f"{channel_id}:{kind}": tally for (channel_id, kind), tally in self._own.items()}
        async with self._redis.pipeline(transaction=False) as pipe:
            if told:
                pipe.hset(TALLIES_KEY, self._process, msgspec.json.encode(told))
            pipe.hgetall(TALLIES_KEY)
            pipe.hgetall(STANDINGS_KEY)
            *_, tallies, standings = await pipe.execute()
        self._others = {}
        for process, content in tallies.items():
            if _text(process) == self._process:
                continue
            heard = _tallies_decoder.decode(content)
            if all(now_ms - tally.at_ms > GONE_AFTER_MS for tally in heard.values()):
                await self._redis.hdel(TALLIES_KEY, process)
                self._heard.pop(_text(process), None)
                continue
            for name, tally in heard.items():
                self._others.setdefault(_key(name), []).append(tally)
            self._hear(_text(process), heard, now_ms)
        self._texts = {_key(_text(name)): _text(content) for name, content in standings.items()}
        self._standings = {key: _standing_decoder.decode(content) for key, content in self._texts.items()}

    def _hear(self, process: str, heard: Mapping[str, Tally], now_ms: int) -> None:
        """Take in which calls of another process are new; all that came before it was first heard are not."""
        before = self._heard.get(process)
        for name, tally in heard.items():
            if before is not None:
                answers, failures = before.get(name, (0, 0))
                # Never fewer than none: a process of an earlier version counts something else there, up and down.
                self._latest(_key(name)).take(max(0, tally.answers - answers), tally.failures - failures, now_ms)
        self._heard[process] = {name: (tally.answers, tally.failures) for name, tally in heard.items()}

    async def _judge(self, key: Key, now_ms: int) -> None:
        before = self._standing(key)
        seen = together(self._seen(key), before, now_ms)
        after = judge(before, seen, self._latest(key), now_ms, self._policy)
        if after == before or not await self._keep(key, after):
            return
        channel_id, kind = key
        names = {"channel_id": channel_id, "operation": kind, "level": after.level}
        if after.state is State.HELD:
            HOLDS.labels(channel_id, kind).inc()
            seconds = (after.until_ms - now_ms) // 1_000
            _logger.error("provider.health.held", **names, answered=self._answered(key), seconds=seconds)
        else:
            _logger.warning("provider.health.trial" if after.state is State.TRIAL else "provider.health.open", **names)

    async def _keep(self, key: Key, standing: Standing) -> bool:
        """Write a standing over the one that it was judged from; False where another process was quicker."""
        text = msgspec.json.encode(standing).decode()
        if not self._is_away:
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
                    arguments = [":".join(key), self._texts.get(key, ""), text]
                    if not await self._swap(keys=[STANDINGS_KEY], args=arguments):
                        return False
        self._texts[key], self._standings[key] = text, standing
        return True

    def _show(self, key: Key) -> None:
        health = self.health(*key)
        _child(HELD, key).set(health.standing.state is not State.OPEN)
        _child(SUCCESS, key).set(health.mean)
        _child(ANSWERED, key).set(health.answered)
        _child(CALLS, key).set(health.calls)

    def _answered(self, key: Key) -> float:
        return round(self.health(*key).answered, 3)

    def _tally(self, key: Key) -> Tally:
        tally = self._own.get(key)
        if tally is None:
            tally = self._own[key] = Tally(self._now_ms())
        return tally

    def _latest(self, key: Key) -> Recent:
        """Return what came of the latest calls under the standing that holds."""
        recent, standing = self._recent.get(key), self._standing(key)
        if recent is None or (standing.state is State.OPEN and recent.since_ms != standing.since_ms):
            recent = self._recent[key] = Recent(standing.since_ms)
        return recent

    def _seen(self, key: Key) -> list[Tally]:
        own = self._own.get(key)
        others = self._others.get(key, [])
        return others if own is None else [own, *others]

    def _standing(self, key: Key) -> Standing:
        return self._standings.get(key, _OPEN)

    def _now_ms(self) -> int:
        return round(self._clock.now().timestamp() * 1_000)


@lru_cache(maxsize=10_000)  # finding the child of a metric by its labels takes a lock and builds a key
def _child(metric: Gauge, key: Key) -> Gauge:
    return metric.labels(*key)


def _key(name: str) -> Key:
    channel_id, _, kind = name.rpartition(":")
    return channel_id, cast("PaymentKind", kind)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()
