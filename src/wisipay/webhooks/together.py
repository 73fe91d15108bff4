"""Looking at many webhooks at once: locked, applied and recorded in one transaction with the payments they speak of.

Decides which webhooks can be dealt with so: those all of whose words are vouched for. The others (hints, which make us
call a provider, and what a channel cannot read today) are leased in the same transaction and looked at one by one. The
lock is the lease: a killed worker's transaction ends with its connection. Must never call anybody in that transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from wisipay.core.database import Connection
from wisipay.core.queue import Lease
from wisipay.payments import Spoken, WordResult
from wisipay.providers import WebhookUnreadable
from wisipay.webhooks import store
from wisipay.webhooks.model import ClaimedWebhook, Look
from wisipay.webhooks.processing import Processing, judged, unreadable


@dataclass(slots=True)
class Done:
    """What became of one batch: its recorded `looks`, and what is left `aside` under the lease. Empty at first."""

    looks: list[Look] = field(default_factory=list)
    aside: list[ClaimedWebhook] = field(default_factory=list)


@dataclass(slots=True)
class _Read:
    """The webhooks of a batch by what is to be done with them."""

    spoken: list[tuple[ClaimedWebhook, list[Spoken]]] = field(default_factory=list)
    dead: list[Look] = field(default_factory=list)
    aside: list[ClaimedWebhook] = field(default_factory=list)


async def look_together(processing: Processing, limit: int, lease: Lease) -> Done:
    """Deal with up to `limit` due webhooks. Raises whatever went wrong, and then nothing has happened."""
    batch, done = _Read(), Done()

    async def listen(conn: Connection) -> Sequence[Spoken]:
        nonlocal batch
        batch = await _read(processing, await store.lock_due(conn, limit))
        return [each for _, spoken in batch.spoken for each in spoken]

    async def conclude(conn: Connection, results: Sequence[WordResult]) -> None:
        answers = iter(results)
        looks = [judged(claimed, [next(answers) for _ in spoken]) for claimed, spoken in batch.spoken]
        done.looks = looks + batch.dead
        if done.looks:
            await store.record(conn, done.looks)
        done.aside = await store.lease(conn, batch.aside, lease.token, int(lease.seconds))

    await processing.sink.apply_together(listen, conclude)
    return done


async def _read(processing: Processing, locked: Sequence[ClaimedWebhook]) -> _Read:
    batch = _Read()
    for claimed in locked:
        try:
            spoken = await processing.read(claimed.webhook)
        except WebhookUnreadable as error:
            batch.dead.append(unreadable(claimed, error))
        except Exception:  # noqa: BLE001 - it is looked at by itself, which tells of what is wrong
            batch.aside.append(claimed)
        else:
            if all(each.word.authentic for each in spoken):
                batch.spoken.append((claimed, spoken))
            else:
                batch.aside.append(claimed)
    return batch
