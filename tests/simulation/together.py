"""Looking at many webhooks at once, in one commit with the payments they speak of: the worker's first way.

Does what `wisipay.webhooks.together` does to PostgreSQL, with the inbox in memory; reading, applying and judging are
the product's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from simulation.stage import Kit
from simulation.world import World, run_through
from wisipay.ledger import NotLoadedError
from wisipay.payments import Spoken, WordResult
from wisipay.payments.book import CounterNotLoadedError
from wisipay.providers import WebhookUnreadable
from wisipay.webhooks.model import ClaimedWebhook, Look
from wisipay.webhooks.processing import judged, unreadable

TOGETHER = ("one by one", "together", "together, rolled back", "together, killed after the commit")
"""The ways of a batch of webhooks, and what can become of it."""

_FAILS = (NotLoadedError, CounterNotLoadedError, asyncpg.UniqueViolationError, asyncpg.CheckViolationError)


class _Together:
    """One batch: the webhooks that are proofs, and what was made of them."""

    def __init__(self, kit: Kit, world: World) -> None:
        self._kit = kit
        self._world = world
        self._spoken: list[tuple[ClaimedWebhook, list[Spoken]]] = []
        self.looks: list[Look] = []

    async def listen(self, _conn: object) -> Sequence[Spoken]:
        """Lock what is due and return its words."""
        for claimed in self._world.inbox.lock_due(self._world.claims, self._world.now):
            try:
                spoken = await self._kit.processing.read(claimed.webhook)
            except WebhookUnreadable as error:
                self.looks.append(unreadable(claimed, error))
                continue
            if all(each.word.authentic for each in spoken):
                self._spoken.append((claimed, spoken))
        return [each for _, spoken in self._spoken for each in spoken]

    async def conclude(self, _conn: object, results: Sequence[WordResult]) -> None:
        """Record what came of the words."""
        answers = iter(results)
        self.looks.extend(judged(claimed, [next(answers) for _ in spoken]) for claimed, spoken in self._spoken)
        self._world.inbox.record(self.looks, self._world.now)


def look_together(kit: Kit, world: World, fate: str) -> bool:
    """Deal with the due webhooks that are proofs; False when there were none, or it failed as a whole."""
    batch = _Together(kit, world)
    if fate == "together, rolled back":
        world.saw(fate)
        return False
    try:
        if world.inbox.lock_due(1, world.now):
            run_through(kit.words.apply_together(batch.listen, batch.conclude))
    except _FAILS:
        world.saw("together, failed as a whole")
        return False
    for look in batch.looks:
        world.saw(fate)
        world.saw(f"webhook {look.result or look.state}")
    if fate == "together, killed after the commit":
        kit.process.kill()
    return bool(batch.looks)
