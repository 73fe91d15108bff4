"""Random histories of payments, and the same history in a pure book and in a desk on a real database."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import TypeVar
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from support.desk_bench import DeskBench
from support.payment_world import FIRST, NOON, SECOND, account
from wisipay import ledger
from wisipay.core.database import Connection
from wisipay.core.ids import new_id
from wisipay.core.money import Paise
from wisipay.payments import Kind, Source
from wisipay.payments.book import CounterNotLoadedError, PaymentBook
from wisipay.payments.commands import Command, CreateAnswered, Looked, Open, ProviderWord, Result
from wisipay.payments.machine import decide
from wisipay.payments.model import Candidate
from wisipay.providers import (
    Accepted,
    CreateOutcome,
    NotFound,
    ProviderStatus,
    Rejected,
    StatusOutcome,
    StatusReport,
    Unknown,
)

KINDS = (Kind.PAYIN, Kind.PAYOUT, Kind.PAYOUT, Kind.PAYIN)
ORDERS = ("ORDER-0", "ORDER-1", "ORDER-2", "ORDER-0")
SLOTS = len(KINDS)
FUNDS = 250_000
LEASE = UUID(int=7)


@dataclass(frozen=True)
class Begin:
    """Open the payment of a slot, for the first time or again."""

    slot: int
    amount: int
    daily_limit: int | None
    channels: int


@dataclass(frozen=True)
class Answer:
    """Bring an answer of an attempt."""

    slot: int
    attempt: int
    outcome: CreateOutcome
    goes_on: bool


@dataclass(frozen=True)
class Say:
    """Bring a webhook; `attempt` 0 names the payment by its provider's reference only."""

    slot: int
    attempt: int
    status: ProviderStatus
    amount: int | None
    with_reference: bool


@dataclass(frozen=True)
class Look:
    """Bring the answer to a status question, `leased` as the poller's."""

    slot: int
    attempt: int
    outcome: StatusOutcome
    leased: bool


@dataclass(frozen=True)
class Pause:
    """Let time pass, and let a poller claim the payment of a slot. Ends the batch."""

    seconds: int
    claims: int | None


Step = Begin | Answer | Say | Look
Outcome = TypeVar("Outcome", CreateOutcome, StatusOutcome)

slots = st.integers(0, SLOTS - 1)
statuses = st.sampled_from(list(ProviderStatus))
amounts = st.sampled_from([100_000, 100_000, 40_000])
references = st.sampled_from([None, "P-own", "P-own", "P-shared"])
create_outcomes = st.one_of(
    st.builds(Accepted, statuses, references, utr=st.sampled_from([None, "UTR1"])),
    st.builds(Rejected, st.just("E1"), st.just("no"), st.booleans()),
    st.builds(Unknown, st.just("time-out")),
)
status_outcomes = st.one_of(
    st.builds(StatusReport, statuses, references, amount=st.sampled_from([None, Paise(40_000)])),
    st.builds(NotFound, st.just("who?")),
    st.builds(Unknown, st.just("time-out")),
)
begins = st.builds(Begin, slots, amounts, st.sampled_from([None, None, 100_000, 150_000]), st.integers(1, 2))
answers = st.builds(Answer, slots, st.integers(1, 2), create_outcomes, st.booleans())
says = st.builds(Say, slots, st.integers(0, 2), statuses, st.sampled_from([None, 100_000, 40_000]), st.booleans())
looks = st.builds(Look, slots, st.integers(1, 2), status_outcomes, st.booleans())
pauses = st.builds(Pause, st.sampled_from([0, 20, 70, 1_900]), st.one_of(st.none(), slots))
batches = st.lists(st.one_of(begins, answers, says, looks), min_size=1, max_size=8)
histories = st.tuples(
    st.lists(begins, min_size=2, max_size=5),
    st.lists(st.one_of(batches, batches, pauses), max_size=6),
)

_examples = count(1)


class TwoBooks:
    """One history twice: in memory, one command after the other, and stored, batch by batch."""

    def __init__(self, bench: DeskBench) -> None:
        number = next(_examples)
        self.bench = bench
        bench.clock.moment = self.now = NOON
        self.merchant_id = f"MER-{number}"
        self.channels = tuple(
            msgspec.structs.replace(
                each, channel_id=f"{each.provider_id}{number}_acme", provider_id=f"{each.provider_id}{number}"
            )
            for each in (FIRST, SECOND)
        )
        self.ids = [new_id("WSP", self.now) for _ in range(SLOTS)]
        self.book = PaymentBook(ledger=ledger.Book())

    async def open(self) -> None:
        """Open and fund the accounts, in both books."""
        await self.bench.open_accounts((self.merchant_id,), self.channels)
        await self.bench.fund(FUNDS, self.merchant_id)
        specs = [
            *ledger.SYSTEM_ACCOUNTS,
            *ledger.merchant_accounts(self.merchant_id),
            *(spec for channel in self.channels for spec in ledger.channel_accounts(channel.channel_id)),
        ]
        self.book = PaymentBook(ledger=ledger.Book([account(spec) for spec in specs]))
        payout = ledger.merchant_account(self.merchant_id, "PAYOUT").id
        lines = (ledger.Line(ledger.WORLD.id, FUNDS), ledger.Line(payout, -FUNDS))
        self.book.ledger.apply(ledger.Transfer(entry_id=UUID(int=self.now.year), lines=lines), self.now)

    def command(self, step: Step) -> Command:
        """Return a step as a command about this history's own payments."""
        match step:
            case Begin():
                return self._open(step)
            case Answer():
                remaining = self.channels[1:] if step.goes_on else ()
                provider = self.channels[step.attempt - 1].provider_id
                outcome = self._named(step.outcome, step.slot)
                return CreateAnswered(self.ids[step.slot], step.attempt, provider, outcome, remaining=remaining)
            case Look():
                provider = self.channels[step.attempt - 1].provider_id
                token = LEASE if step.leased else None
                found = self._named(step.outcome, step.slot)
                return Looked(
                    self.ids[step.slot],
                    step.attempt,
                    provider,
                    found,
                    Source.STATUS_POLL,
                    token,
                    not_found_is_definite=True,
                )
        return self._word(step)

    def pause(self, pause: Pause) -> str | None:
        """Let time pass; return the payment whose lease was taken."""
        self.now += timedelta(seconds=pause.seconds)
        self.bench.clock.moment = self.now
        claimed = None if pause.claims is None else self.book.transactions.get(self.ids[pause.claims])
        if claimed is None:
            return None
        claimed.lease_token, claimed.lease_until = LEASE, self.now + timedelta(seconds=8)
        return claimed.id

    def decide(self, steps: Sequence[Step]) -> tuple[list[Command], list[Result]]:
        """Decide steps in memory, one after the other; those that speak of a payment not opened yet are left out."""
        commands, results = [], []
        for step in steps:
            if isinstance(step, Answer | Look) and self.ids[step.slot] not in self.book.transactions:
                continue
            commands.append(self.command(step))
            results.append(deepcopy(decide(self.book, commands[-1], self.now, self.bench.rules)))
        return commands, results

    async def submit(self, commands: Sequence[Command]) -> list[Result]:
        """Decide commands at the desk, as one batch; a single one at the counter that the desk chooses for it."""
        if len(commands) == 1:
            return [await self.bench.desk.submit(commands[0])]
        decided: list[Result] = []

        async def begin(_conn: Connection) -> Sequence[Command]:
            return commands

        async def end(_conn: Connection, results: Sequence[Result]) -> None:
            decided[:] = results

        try:
            await self.bench.desk.decide_within(begin, end)
        except (ledger.NotLoadedError, CounterNotLoadedError):  # what the desk's own batcher would split
            return [result for command in commands for result in await self.submit([command])]
        return decided

    def _open(self, step: Begin) -> Open:
        return self.bench.open_command(
            KINDS[step.slot],
            transaction_id=self.ids[step.slot],
            merchant_id=self.merchant_id,
            order_id=ORDERS[step.slot],
            amount_paise=Paise(step.amount),
            daily_limit_paise=step.daily_limit,
            candidates=self.channels[: step.channels],
        )

    def _named(self, outcome: Outcome, slot: int) -> Outcome:
        """Return an outcome whose provider reference is this history's own."""
        if isinstance(outcome, Accepted | StatusReport) and outcome.provider_reference == "P-own":
            return replace(outcome, provider_reference=f"P-{self.ids[slot]}")
        return outcome

    def _word(self, step: Say) -> ProviderWord:
        channel: Candidate = self.channels[max(step.attempt, 1) - 1]
        return ProviderWord(
            transaction_id=self.ids[step.slot] if step.attempt else None,
            attempt=step.attempt or None,
            provider_id=channel.provider_id,
            provider_reference=f"P-{self.ids[step.slot]}" if step.with_reference else None,
            source=Source.WEBHOOK,
            status=step.status,
            amount_paise=None if step.amount is None else Paise(step.amount),
            currency="INR",
            utr="UTR2",
            kind=KINDS[step.slot],
            channel_ids=frozenset({channel.channel_id}),
        )
