"""One process of ours in a history: its clock, its coroutines, its desk's queue, and how a batch can go wrong.

The batcher's rules hold: one batch at a time, tried again after a lost answer or a conflict, split when a command
asks for what was not loaded. A killed process forgets everything that was not committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from simulation.broken import Broken
from simulation.requests import Request, Submit
from simulation.sending import MemorySender
from simulation.world import World
from support.memory_payments import Peeked
from wisipay.callbacks import Outbox
from wisipay.core.batch import BatchLost
from wisipay.core.errors import Conflict
from wisipay.ledger import NotLoadedError
from wisipay.payments import PaymentError
from wisipay.payments.book import CounterNotLoadedError
from wisipay.payments.commands import Command, Result
from wisipay.payments.store import CountersMissing

EXPECTED = (BatchLost, PaymentError, Conflict)
"""How a piece of work may end without a result."""

FATES = (
    "committed",
    "rolled back, then committed",
    "committed twice",
    "read early, committed later",
    "committed, tried again later",
    "lost",
    "committed, then lost",
    "killed before the commit",
    "killed after the commit",
    "split, killed in between",
    "answered late",
    "answered after a stop",
)
"""What can become of a batch; the weights are those of `FATE_WEIGHTS`, added up."""

FATE_WEIGHTS = (57, 61, 67, 74, 80, 83, 86, 88, 90, 92, 95, 100)


_SPLIT_BY = (NotLoadedError, CounterNotLoadedError, asyncpg.CheckViolationError, LookupError, TypeError, ValueError)
"""What makes a batch be decided in halves: two commands of it that move one payment twice, or a fault of one."""


@dataclass(slots=True, eq=False)
class Task:
    """A coroutine of the product that waits for something."""

    process: Process
    work: Coroutine[Request, Any, Any]
    done: Callable[[Any], None] | None


@dataclass(slots=True, eq=False)
class Pending:
    """A request to the world outside, on its way until `deadline`."""

    task: Task
    request: Request
    deadline: datetime


@dataclass(slots=True, eq=False)
class Batch:
    """Commands that a desk has taken up; `peeked` is what it read before the locks."""

    entries: list[tuple[Task, Command]]
    peeked: Peeked | None = None

    @property
    def commands(self) -> list[Command]:
        """The commands in order."""
        return [command for _, command in self.entries]


@dataclass(slots=True, eq=False)
class Process:
    """A process: `skew` is how far its clock is ahead of the world's."""

    world: World
    name: str
    outbound: list[Pending]
    skew: timedelta = timedelta()
    queue: list[tuple[Task, Command]] = field(default_factory=list)
    batch: Batch | None = None
    late_answers: list[tuple[Task, Result]] = field(default_factory=list)
    records: list[Callable[[], None]] = field(default_factory=list)
    renewals: deque[Callable[[], None]] = field(default_factory=lambda: deque(maxlen=6))
    tasks: set[Task] = field(default_factory=set)
    outbox: Outbox = field(default_factory=Outbox)
    sender: MemorySender = field(init=False)
    is_stopped: bool = False
    missed: list[tuple[Task, object, BaseException | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox.sender = self.sender = MemorySender(self.world)

    def now(self) -> datetime:
        """Return the present moment by this process's clock."""
        return self.world.now + self.skew

    def start(self, work: Coroutine[Request, Any, Any], done: Callable[[Any], None] | None = None) -> None:
        """Run a coroutine until it waits; `done` gets what it returns."""
        task = Task(self, work, done)
        self.tasks.add(task)
        self.resume(task)

    def resume(self, task: Task, value: object = None, error: BaseException | None = None) -> None:
        """Let a task go on with an answer, or with an error, until it waits again or ends."""
        if self.is_stopped:
            self.missed.append((task, value, error))
            return
        if task not in self.tasks:
            return
        try:
            request = task.work.throw(error) if error is not None else task.work.send(value)
        except StopIteration as end:
            self.tasks.discard(task)
            if task.done is not None:
                task.done(end.value)
            return
        except EXPECTED:
            self.tasks.discard(task)
            return
        if isinstance(request, Submit):
            self.queue.append((task, request.command))
        else:
            self.outbound.append(Pending(task, request, self.world.now + timedelta(seconds=10)))

    @property
    def has_commands(self) -> bool:
        """Whether its desk can do something."""
        return not self.is_stopped and bool(self.queue or self.batch or self.late_answers)

    def go_on(self) -> None:
        """Go on after a stop, with the answers that came meanwhile."""
        self.is_stopped = False
        missed, self.missed = self.missed, []
        for task, value, error in missed:
            self.resume(task, value, error)

    def flush(self, *, faults: bool) -> None:
        """Take the desk one step further: late answers first, then the batch that hangs, then the next one."""
        if self.late_answers:
            late, self.late_answers = self.late_answers, []
            for task, result in late:
                self.resume(task, result)
            return
        choices = self.world.choices
        batch = self.batch
        if batch is None:
            size = choices.below(len(self.queue)) + 1 if faults and len(self.queue) > 1 else len(self.queue)
            batch = Batch(self.queue[:size])
            del self.queue[:size]
        self.batch = None
        fate = FATES[choices.weighted(FATE_WEIGHTS)] if faults else FATES[0]
        if self.world.trace is not None:
            kinds = ", ".join(_told(command) for command in batch.commands)
            self.world.say(f"{self.name}: batch of [{kinds}] is {fate}")
        if fate != FATES[0]:
            self.world.saw(f"batch {fate}")
        self._meet(batch, fate)

    def commit_together(self, commands: Sequence[Command]) -> list[Result]:
        """Commit commands that came as one batch; whatever fails, fails as a whole."""
        for _ in range(2):
            try:
                return self.world.commit(commands, self.now(), self.outbox)
            except CountersMissing as missing:
                self.world.payments.add_counters(missing.keys)
        raise Broken("failed", "counters that were added are missing")

    def kill(self) -> None:
        """Forget everything that was not committed, as a killed process does."""
        for task in self.tasks:
            task.work.close()
        self.tasks.clear()
        self.queue.clear()
        self.late_answers.clear()
        self.records.clear()
        self.renewals.clear()
        self.missed.clear()
        self.sender.forget()
        self.batch = None
        self.is_stopped = False

    def _meet(self, batch: Batch, fate: str) -> None:  # noqa: C901 - one branch for each fate
        match fate:
            case "rolled back, then committed":
                self._rehearse(batch.commands)
                self._answer(batch, self._apply(batch))
            case "committed twice":
                self._apply(batch)
                self._answer(batch, self._apply(Batch(batch.entries)))
            case "read early, committed later":
                batch.peeked = self.world.payments.peek(batch.commands)
                self.batch = batch
            case "committed, tried again later":
                self._apply(batch)
                self.batch = Batch(batch.entries)
            case "lost" | "committed, then lost":
                if fate != "lost":
                    self._apply(batch)
                for task, _ in batch.entries:
                    self.resume(task, error=BatchLost())
            case "killed before the commit":
                self._rehearse(batch.commands)
                self.kill()
            case "killed after the commit":
                self._apply(batch)
                self.kill()
            case "split, killed in between":
                self._apply(Batch(batch.entries[: (len(batch.entries) + 1) // 2]))
                self.kill()
            case "answered late" | "answered after a stop":
                self.is_stopped = fate == "answered after a stop"
                results = self._apply(batch)
                self.late_answers = [(task, result) for (task, _), result in zip(batch.entries, results, strict=True)]
            case _:
                self._answer(batch, self._apply(batch))

    def _answer(self, batch: Batch, results: Sequence[Result]) -> None:
        for (task, _), result in zip(batch.entries, results, strict=True):
            self.resume(task, result)

    def _rehearse(self, commands: Sequence[Command]) -> None:
        try:
            self.world.rehearse(commands, self.now(), self.outbox)
        except (CountersMissing, asyncpg.UniqueViolationError, *_SPLIT_BY):
            self.world.saw("batch rolled back by itself")

    def _apply(self, batch: Batch) -> list[Result]:
        """Commit a batch as the batcher does: again after a conflict, in halves when it reaches too far."""
        commands, peeked = batch.commands, batch.peeked
        for _ in range(4):
            try:
                return self.world.commit(commands, self.now(), self.outbox, peeked)
            except CountersMissing as missing:
                self.world.payments.add_counters(missing.keys)
                peeked = None
            except asyncpg.UniqueViolationError:
                self.world.saw("conflict")
                peeked = None
            except _SPLIT_BY as error:
                return self._halves(batch, error)
        return self._halves(batch, Broken("conflicts", "a batch conflicts for ever"))

    def _halves(self, batch: Batch, error: Exception) -> list[Result]:
        middle = len(batch.entries) // 2
        if not middle:
            raise Broken("failed", f"{error!r} for {_told(batch.commands[0])} alone") from error
        self.world.saw("batch split")
        parts = batch.entries[:middle], batch.entries[middle:]
        return [result for part in parts for result in self._apply(Batch(part))]


def _told(command: Command) -> str:
    name = type(command).__name__
    transaction_id = command.transaction_id
    short = "?" if transaction_id is None else transaction_id[-4:].lstrip("0")
    said = getattr(command, "outcome", getattr(command, "status", None))
    return f"{name} {short} {said}" if said is not None else f"{name} {short}"
