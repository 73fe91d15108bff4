"""One writing process: several tasks, each with a connection of its own, write batches and note them.

Usage: `python tests/stress/writer.py JSON`, the fields of `Writing` as JSON. A batch may be rolled back on purpose; one
that meets another writer's id or key is asked for again as a whole, as any caller of the ledger does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from stress.journal import Asked, Journal, read
from stress.universe import START, command
from wisipay import ledger

_TRIES = 20
_CROSSING = 40
"""How far from its own place in the universe a writer picks commands of others."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What a process writes: `batches` by each task. With `takes_over` it first repeats what that journal left open."""

    url: str
    journal: str
    seed: int
    process: int
    processes: int
    tasks: int
    batches: int
    first: int = 0
    takes_over: str = ""

    def argument(self) -> str:
        """Return it as the process's argument."""
        return json.dumps(asdict(self))


async def write(writing: Writing) -> None:
    """Write until done."""
    journal = Journal(Path(writing.journal))
    if writing.takes_over:
        connection = await asyncpg.connect(writing.url)
        for left in read([Path(writing.takes_over)]):
            if not left.is_answered:
                await _ask(connection, journal, Asked(left.commands, left.now, left.is_linked), writing.process)
        await connection.close()
    await asyncio.gather(*(_task(writing, task, journal) for task in range(writing.tasks)))


async def _task(writing: Writing, task: int, journal: Journal) -> None:
    dice = Random(f"{writing.seed}:{writing.process}:{writing.first}:{task}")  # noqa: S311 - a seeded history
    connection = await asyncpg.connect(writing.url)
    writers = writing.processes * writing.tasks
    number = writing.first + writing.process * writing.tasks + task
    for turn in range(writing.batches):
        picked: list[int] = []
        for _ in range(dice.choice([1, 6, 12, 20, 56])):
            number += writers
            crosses = dice.random() < 0.2
            picked.append(max(0, number + dice.randrange(-_CROSSING, _CROSSING)) if crosses else number)
        is_linked = dice.random() < 0.1
        batch = Asked(
            [command(writing.seed, each) for each in (picked[:4] if is_linked else picked)],
            START + timedelta(seconds=turn),
            is_linked,
            is_rolled_back=dice.random() < 0.08,
        )
        await _ask(connection, journal, batch, writing.process)
    await connection.close()


async def _ask(connection: asyncpg.Connection[asyncpg.Record], journal: Journal, batch: Asked, stripe: int) -> None:
    number = journal.ask(batch)
    apply = ledger.apply_linked if batch.is_linked else ledger.apply
    for _ in range(_TRIES):
        transaction = connection.transaction()
        await transaction.start()
        try:
            results = await apply(connection, batch.commands, batch.now, stripe=stripe)
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):  # they met on ids, not on accounts
            await transaction.rollback()
            continue
        await (transaction.rollback() if batch.is_rolled_back else transaction.commit())
        journal.answer(number, results)
        return
    raise RuntimeError(f"{_TRIES} tries of a batch were not enough")


if __name__ == "__main__":
    asyncio.run(write(Writing(**json.loads(sys.argv[1]))))
