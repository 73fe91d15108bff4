"""Where circuits live: in Redis for all processes together, in this process's memory while Redis is away.

Decides nothing about when a circuit opens (`breaker` does). Must never fail a payment because Redis is gone or slow:
every word to it is bounded in time, and after a failure it is left alone for a moment while local circuits take over.

A circuit that Redis has just shown to be closed without failures is *calm*: for a quarter of a second this process lets
calls out and keeps their successes to itself, without a word to Redis. When the calm is over one of its calls asks
again, on behalf of all. The first failure ends the calm and is told at once, as are
successes that come after it.
"""

import asyncio
from collections import OrderedDict
from pathlib import Path
from typing import Final, cast

import msgspec
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from wisipay.core.clock import Clock
from wisipay.core.logging import get_logger
from wisipay.providers.breaker import CLOSED, MILLISECONDS, Admission, BreakerPolicy, Circuit, admit, report

KEY_PREFIX: Final = "wisipay:breaker:"
REMEMBER_MS: Final = 3_600_000
"""An idle circuit is forgotten after an hour, far longer than any call or block lasts."""
MAX_LOCAL_CIRCUITS: Final = 10_000
REDIS_TIMEOUT_SECONDS: Final = 0.5
REDIS_PAUSE_MS: Final = 1_000
CALM_MS: Final = 250
ASKING_MS: Final = 50

_FOLDER = Path(__file__).parent
_logger = get_logger(__name__)


class Permit(msgspec.Struct, frozen=True):
    """An admission and where it was given: its report goes to the same place.

    `calm`: nobody was asked. `healthy`: the circuit was closed without failures, so a success is no news.
    """

    admission: Admission
    shared: bool
    calm: bool = False
    healthy: bool = False


class _Calm(msgspec.Struct, frozen=True):
    """A circuit known to be closed without failures, until a moment of the local clock."""

    generation: int
    until_ms: int


class BreakerStore:
    """Circuits by name, shared through Redis.

    `clock` times the local circuits; the shared ones go by Redis's own clock, which every process has in common, unless
    `shared_clock` is given.
    """

    def __init__(
        self, redis: Redis, *, clock: Clock, policy: BreakerPolicy | None = None, shared_clock: Clock | None = None
    ) -> None:
        self._policy = policy or BreakerPolicy()
        self._clock = clock
        self._shared_clock = shared_clock
        self._admit_script = redis.register_script((_FOLDER / "breaker_admit.lua").read_text())
        self._report_script = redis.register_script((_FOLDER / "breaker_report.lua").read_text())
        self._is_open_script = redis.register_script((_FOLDER / "breaker_is_open.lua").read_text())
        self._local: OrderedDict[str, Circuit] = OrderedDict()
        self._redis_away_until_ms = 0
        self._calm: dict[str, _Calm] = {}

    async def admit(self, name: str) -> Permit:
        """Ask for one call on the circuit; when it is allowed, `report` must follow."""
        calm = self._calm_now(name)
        if calm is not None:
            admission = Admission(allowed=True, generation=calm.generation)
            return Permit(admission, shared=True, calm=True, healthy=True)
        trial_ms = self._policy.trial_seconds * MILLISECONDS
        answer = await self._run(self._admit_script, name, trial_ms, REMEMBER_MS, self._shared_now())
        if answer is not None:
            allowed, generation, retry_after_ms, failures = cast("list[int]", answer)
            is_healthy = bool(allowed) and failures == 0
            self._note_calm(name, generation, is_healthy=is_healthy)
            return Permit(Admission(bool(allowed), generation, retry_after_ms), shared=True, healthy=is_healthy)
        circuit, admission = admit(self._local_circuit(name), _milliseconds(self._clock), self._policy)
        self._keep(name, circuit)
        return Permit(admission, shared=False)

    async def report(self, name: str, permit: Permit, *, success: bool) -> int:
        """Tell how an admitted call went. When Redis went away in between, the local circuit takes the news.

        Returns for how many milliseconds this very report opened the circuit, 0 when it did not.
        """
        if success and permit.healthy and name in self._calm:
            return 0
        self._calm.pop(name, None)
        opened = await self._report_shared(name, permit, success=success) if permit.shared else None
        if opened is None:
            opened = self._report_locally(name, permit, success=success)
        if opened:
            _logger.warning("provider.circuit.opened", circuit=name, shared=permit.shared)
        return self._policy.open_seconds * MILLISECONDS if opened else 0

    async def is_open(self, name: str) -> bool:
        """Tell, without asking for a call, whether calls are held back now."""
        if self._calm_now(name) is not None:
            return False
        answer = await self._run(self._is_open_script, name, self._shared_now())
        if answer is not None:
            is_open, generation, failures = cast("list[int]", answer)
            self._note_calm(name, generation, is_healthy=not is_open and failures == 0)
            return bool(is_open)
        return _milliseconds(self._clock) < self._local_circuit(name).blocked_until_ms

    async def _report_shared(self, name: str, permit: Permit, *, success: bool) -> bool | None:
        answer = await self._run(
            self._report_script,
            name,
            permit.admission.generation,
            int(success),
            self._policy.failures_to_open,
            self._policy.open_seconds * MILLISECONDS,
            REMEMBER_MS,
            self._shared_now(),
        )
        return None if answer is None else bool(answer)

    def _calm_now(self, name: str) -> _Calm | None:
        """Return the calm that holds; the first to find it over is told to ask, while it goes on for the others."""
        calm = self._calm.get(name)
        now_ms = _milliseconds(self._clock)
        if calm is None or now_ms < calm.until_ms:
            return calm
        self._calm[name] = _Calm(calm.generation, now_ms + ASKING_MS)
        return None

    def _note_calm(self, name: str, generation: int, *, is_healthy: bool) -> None:
        if not is_healthy:
            self._calm.pop(name, None)
            return
        if len(self._calm) >= MAX_LOCAL_CIRCUITS:
            self._calm.clear()
        self._calm[name] = _Calm(generation, _milliseconds(self._clock) + CALM_MS)

    def _report_locally(self, name: str, permit: Permit, *, success: bool) -> bool:
        before = self._local_circuit(name)
        generation = before.generation if permit.shared else permit.admission.generation
        now_ms = _milliseconds(self._clock)
        after = report(before, generation, success=success, now_ms=now_ms, policy=self._policy)
        self._keep(name, after)
        return after.blocked_until_ms > before.blocked_until_ms

    async def _run(self, script: AsyncScript, name: str, *arguments: int | str) -> object | None:
        """Run a script on one circuit; None while Redis is away."""
        if _milliseconds(self._clock) < self._redis_away_until_ms:
            return None
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
                return cast("object", await script(keys=[KEY_PREFIX + name], args=arguments))
        except (RedisError, OSError, TimeoutError) as error:
            self._redis_away_until_ms = _milliseconds(self._clock) + REDIS_PAUSE_MS
            _logger.warning("provider.circuit.redis_away", error=type(error).__name__)
            return None

    def _shared_now(self) -> int | str:
        return "" if self._shared_clock is None else _milliseconds(self._shared_clock)

    def _local_circuit(self, name: str) -> Circuit:
        return self._local.get(name, CLOSED)

    def _keep(self, name: str, circuit: Circuit) -> None:
        self._local[name] = circuit
        self._local.move_to_end(name)
        if len(self._local) > MAX_LOCAL_CIRCUITS:
            self._local.popitem(last=False)


def _milliseconds(clock: Clock) -> int:
    return round(clock.now().timestamp() * MILLISECONDS)
