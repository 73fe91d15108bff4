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
from simulation.world import Lost, World
from support.memory_payments import Peeked
from wisipay.callbacks import Outbox
from wisipay.core.batch import BatchLost
from wisipay.core.errors import Conflict
from wisipay.ledger import NotLoadedError
from wisipay.payments import PaymentError
from wisipay.payments.book import CounterNotLoadedError
from wisipay.payments.commands import Command, Result
from wisipay.payments.express import Express, NotForExpressError
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
    """Commands that a counter of a desk has taken up; `peeked` is what it read before the locks."""

    entries: list[tuple[Task, Command]]
    is_express: bool
    peeked: Peeked | None = None

    @property
    def commands(self) -> list[Command]:
        """The commands in order."""
        return [command for _, command in self.entries]

    def part(self, place: slice) -> Batch:
        """Return a batch of some of its commands, or of all, decided afresh."""
        return Batch(self.entries[place], self.is_express)


@dataclass(slots=True, eq=False)
class Counter:
    """A counter of a desk: what waits there, and its batch that hangs."""

    is_express: bool
    queue: list[tuple[Task, Command]] = field(default_factory=list)
    batch: Batch | None = None


@dataclass(slots=True, eq=False)
class Process:
    """A process: `skew` is how far its clock is ahead of the world's."""

    world: World
    name: str
    outbound: list[Pending]
    skew: timedelta = timedelta()
    usual: Counter = field(default_factory=lambda: Counter(is_express=False))
    quick: Counter = field(default_factory=lambda: Counter(is_express=True))
    express: Express = field(init=False)
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
        self.express = self.world.new_express()

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
            counter = self.quick if self.express.takes(request.command, self.now()) else self.usual
            counter.queue.append((task, request.command))
        else:
            self.outbound.append(Pending(task, request, self.world.now + timedelta(seconds=10)))

    @property
    def has_commands(self) -> bool:
        """Whether its desk can do something."""
        if self.is_stopped:
            return False
        usual, quick = self.usual, self.quick
        return bool(self.late_answers or usual.queue or usual.batch or quick.queue or quick.batch)

    def go_on(self) -> None:
        """Go on after a stop, with the answers that came meanwhile."""
        self.is_stopped = False
        missed, self.missed = self.missed, []
        for task, value, error in missed:
            self.resume(task, value, error)

    def flush(self, *, faults: bool) -> None:
        """Take the desk one step further: late answers first, then a counter's batch that hangs, or its next one."""
        if self.late_answers:
            late, self.late_answers = self.late_answers, []
            for task, result in late:
                self.resume(task, result)
            return
        choices = self.world.choices
        busy = [each for each in (self.usual, self.quick) if each.queue or each.batch]
        counter = busy[choices.below(2)] if len(busy) > 1 else busy[0]
        batch, queue = counter.batch, counter.queue
        if batch is None:
            size = choices.below(len(queue)) + 1 if faults and len(queue) > 1 else len(queue)
            batch = Batch(queue[:size], counter.is_express)
            del queue[:size]
        counter.batch = None
        fate = FATES[choices.weighted(FATE_WEIGHTS)] if faults else FATES[0]
        if self.world.trace is not None:
            kinds = ", ".join(_told(command) for command in batch.commands)
            self.world.say(f"{self.name}: {'express' if batch.is_express else 'batch of'} [{kinds}] is {fate}")
        if fate != FATES[0]:
            self.world.saw(f"batch {fate}")
        self._meet(batch, fate, counter)

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
        self.usual, self.quick = Counter(is_express=False), Counter(is_express=True)
        self.express = self.world.new_express()
        self.late_answers.clear()
        self.records.clear()
        self.renewals.clear()
        self.missed.clear()
        self.sender.forget()
        self.is_stopped = False

    def _meet(self, batch: Batch, fate: str, counter: Counter) -> None:  # noqa: C901 - one branch for each fate
        match fate:
            case "rolled back, then committed":
                self._rehearse(batch)
                self._answer(batch, self._apply(batch))
            case "committed twice":
                self._apply(batch, heard=False)
                self._answer(batch, self._apply(batch.part(slice(None))))
            case "read early, committed later":
                batch.peeked = self.world.payments.peek(batch.commands)
                counter.batch = batch
            case "committed, tried again later":
                self._apply(batch, heard=False)
                counter.batch = batch.part(slice(None))
            case "lost" | "committed, then lost":
                if fate != "lost":
                    self._apply(batch, heard=False)
                for task, _ in batch.entries:
                    self.resume(task, error=BatchLost())
            case "killed before the commit":
                self._rehearse(batch)
                self.kill()
            case "killed after the commit":
                self._apply(batch, heard=False)
                self.kill()
            case "split, killed in between":
                self._apply(batch.part(slice((len(batch.entries) + 1) // 2)), heard=False)
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

    def _rehearse(self, batch: Batch) -> None:
        try:
            if batch.is_express:
                self.world.commit_express(batch.commands, self.now(), self.express, "request")
            self.world.rehearse(batch.commands, self.now(), self.outbox)
        except (ConnectionError, NotForExpressError):
            self.world.saw("express request lost")
        except (CountersMissing, asyncpg.UniqueViolationError, *_SPLIT_BY):
            self.world.saw("batch rolled back by itself")

    def _apply(self, batch: Batch, *, heard: bool = True) -> list[Result]:
        """Commit a batch as the batcher does: again after a conflict, in halves when it reaches too far.

        Returns nothing of an express batch whose answer is not `heard`.
        """
        try:
            if batch.is_express:
                lost: Lost = "no" if heard else "answer"
                return self.world.commit_express(batch.commands, self.now(), self.express, lost)
        except NotForExpressError:
            self.world.saw("express, not for it")
        except ConnectionError:
            return []
        except _SPLIT_BY as error:
            return self._halves(batch, error, heard=heard)
        return self._apply_usual(batch, heard=heard)

    def _apply_usual(self, batch: Batch, *, heard: bool) -> list[Result]:
        commands, peeked = batch.commands, batch.peeked
        express = self.express if heard else None
        for _ in range(4):
            try:
                return self.world.commit(commands, self.now(), self.outbox, peeked, express)
            except CountersMissing as missing:
                self.world.payments.add_counters(missing.keys)
                peeked = None
            except asyncpg.UniqueViolationError:
                self.world.saw("conflict")
                peeked = None
            except _SPLIT_BY as error:
                return self._halves(batch, error, heard=heard)
        return self._halves(batch, Broken("conflicts", "a batch conflicts for ever"), heard=heard)

    def _halves(self, batch: Batch, error: Exception, *, heard: bool) -> list[Result]:
        middle = len(batch.entries) // 2
        if not middle:
            raise Broken("failed", f"{error!r} for {_told(batch.commands[0])} alone") from error
        self.world.saw("batch split")
        parts = batch.part(slice(middle)), batch.part(slice(middle, None))
        return [result for part in parts for result in self._apply(part, heard=heard)]


def _told(command: Command) -> str:
    name = type(command).__name__
    transaction_id = command.transaction_id
    short = "?" if transaction_id is None else transaction_id[-4:].lstrip("0")
    said = getattr(command, "outcome", getattr(command, "status", None))
    return f"{name} {short} {said}" if said is not None else f"{name} {short}"
