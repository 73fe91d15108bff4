"""A simulator of its own for the module, reset before each test, and a place on this machine that takes webhooks."""

from collections.abc import AsyncIterator

import pytest

from support.loopback import Loopback, WireAnswer, running_loopback
from support.simulator import Simulator, running_simulator


@pytest.fixture(scope="session")
async def _process() -> AsyncIterator[Simulator]:
    async with running_simulator("--complete-after-ms", "20", "--seed", "7") as simulator:
        yield simulator


@pytest.fixture
async def simulator(_process: Simulator) -> Simulator:
    """Return a simulator without payments and faults, whose payments succeed after 20 ms."""
    await _process.call("POST", "/control/reset?all=1")
    return _process


@pytest.fixture
async def hooks() -> AsyncIterator[Loopback]:
    """Return a receiver of webhooks that answers 200."""
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(body=b'{"success":true}'))
        yield loopback
