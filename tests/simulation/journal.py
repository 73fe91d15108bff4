"""A history whose store operations are written down, so that another store can be put through the same.

Claims take everything that is due: where a limit cuts equals apart, PostgreSQL may cut elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from simulation.choices import SeededChoices
from simulation.history import play
from simulation.world import Lost, World
from support.memory_payments import Peeked
from wisipay.callbacks import Outbox
from wisipay.ledger import NotLoadedError
from wisipay.payments.book import CounterNotLoadedError
from wisipay.payments.commands import Command, Result
from wisipay.payments.express import Express, NotForExpressError
from wisipay.payments.store import CountersMissing

REFUSALS = (CountersMissing, asyncpg.PostgresError, NotLoadedError, CounterNotLoadedError, LookupError)
"""What a commit may raise; both stores must raise the same."""

_ALL = 1_000


@dataclass(frozen=True, slots=True)
class Done:
    """One operation: its name among the stores' common ones, what it was given, and its result or error."""

    name: str
    arguments: tuple[Any, ...]
    result: Any


class _Spy:
    """Stands before a store and writes down the operations whose names are given, under their common names."""

    def __init__(self, store: Any, names: dict[str, str], journal: list[Done]) -> None:  # noqa: ANN401 - any store
        self._store = store
        self._names = names
        self._journal = journal

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        found = getattr(self._store, name)
        if name not in self._names:
            return found
        return lambda *arguments: self._noted(self._names[name], found, arguments)

    def _noted(self, name: str, operation: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - any operation
        given = tuple(list(each) if isinstance(each, range | map | filter) else each for each in arguments)
        result = operation(*given)
        self._journal.append(Done(name, deepcopy(given), deepcopy(result)))
        return result


class JournaledWorld(World):
    """A world that writes down what happens to its stores, and reads nothing before its time."""

    claims = _ALL

    def __init__(self, seed: int) -> None:
        self.journal: list[Done] = []
        super().__init__(SeededChoices(seed))
        self.payments: Any = _Spy(
            self.payments,
            {"claim_due": "claim_due", "renew_leases": "renew_leases", "add_counters": "add_counters",
             "wake_forgotten": "wake_forgotten"},
            self.journal,
        )  # fmt: skip
        self.ledger: Any = _Spy(self.ledger, {"set_account_status": "set_account_status"}, self.journal)
        self.outbox: Any = _Spy(
            self.outbox,
            {"enqueue": "enqueue", "claim": "claim_callbacks", "renew": "renew_callbacks",
             "record": "record_attempts", "switch_on": "switch_on", "replay": "replay_callbacks"},
            self.journal,
        )  # fmt: skip
        self.inbox: Any = _Spy(
            self.inbox,
            {"insert": "insert_webhooks", "lock_due": "lock_webhooks", "claim": "claim_webhooks",
             "renew": "renew_webhooks", "record": "record_looks"},
            self.journal,
        )  # fmt: skip

    def commit_express(
        self, commands: Sequence[Command], now: datetime, express: Express, lost: Lost = "no"
    ) -> list[Result]:
        """Send everybody to the usual counter: versions of rows are each store's own."""
        del commands, now, express, lost
        raise NotForExpressError

    def commit(
        self,
        commands: Sequence[Command],
        now: datetime,
        outbox: Outbox,
        peeked: Peeked | None = None,
        express: Express | None = None,
    ) -> list[Result]:
        """Commit, and write the results down, or what was raised; nothing is remembered for the express counter."""
        del peeked, express
        place = len(self.journal)
        try:
            results = super().commit(commands, now, outbox)
        except REFUSALS as error:
            self.journal.insert(place, Done("commit", (list(commands), now), type(error)))
            raise
        self.journal.insert(place, Done("commit", (list(commands), now), deepcopy(results)))
        return results


def journaled(seed: int, steps: int) -> JournaledWorld:
    """Run a history and return its world, with the journal."""
    world = JournaledWorld(seed)
    choices = world.choices
    play(world, lambda: len(choices.steps) >= steps + 2)
    return world
