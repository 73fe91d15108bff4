"""What the people and machines of a history do, one act a step: merchants, providers, workers, operators, and trouble.

Each act looks for something to do it with and returns False when there is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

from simulation.parties import AMOUNTS, BENEFICIARY, CHANNELS, FUNDS, HABITS, MERCHANTS, WRONG_BENEFICIARY
from simulation.process import Process
from simulation.requests import Ask, Submit, wait_for
from simulation.stage import Kit, Stage
from simulation.together import TOGETHER, look_together
from simulation.world import LEASE_SECONDS
from wisipay.callbacks import AttemptOutcome
from wisipay.callbacks.model import Attempt, ClaimedCallback
from wisipay.core.clock import end_of_ist_day
from wisipay.core.queue import Lease
from wisipay.payments import Kind, Request, SetStatus, Source, Status, Transaction
from wisipay.providers import ProviderStatus, WebhookWord
from wisipay.webhooks.model import Look

_ENDS = (ProviderStatus.SUCCESS, ProviderStatus.FAILED, ProviderStatus.PROCESSING, ProviderStatus.EXPIRED)
_END_WEIGHTS = (62, 84, 92, 100)
_GAPS_SECONDS = (0.02, 1, 4, 9, 12, 60, 300, 1860)
_TIME_WEIGHTS = (14, 30, 42, 52, 62, 70, 74, 78, 92, 98, 100)


class Acts:
    """All acts, on one stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.world = stage.world
        self.choices = stage.choices
        self._orders: list[int] = []

    def kit(self) -> Kit:
        """Choose a process that is not stopped; when all are, the first goes on."""
        kits = self.stage.kits
        if len(kits) == 1 and not kits[0].process.is_stopped:
            return kits[0]
        kits = [kit for kit in kits if not kit.process.is_stopped]
        if not kits:
            kits = self.stage.kits[:1]
            kits[0].process.go_on()
        return kits[self.choices.below(len(kits))] if len(kits) > 1 else kits[0]

    def flush(self) -> bool:
        """Let a desk go on with its batch."""
        busy = [process for process in self.stage.processes if process.has_commands]
        if not busy:
            return False
        process = busy[self.choices.below(len(busy))] if len(busy) > 1 else busy[0]
        process.flush(faults=self.stage.faults)
        return True

    def answer(self) -> bool:
        """Let a request that is on its way be answered."""
        outbound = self.stage.outbound
        if not outbound:
            return False
        self.stage.answer(outbound[self.choices.below(len(outbound))])
        return True

    def record(self) -> bool:
        """Let a worker record what it has done."""
        busy = [process for process in self.stage.processes if process.records and not process.is_stopped]
        if not busy:
            return False
        process = busy[self.choices.below(len(busy))]
        records, process.records = process.records, []
        for record in records:
            record()
        return True

    def initiate(self) -> bool:
        """Let a merchant start a payment; now and then under an order id that it has used."""
        place = self.choices.weighted((60, 90, 100))
        kind = (Kind.PAYOUT, Kind.PAYIN)[self.choices.below(2)]
        amount = AMOUNTS[self.choices.below(len(AMOUNTS))]
        repeated = bool(self._orders) and self.choices.chance(120)
        number = len(self._orders) - (1 if repeated else 0)
        if repeated and self.choices.chance(400):
            number = self.choices.below(len(self._orders))
        if repeated:
            place = self._orders[number]
        else:
            self._orders.append(place)
        merchant = MERCHANTS[place]
        kit = self.kit()
        party = BENEFICIARY
        if kind is Kind.PAYOUT and self.choices.chance(40):
            party = WRONG_BENEFICIARY
            self.world.saw("beneficiary that cannot be right")
        request = Request(kind, f"ORDER-{number}", amount, "UPI", party)  # type: ignore[arg-type] # paise
        if self.world.trace is not None:
            self.world.say(f"{merchant.id} starts {kind} of {amount} as {request.order_id} at {kit.process.name}")
        if repeated:
            self.world.saw("order id used again")
        kit.process.start(kit.service.start(merchant, request))
        if self.choices.chance(80):
            self.world.saw("order sent twice at once")
            other = self.kit()
            other.process.start(other.service.start(merchant, request))
        return True

    def refresh(self) -> bool:
        """Let a merchant, or an operator, ask how a payment stands."""
        transaction = self._any_payment()
        if transaction is None or not transaction.is_open:
            return False
        kit = self.kit()
        kit.process.start(kit.asker.ask(transaction, Source.STATUS_SYNC))
        return True

    def move_order(self) -> bool:
        """Let a provider go on with an order: to its end, or, rarely, to another end."""
        orders = list(self.world.provider.orders.values())
        going = [order for order in orders if order.is_going]
        if going and not self.choices.chance(180):
            order = going[self.choices.below(len(going))]
            status = _ENDS[self.choices.weighted(_END_WEIGHTS)]
        else:
            ended = [order for order in orders if order.status in CHANGES]
            if not ended:
                return False
            order = ended[self.choices.below(len(ended))]
            status = CHANGES[order.status]
            self.world.saw(f"provider: {order.status} turns {status}")
        order.status = status
        if self.world.trace is not None:
            self.world.say(f"provider: {order.reference[-5:].lstrip('0')} is {status}")
        if not self.choices.chance(100):
            self.stage.write(order)
        return True

    def mail(self) -> bool:
        """Let a webhook arrive, arrive and come again, or get lost."""
        letters = self.world.post.on_the_way
        if not letters:
            return False
        letter = letters[self.choices.below(len(letters))]
        fate = self.choices.weighted((70, 85, 100)) if self.stage.faults else 0
        if fate != 1:
            letters.remove(letter)
        else:
            self.world.saw("webhook repeated")
        if fate == 2:
            self.world.saw("webhook lost")
            return True
        webhook = letter.webhook(self.world.new_uuid(), self.world.now)
        if self.world.trace is not None:
            self.world.say(f"webhook {letter.number} stored: {letter.word}")
        self.world.inbox.insert([webhook], self.world.now)
        return True

    def forge(self) -> bool:
        """Let somebody who must not be believed claim that a payment succeeded."""
        transaction = self._any_payment()
        if transaction is None:
            return False
        channel = CHANNELS[self.choices.below(len(CHANNELS))]
        signer = channel.id if HABITS[channel.provider_id].signs and channel.id != transaction.channel_id else None
        status = (ProviderStatus.SUCCESS, ProviderStatus.FAILED, ProviderStatus.REVERSED)[self.choices.below(3)]
        word = WebhookWord(
            kind="payin" if transaction.kind is Kind.PAYIN else "payout",
            reference=transaction.reference,
            provider_reference=None,
            status=status,
            amount=transaction.amount_paise,
            currency="INR",
            utr="FORGED",
            message=None,
            authentic=True,
        )
        attempts = self.world.payments.attempts.get(transaction.id, ())
        if any(each.channel_id == signer for each in attempts):
            return False
        self.world.saw("webhook forged" if signer is None else "webhook of another channel")
        address = None if HABITS[channel.provider_id].one_address else channel.legal_entity_id
        self.world.post.forge(word, channel.provider_id, address, signer)
        return True

    def take_inbox(self) -> bool:
        """Let a worker deal with webhooks together, and look one by one at those that are left or could not be."""
        kit = self.kit()
        fate = TOGETHER[self.choices.weighted((50, 88, 94, 100)) if self.stage.faults else 1]
        if fate != "one by one" and look_together(kit, self.world, fate):
            return True
        token = self.world.new_uuid()
        claimed = self.world.inbox.claim(self.world.claims, token, LEASE_SECONDS, self.world.now)
        process, inbox = kit.process, self.world.inbox
        ids = [each.webhook.webhook_id for each in claimed]
        process.renewals.append(lambda: inbox.renew(ids, token, LEASE_SECONDS, self.world.now))
        for each in claimed:
            process.start(kit.processing.look(each), partial(self._looked, process))
        return bool(claimed)

    def take_outbox(self) -> bool:
        """Let a worker claim callbacks and deliver them."""
        kit = self.kit()
        token = self.world.new_uuid()
        claimed = self.world.outbox.claim(dict.fromkeys(FUNDS, self.world.claims), token, LEASE_SECONDS, self.world.now)
        self._deliver(kit, claimed, token)
        return bool(claimed)

    def send(self) -> bool:
        """Let a worker begin to send what its own process has written."""
        kits = [kit for kit in self.stage.kits if kit.process.sender.handed and not kit.process.is_stopped]
        if not kits:
            return False
        kit = kits[self.choices.below(len(kits))]
        callbacks, lease = kit.process.sender.handed.pop(0)
        self._deliver(kit, callbacks, lease.token)
        return True

    def poll(self) -> bool:
        """Let a worker claim due payments and ask about them."""
        kit = self.kit()
        process, payments = kit.process, self.world.payments
        lease = Lease(self.world.new_uuid(), LEASE_SECONDS)
        claimed = payments.claim_due(process.now(), 16 * self.world.claims, lease)
        ids = [each.id for each in claimed]
        process.renewals.append(lambda: payments.renew_leases(process.now(), ids, lease))
        for transaction in claimed:
            process.start(kit.asker.ask(transaction, Source.STATUS_POLL, lease.token))
        return bool(claimed)

    def work_through(self) -> bool:
        """Let a worker take due payments from the claim to the commit before anybody else moves."""
        if not self.poll():
            return False
        last = self.stage.outbound[-1:]
        process = last[0].task.process if last else self.kit().process
        for pending in [each for each in self.stage.outbound if each.task.process is process]:
            if isinstance(pending.request, Ask):
                self.stage.answer(pending)
        if process.has_commands:
            process.flush(faults=self.stage.faults)
        return True

    def renew(self) -> bool:
        """Let a worker renew the leases of what it claimed last."""
        process = self.kit().process
        for renewal in process.renewals:
            renewal()
        return bool(process.renewals)

    def set_status(self) -> bool:
        """Let an operator set a status by hand, rightly or wrongly."""
        transaction = self._any_payment()
        if transaction is None:
            return False
        status: Literal[Status.SUCCESS, Status.FAILED] = Status.FAILED if self.choices.chance(500) else Status.SUCCESS
        self.by_hand(transaction, status)
        return True

    def by_hand(self, transaction: Transaction, status: Literal[Status.SUCCESS, Status.FAILED]) -> None:
        """Let an operator set this status."""
        self.world.saw("status set by hand")
        kit = self.kit()
        kit.process.start(_submit(SetStatus(transaction.id, status, "asha@example.com", "as the bank says")))

    def kill(self) -> bool:
        """Kill a process; another takes its place at once."""
        kit = self.kit()
        self.world.saw("process killed")
        self.world.say(f"{kit.process.name} is killed")
        self.stage.kill(kit.process)
        return True

    def stop(self) -> bool:
        """Stop a process for a while, or let one that was stopped go on."""
        stopped = [kit.process for kit in self.stage.kits if kit.process.is_stopped]
        if stopped:
            if self.choices.chance(250):
                stopped[0].go_on()
            return True
        process = self.kit().process
        process.is_stopped = len(self.stage.kits) > 1
        if process.is_stopped:
            self.world.saw("process stopped")
        return process.is_stopped

    def stray(self) -> bool:
        """Let an order arrive whose caller has given up."""
        strays = self.stage.strays
        if not strays:
            return False
        self.stage.arrive(strays[self.choices.below(len(strays))])
        return True

    def turn_clock(self) -> bool:
        """Set a process's clock up to two seconds ahead or behind."""
        self.kit().process.skew = timedelta(milliseconds=self.choices.below(4001) - 2000)
        return True

    def wait(self) -> bool:
        """Let time pass."""
        choice = self.choices.weighted(_TIME_WEIGHTS)
        now = self.world.now
        if choice < len(_GAPS_SECONDS):
            self.pass_until(now + timedelta(seconds=_GAPS_SECONDS[choice]))
        elif choice == len(_GAPS_SECONDS):
            self.pass_until(min((moment for moment in self.next_moments() if moment > now), default=now))
        elif choice == len(_GAPS_SECONDS) + 1:
            self.pass_until(end_of_ist_day(now) + timedelta(minutes=2))
        else:
            self.pass_until(now + timedelta(days=2))
        return True

    def pass_until(self, moment: datetime) -> None:
        """Let time pass; what is on its way longer than it can be ends first."""
        stage = self.stage
        while True:
            late = [each for each in stage.outbound if each.deadline < moment]
            strays = [each for each in stage.strays if each.deadline < moment]
            if not late and not strays:
                break
            for pending in late:
                self.world.now = max(self.world.now, pending.deadline)
                stage.time_out(pending)
            for each in strays:
                if self.choices.chance(500):
                    stage.arrive(each)
                else:
                    stage.strays.remove(each)
        self.world.now = max(moment, self.world.now)
        self.world.say("time passed")

    def next_moments(self) -> list[datetime]:
        """Return every moment at which something falls due."""
        world = self.world
        moments = [each.due_at for each in world.payments.transactions.values() if each.due_at is not None]
        moments += [each.lease_until for each in world.payments.transactions.values() if each.lease_until is not None]
        moments += [row.due_at for row in world.outbox.waiting.values()]
        moments += [row.due_at for row in world.inbox.waiting.values()]
        return moments

    def _any_payment(self) -> Transaction | None:
        transactions = list(self.world.payments.transactions.values())
        return transactions[self.choices.below(len(transactions))] if transactions else None

    def _deliver(self, kit: Kit, claimed: Sequence[ClaimedCallback], token: UUID) -> None:
        process, outbox = kit.process, self.world.outbox
        ids = [each.event.event_id for each in claimed]
        process.renewals.append(lambda: outbox.renew(ids, token, LEASE_SECONDS, self.world.now))
        for each in claimed:
            process.start(kit.delivery.attempt(each), partial(self._attempted, process))

    def _looked(self, process: Process, look: Look) -> None:
        process.records.append(lambda: self._record_look(look))

    def _record_look(self, look: Look) -> None:
        is_ours = self.world.inbox.record([look], self.world.now)[0]
        self.world.saw(f"webhook {look.result or look.state}" if is_ours else "webhook lease lost")

    def _attempted(self, process: Process, result: tuple[Attempt, object]) -> None:
        process.records.append(lambda: self._record_attempt(result[0]))

    def _record_attempt(self, attempt: Attempt) -> None:
        is_ours = self.world.outbox.record([attempt], self.world.now)[0]
        if attempt.outcome is not AttemptOutcome.DELIVERED or not is_ours:
            self.world.saw(f"callback {attempt.outcome}" if is_ours else "callback lease lost")


CHANGES = {
    ProviderStatus.SUCCESS: ProviderStatus.REVERSED,
    ProviderStatus.FAILED: ProviderStatus.SUCCESS,
    ProviderStatus.EXPIRED: ProviderStatus.SUCCESS,
}
"""How a provider's end can turn into another one."""


async def _submit(command: SetStatus) -> object:
    return await wait_for(Submit(command))
