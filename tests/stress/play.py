"""One play: writers in several processes, one killed in the middle and replaced, accounts switched all the while."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import asyncpg

from stress import writer
from stress.history import read_history
from stress.journal import read
from stress.judge import Verdict, judge
from stress.universe import CLOSED, SPECS, SWITCHED
from wisipay import ledger
from wisipay.ledger import AccountStatus

_SWITCH_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Play:
    """How much is written."""

    url: str
    folder: Path
    seed: int
    processes: int = 3
    tasks: int = 3
    batches: int = 10


async def play(plan: Play) -> Verdict:
    """Open the accounts in an empty ledger, have it written to, and judge."""
    connection = await asyncpg.connect(plan.url)
    try:
        await ledger.open_accounts(connection, SPECS)
        for spec in CLOSED:
            await ledger.set_account_status(connection, spec.id, AccountStatus(spec.entity_id))
        journals = await _write(plan, connection)
        for spec in SWITCHED:
            await ledger.set_account_status(connection, spec.id, AccountStatus.ACTIVE)
        return judge(await read_history(connection, [spec.id for spec in SPECS]), read(journals))
    finally:
        await connection.close()


async def _write(plan: Play, connection: asyncpg.Connection[asyncpg.Record]) -> list[Path]:
    writings = [
        writer.Writing(
            url=plan.url,
            journal=str(plan.folder / f"journal-{process}"),
            seed=plan.seed,
            process=process,
            processes=plan.processes,
            tasks=plan.tasks,
            batches=plan.batches,
        )
        for process in range(plan.processes)
    ]
    victim = writings[0]
    successor = replace(
        victim,
        journal=f"{victim.journal}-2",
        takes_over=victim.journal,
        first=plan.batches * plan.processes * plan.tasks * 8,
    )
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_switch(connection, plan.seed, is_over))
        others = [group.create_task(_finish(await _start(writing))) for writing in writings[1:]]
        await _kill_in_the_middle(victim)
        await _finish(await _start(successor))
        for other in others:
            await other
        is_over.set()
    return [Path(each.journal) for each in (*writings, successor)]


async def _start(writing: writer.Writing) -> Process:
    return await asyncio.create_subprocess_exec(sys.executable, writer.__file__, writing.argument(), stderr=PIPE)


async def _finish(process: Process) -> None:
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"a writer ended with {process.returncode}: {errors.decode()[-2000:]}")


async def _kill_in_the_middle(writing: writer.Writing) -> None:
    """Start the writer, and kill it as soon as a third of its batches are answered: others of it are under way then."""
    process = await _start(writing)
    journal = Path(writing.journal)
    wanted = max(1, writing.tasks * writing.batches // 3)
    while process.returncode is None:
        if sum(batch.is_answered for batch in read([journal])) >= wanted:
            process.send_signal(signal.SIGKILL)
            await process.wait()
            break
        await asyncio.sleep(0.02)  # a poll of a file: nothing tells of its growth
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the writer to be killed ended with {process.returncode}")


async def _switch(connection: asyncpg.Connection[asyncpg.Record], seed: int, is_over: asyncio.Event) -> None:
    """Freeze, lock and open accounts again, until the writers are done."""
    dice = Random(seed)  # noqa: S311 - a seeded history, not a secret
    while not is_over.is_set():
        status = dice.choice([AccountStatus.ACTIVE, AccountStatus.ACTIVE, *AccountStatus])
        await ledger.set_account_status(connection, dice.choice(SWITCHED).id, status)
        with suppress(TimeoutError):
            await asyncio.wait_for(is_over.wait(), _SWITCH_SECONDS)
