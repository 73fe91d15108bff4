"""One run of the demo on a running stack: order, wait until everything is final, compare the books.

Decides how long is waited, and nothing about payments. Must never repair what it finds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from wisipay.core.clock import Clock
from wisipay.core.database import Connection, Pool, close_pool, connect_pool
from wisipay.core.http_client import AnswerLost, HttpClient, NotSent
from wisipay.core.ids import new_id
from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.core.sql import load_queries
from wisipay.entrypoints.demonstration.books import Comparison, compare_books
from wisipay.entrypoints.demonstration.display import Display
from wisipay.entrypoints.demonstration.hands import Hands
from wisipay.entrypoints.demonstration.load import Load
from wisipay.entrypoints.demonstration.merchant import MerchantClient, SignatureVersion
from wisipay.entrypoints.demonstration.pace import lifecycles_per_second
from wisipay.entrypoints.demonstration.progress import Progress, look
from wisipay.entrypoints.demonstration.report import Result
from wisipay.entrypoints.demonstration.scenarios import DUMMY_STAGE, Stage, orders
from wisipay.entrypoints.demonstration.simulator import Simulator
from wisipay.entrypoints.stack import Stack

_PAYMENTS: Final = load_queries(__file__, "payments.sql")
_LOOK_SECONDS: Final = 0.5
_SETTLE_SECONDS: Final = 420
"""A payin expires after a minute, a payout that never arrived is given up in about two, a slow machine takes longer."""
_VERSIONS: Final[tuple[SignatureVersion, ...]] = ("v2", "v1")
_GRACE_SECONDS: Final = 30
"""What the provider said last may still be in our inbox when everything looks quiet."""
_PREFIX_CHARACTERS: Final = 17
"""`D` and the time of an id, and seven of its random characters."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many payments a run orders, and what its provider can play."""

    payins: int
    payouts: int
    stage: Stage = DUMMY_STAGE


async def run(stack: Stack, display: Display, clock: Clock, wanted: Wanted) -> Result:
    """Carry out a run. Raises `SimulatorError`, `NotSent` or `AnswerLost` when the simulator can't be asked."""
    async with AsyncExitStack() as open_things:
        pool = await connect_pool(stack.settings, application_name="wisipay demo", max_size=2)
        open_things.push_async_callback(close_pool, pool)
        client = await open_things.enter_async_context(HttpClient(private_addresses_allowed=True))
        return await _Run(stack, display, clock, wanted, pool, client).carry_out()


class _Run:
    """The state of a run under way."""

    def __init__(
        self, stack: Stack, display: Display, clock: Clock, wanted: Wanted, pool: Pool, client: HttpClient
    ) -> None:
        self._pool = pool
        self._display = display
        self._unit = stack.settings.amount_unit
        self._since = clock.now()
        self._prefix = new_id("D", self._since)[:_PREFIX_CHARACTERS]
        self._orders = orders(self._prefix, wanted.payins, wanted.payouts, wanted.stage)
        self._simulator = Simulator(client, stack.settings.simulator_url or "")
        self._hands = Hands(self._simulator, self._orders)
        first, second = (
            _merchant(stack, merchant, client, clock, version)
            for merchant, version in zip(stack.merchants, _VERSIONS, strict=False)
        )
        self._load = Load(first, second, self._orders)
        self._started = monotonic()

    async def carry_out(self) -> Result:
        await self._take_up_what_was_left()
        settled = await self._order_and_wait()
        comparison = await self._compare(settled=settled)
        seconds = monotonic() - self._started
        async with self._pool.acquire() as connection:
            ends = await self._ends(connection)
            pace = await lifecycles_per_second(connection, self._orders)
        return Result(
            comparison=comparison,
            settled=settled,
            lifecycles_per_second=pace,
            seconds=seconds,
            refused=len(self._orders) - len(ends),
            surprises=self._surprises(ends),
        )

    async def _take_up_what_was_left(self) -> None:
        """See to it that payments of a run that was cut off come to their end too."""
        async with self._pool.acquire() as connection:
            count = await connection.fetchval(_PAYMENTS["payments_open"])
            before = await compare_books(connection, self._simulator, since=self._since, unit=self._unit)
        if count:
            self._display.say(f"{count} payments of an earlier run are still open; they are finished too")
        await self._hands.take_up(before)

    async def _order_and_wait(self) -> bool:
        """Order everything while watching; return whether all of it came to its end in time."""
        tokens: dict[str, dict[int, str]] = {"payin": {}, "payout": {}}
        for order in self._orders:
            tokens[order.kind][PAISE_PER_RUPEE * order.body["amount"]] = order.scenario.tokens
        await self._simulator.plan(tokens)
        sending = asyncio.create_task(self._load.send())
        try:
            settled = await self._watch(sending)
            await sending
        finally:
            sending.cancel()
        return settled

    async def _watch(self, sending: asyncio.Task[None]) -> bool:
        while monotonic() - self._started < _SETTLE_SECONDS:
            with suppress(NotSent, AnswerLost):  # the simulator is being started again
                if await self._act_and_look():
                    return True
            if sending.done() and sending.exception() is not None:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    async def _act_and_look(self) -> bool:
        """Do what people do, show how far the run has come, return whether it is settled."""
        async with self._pool.acquire() as connection:
            await self._hands.act(connection)
            progress = await self._look(connection)
        self._display.show(progress)
        return progress.is_settled

    async def _look(self, connection: Connection) -> Progress:
        return await look(
            connection,
            self._simulator,
            prefix=self._prefix,
            phase=self._phase(),
            seconds=monotonic() - self._started,
            ordered=len(self._orders),
            sent=self._load.sent,
            people_waiting=self._hands.waiting,
        )

    def _phase(self) -> str:
        if not self._load.done:
            return "sending signed requests"
        return "waiting until every payment is final"

    async def _compare(self, *, settled: bool) -> Comparison:
        """Compare; where everything is quiet but the books differ, once more until they agree or time is up."""
        deadline = monotonic() + _GRACE_SECONDS
        while True:
            async with self._pool.acquire() as connection:
                comparison = await compare_books(connection, self._simulator, since=self._since, unit=self._unit)
            if comparison.agree or not settled or monotonic() > deadline:
                return comparison
            await asyncio.sleep(_LOOK_SECONDS)

    async def _ends(self, connection: Connection) -> dict[str, str]:
        rows = await connection.fetch(_PAYMENTS["payments_of_orders"], [order.order_id for order in self._orders])
        return {row["order_id"]: row["status"] for row in rows}

    def _surprises(self, ends: dict[str, str]) -> Counter[str]:
        """Count the payments that ended otherwise than their scenario says: no fault of the books, but worth a look."""
        return Counter(
            f"{order.kind} '{order.scenario.name}' ended {ends[order.order_id]}, not {order.scenario.ends}"
            for order in self._orders
            if ends.get(order.order_id, order.scenario.ends) != order.scenario.ends
        )


def _merchant(
    stack: Stack,
    merchant: Any,  # noqa: ANN401 - as the ready file has it
    client: HttpClient,
    clock: Clock,
    version: SignatureVersion,
) -> MerchantClient:
    return MerchantClient(
        client,
        clock,
        base_url=f"http://{stack.settings.bind_host}:{stack.settings.payment_port}",
        merchant_id=merchant["id"],
        secret=merchant["secret"],
        version=version,
    )
