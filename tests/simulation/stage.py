"""What lies between our processes and the world: calls, questions and callbacks on their way, and how each can go.

Everything that is sent is answered, lost or late; an order that is late still reaches its provider, within
`STRAY_SECONDS` of being sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from simulation.broken import Broken
from simulation.paths import MemoryHealth, RepeatableRouter
from simulation.post import TWISTS
from simulation.process import Pending, Process
from simulation.provider import ID_LENGTH, Order
from simulation.requests import Ask, Call, Tell
from simulation.shell import MemoryAsker, RepeatableService, WaitingClient, WaitingDesk, WaitingGateway
from simulation.world import RULES, World
from wisipay.callbacks import Delivery
from wisipay.core.http_client import AnswerLost, HttpAnswer, NotSent
from wisipay.core.money import Paise
from wisipay.payments import Kind, Words
from wisipay.providers import Accepted, NotFound, ProviderStatus, Rejected, StatusOutcome, StatusReport, Unknown
from wisipay.webhooks.processing import Processing

STRAY_SECONDS = 20
"""How long an order may be under way behind a time-out."""

_CALLS = {
    "accepted": 48, "done at once": 8, "failed at once": 5, "rejected": 9, "connection refused": 6, "answer lost": 8,
    "order lost": 5, "order late": 6, "accepted without name": 2, "wrong amount answered": 2, "name of another": 1,
}  # fmt: skip
_ASKS = {"told": 72, "question lost": 8, "told late": 12, "wrong amount told": 3, "denied": 5}
_TELLS = {"taken": 70, "error 500": 8, "not sent": 6, "answer lost": 8, "slow down": 5, "gone": 3}
_STATUS = ProviderStatus


def cumulative(weights: dict[str, int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return names and their weights added up."""
    return tuple(weights), tuple(accumulate(weights.values()))


CALLS, ASKS, TELLS = cumulative(_CALLS), cumulative(_ASKS), cumulative(_TELLS)


@dataclass(slots=True, eq=False)
class Stray:
    """An order whose caller has given up, on its way to the provider until `deadline`."""

    call: Call
    deadline: datetime


class Kit:
    """The product's parts in one process, on stand-ins for I/O."""

    def __init__(self, world: World, process: Process) -> None:
        self.health = MemoryHealth(process)
        desk, people = WaitingDesk(process.commit_together), world.people
        gateway = WaitingGateway(world.post, self.health)
        parts: dict[str, Any] = {"desk": desk, "gateway": gateway}
        self.process = process
        self.desk = desk
        self.asker = MemoryAsker(world.payments, desk, gateway)
        self.service = RepeatableService(
            RepeatableRouter(world.new_id, people, gateway, process, health=self.health),
            people,
            **parts,
            asker=self.asker,
            clock=process,
            rules=RULES,
            id_prefix="WSP",
            webhook_base_url="http://pay.example",
        )
        client: Any = WaitingClient()
        directory: Any = people
        self.words = Words(parts["desk"], self.asker, directory, ID_LENGTH)
        self.processing = Processing(people, gateway, self.words)
        self.delivery = Delivery(people, client, process, unit="RUPEES", https_only=False)


class Stage:
    """The world, our processes, and what is on its way between them."""

    def __init__(self, world: World, processes: int) -> None:
        self.world = world
        self.choices = world.choices
        self.outbound: list[Pending] = []
        self.strays: list[Stray] = []
        self.ready: dict[Pending, StatusOutcome] = {}
        self.faults = True
        self.kits = [Kit(world, Process(world, f"process {number}", self.outbound)) for number in range(processes)]
        self.processes = [kit.process for kit in self.kits]
        self.delivered: set[str] = set()
        world.checks.on_its_way = self.on_its_way

    def on_its_way(self, transaction_id: str) -> bool:
        """Whether an order of this payment may still reach a provider."""
        calls = [each.request for each in self.outbound] + [stray.call for stray in self.strays]
        return any(isinstance(call, Call) and call.order.reference.startswith(transaction_id) for call in calls)

    def pick(self, options: tuple[tuple[str, ...], Sequence[int]]) -> str:
        """Choose by weight; the first, tame one once faults have stopped."""
        names, weights = options
        return names[self.choices.weighted(weights) if self.faults else 0]

    def answer(self, pending: Pending) -> None:
        """Let one request arrive, or not, and its sender hear of it, or not."""
        self.outbound.remove(pending)
        request = pending.request
        if isinstance(request, Call):
            self._answer_call(pending, request)
        elif isinstance(request, Ask):
            self._answer_question(pending, request)
        elif isinstance(request, Tell):
            self._answer_callback(pending, request)

    def time_out(self, pending: Pending) -> None:
        """Let a request's time run out: what was asked for may have been done all the same."""
        self.outbound.remove(pending)
        self.ready.pop(pending, None)
        request = pending.request
        if isinstance(request, Tell):
            if self.choices.chance(500):
                self._deliver(request)
            self._resume(pending, error=AnswerLost("timed out"))
            return
        if isinstance(request, Call):
            self._astray(request)
        self._resume(pending, Unknown("timed out"))

    def arrive(self, stray: Stray) -> None:
        """Let an order reach its provider whose caller has given up."""
        self.strays.remove(stray)
        self.world.saw("order executed late")
        self._take(stray.call)

    def kill(self, process: Process) -> None:
        """Kill a process; what it had sent goes on by itself."""
        process.kill()
        for pending in [each for each in self.outbound if each.task.process is process]:
            self.outbound.remove(pending)
            self.ready.pop(pending, None)
            if isinstance(pending.request, Call):
                self._astray(pending.request)
            elif isinstance(pending.request, Tell) and self.choices.chance(500):
                self._deliver(pending.request)

    def _astray(self, call: Call) -> None:
        fate = self.choices.below(3)
        if fate == 1:
            self.strays.append(Stray(call, self.world.now + timedelta(seconds=STRAY_SECONDS)))
        elif fate == 2:
            self._take(call)

    def _answer_call(self, pending: Pending, call: Call) -> None:
        how = self.pick(CALLS)
        self.world.saw(f"call {how}")
        if self.world.trace is not None:
            self.world.say(f"{call.order.reference[-5:].lstrip('0')} at {call.channel_id}: {how}")
        if how == "rejected":
            self._resume(pending, Rejected("E1", "no such account", sent=True))
        elif how == "connection refused":
            self._resume(pending, Rejected("REFUSED", "no connection", sent=False))
        elif how == "order lost":
            self._resume(pending, Unknown("lost"))
        elif how == "order late":
            self.strays.append(Stray(call, self.world.now + timedelta(seconds=STRAY_SECONDS)))
            self._resume(pending, Unknown("timed out"))
        else:
            self._resume(pending, self._executed(self._take(call), how))

    def _executed(self, order: Order, how: str) -> Accepted | Unknown:
        if how in {"done at once", "wrong amount answered"}:
            order.status = _STATUS.SUCCESS
        elif how == "failed at once":
            order.status = _STATUS.FAILED
        if how != "accepted":
            self.write(order)
        if how == "answer lost":
            return Unknown("broken answer")
        if how == "wrong amount answered":
            return Accepted(order.status, order.name, amount=Paise(order.amount + 1))
        accepted = order.accepted()
        if how == "accepted without name":
            return replace(accepted, provider_reference=None)
        if how == "name of another":
            names = self._names_known(order)
            return replace(accepted, provider_reference=names[self.choices.below(len(names))])
        return accepted

    def _names_known(self, order: Order) -> list[str]:
        """Return the names that can be told of this order: its own, and those that we know others of its provider by.

        Nobody can tell that a name is another's before it was heard of that one: what comes under it is believed.
        """
        known = self.world.payments.references
        orders = [each for each in self.world.provider.orders.values() if each.provider_id == order.provider_id]
        return [each.name for each in orders if each is order or (each.provider_id, each.name) in known]

    def _take(self, call: Call) -> Order:
        """Let a provider execute an order, after a look at whether we may still want that."""
        order = self.world.provider.take(call)
        transaction = self.world.payments.transactions.get(order.transaction_id)
        if transaction is None:
            raise Broken("intent first", f"{order.reference} was sent and is not stored")
        is_wanted = transaction.is_open and transaction.attempt == order.attempt
        if order.kind is Kind.PAYOUT and not is_wanted and transaction.id not in self.world.by_hand:
            what = (
                f"payout {order.reference} was executed when it was {transaction.status}, attempt {transaction.attempt}"
            )
            raise Broken("executed after its end", what)
        if order.amount != transaction.amount_paise:
            raise Broken("amount sent", f"{order.reference}: {order.amount}")
        return order

    def write(self, order: Order) -> None:
        """Let the order's provider write to us how it stands, one way or another."""
        twist = TWISTS[self.choices.weighted((60, 70, 78, 86, 91, 94, 97))] if self.faults else TWISTS[0]
        if twist != "true":
            self.world.saw(f"webhook {twist}")
        self.world.post.write(order, twist)

    def _answer_question(self, pending: Pending, ask: Ask) -> None:
        if pending in self.ready:
            self._resume(pending, self.ready.pop(pending))
            return
        how = self.pick(ASKS)
        order = self.world.provider.find(ask.channel_id, ask.reference)
        outcome: StatusOutcome = NotFound("no such order") if order is None else Unknown("no answer")
        if how == "question lost":
            outcome = Unknown("no answer")
        elif order is not None and how == "denied" and ask.channel_id.startswith("beta"):
            outcome = NotFound("no such order")  # its NotFound is not definite, so it may be wrong
        elif order is not None and how == "wrong amount told" and order.status is _STATUS.SUCCESS:
            outcome = StatusReport(order.status, order.name, amount=Paise(order.amount + 1))
        elif order is not None:
            outcome = order.report()
        self.world.saw(f"question {how}")
        if how == "told late":
            self.ready[pending] = outcome
            self.outbound.append(pending)
            return
        if self.world.trace is not None:
            self.world.say(f"asked {ask.channel_id} about {ask.reference[-5:].lstrip('0')}: {outcome}")
        self._resume(pending, outcome)

    def _answer_callback(self, pending: Pending, tell: Tell) -> None:
        how = self.pick(TELLS)
        self.world.saw(f"callback {how}")
        if how in {"taken", "answer lost"}:
            self._deliver(tell)
        if how == "answer lost":
            self._resume(pending, error=AnswerLost("reset"))
        elif how == "not sent":
            self._resume(pending, error=NotSent("refused"))
        else:
            status = {"taken": 200, "error 500": 500, "slow down": 429, "gone": 410}[how]
            headers = {"retry-after": "40"} if how == "slow down" else {}
            self._resume(pending, HttpAnswer(status, headers, b"", 0.0))

    def _deliver(self, tell: Tell) -> None:
        """Let a merchant hear of an event: of no other before its predecessors were heard or given up."""
        outbox = self.world.outbox
        row = outbox.rows[UUID(tell.event_id)]
        if tell.event_id in self.delivered:
            self.world.saw("callback repeated")
            return
        self.delivered.add(tell.event_id)
        for earlier in outbox.of_transaction[row.event.transaction_id]:
            if earlier.position < row.position and earlier.state.value == "WAITING":
                raise Broken("callbacks in order", f"{row.event.status} told while {earlier.event.status} waits")

    def _resume(self, pending: Pending, value: object = None, error: BaseException | None = None) -> None:
        pending.task.process.resume(pending.task, value, error)
