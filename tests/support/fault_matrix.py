"""Every fault of the simulator with every provider and kind: one payment each, on a channel of its own.

Decides what is right: money moved at most once, and a payment that ended has the end that its provider has in its book.
One that stays open is right too where nobody tells us how it stands; then its money is neither settled nor given back.
Where a provider has no authentic word for what happened, our books cannot have it: that is unheard, and only that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from support.e2e_parties import Lane
from support.e2e_play import Play
from support.provider_lane import found_lane
from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.entrypoints.demonstration.books import compare_books
from wisipay.entrypoints.demonstration.scenarios import stage_of
from wisipay.entrypoints.simulated import played_adapters, simulated
from wisipay.payments import Status, Transaction
from wisipay.providers import Capabilities, PaymentKind, capabilities_of, numeric_name

FAULTS: Final[Mapping[str, str]] = {
    "none": "sim:after=300",
    "failure": "sim:fail sim:after=300",
    "returned": "sim:after=300 sim:reverse-after=1500",
    "late success": "sim:fail sim:after=300 sim:success-after=1500",
    **{
        name: f"sim:{name}"
        for name in (
            *("reject", "maintenance", "throttle", "http-500", "timeout-before-executing"),
            *("http-500-after-executing", "timeout-after-executing", "answer-lost", "broken-json"),
        )
    },
    **{
        f"status-{name}": f"sim:after=300 sim:late=15000 sim:status-{name}"
        for name in (
            *("http-500", "timeout", "answer-lost", "broken-json", "throttle", "maintenance", "not-found", "stale"),
        )
    },
    "webhook late": "sim:after=300 sim:late=2000",
    **{
        name: f"sim:after=300 sim:{name}"
        for name in (
            *("webhook-missing", "webhook-early", "webhook-duplicate=3", "webhook-out-of-order", "webhook-forged"),
            *("webhook-unsigned", "webhook-broken", "webhook-wrong-amount", "webhook-wrong-currency"),
            "webhook-unknown-reference",
        )
    },
}
_FIRST_RUPEES: Final = 600
_AT_ONCE: Final = 6
_LOOK_SECONDS: Final = 1.0
_KINDS: Final[tuple[PaymentKind, ...]] = ("payin", "payout")


@dataclass(frozen=True)
class Cell:
    """One payment: which provider, which way, which fault."""

    adapter: str
    kind: PaymentKind
    fault: str

    @property
    def name(self) -> str:
        """The merchant of this cell."""
        number = list(FAULTS).index(self.fault)
        return f"FM{self.adapter}{self.kind.removeprefix('pay')}{number}".upper()

    @property
    def rupees(self) -> int:
        """The amount, by which the simulator knows the fault: not every provider takes remarks."""
        return _FIRST_RUPEES + list(FAULTS).index(self.fault)


@dataclass(frozen=True)
class Told:
    """What became of a cell. `wrong` says what books disagree about; a right one has none."""

    cell: Cell
    payment: Transaction
    executions: int
    wrong: tuple[str, ...]

    @property
    def is_unheard(self) -> bool:
        """Whether the books differ because nobody could tell us, by the provider's own capabilities.

        It has no word for money that came back; or a payin expired while its webhooks are hints and nobody answers.
        """
        capabilities = _capabilities(self.cell.adapter)
        if self.cell.fault == "returned":
            return self.payment.status is Status.SUCCESS and self.cell.kind not in capabilities.tells_reversals
        nobody_answers = self.cell.fault.startswith("status-") and not capabilities.signs_webhooks
        return nobody_answers and self.cell.kind == "payin" and self.payment.status is Status.EXPIRED

    @property
    def word(self) -> str:
        """The result in a word: how the payment ended, or `open` while nobody tells how it stands."""
        if self.wrong:
            return "unheard" if self.is_unheard else "WRONG"
        if self.payment.is_held_for_operator:
            return "held"
        return "open" if self.payment.is_open else self.payment.status.lower()


def cells(faults: Sequence[str] = tuple(FAULTS), adapters: Sequence[str] = played_adapters()) -> list[Cell]:
    """Return the cells of every adapter, kind and fault."""
    return [
        Cell(adapter, kind, fault)
        for adapter in adapters
        for kind in _KINDS
        if _capabilities(adapter).modes(kind)
        for fault in faults
    ]


def _capabilities(adapter: str) -> Capabilities:
    return capabilities_of(adapter, simulated(adapter, "http://x", "x").credentials)


async def play_cells(play: Play, wanted: Sequence[Cell], *, within_seconds: float) -> list[Told]:
    """Order the payment of every cell, wait until all have ended but at most so long, and compare everybody's books."""
    plan = {cell.rupees * PAISE_PER_RUPEE: FAULTS[cell.fault] for cell in wanted}
    await play.tell("amounts", {"payin": plan, "payout": plan})
    lanes = {cell: await found_lane(play, cell.adapter, cell.kind, cell.name) for cell in wanted}
    places = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_order(play, places, cell, lanes[cell]) for cell in wanted))
    await _wait(play, lanes, within_seconds)
    return await _judged(play, lanes)


async def _order(play: Play, places: asyncio.Semaphore, cell: Cell, lane: Lane) -> None:
    capabilities = _capabilities(cell.adapter)
    stage = stage_of(capabilities, capabilities)
    mode = (stage.payin_modes if cell.kind == "payin" else stage.payout_modes)[0]
    async with places, play.shop(lane) as shop:
        initiate = shop.payin if cell.kind == "payin" else shop.payout
        await initiate("ORDER-1", paymentMode=mode, amount=cell.rupees, remarks="a way through")


async def _payments(play: Play, lanes: Mapping[Cell, Lane]) -> dict[Cell, Transaction]:
    found = await play.payments([(lane, "ORDER-1") for lane in lanes.values()])
    return dict(zip(lanes, found, strict=True))


async def _wait(play: Play, lanes: Mapping[Cell, Lane], within_seconds: float) -> None:
    """Wait until nothing is open and nobody has anything left to say."""
    deadline = monotonic() + within_seconds
    while monotonic() < deadline:
        payments = await _payments(play, lanes)
        waiting = await play.pool.fetchval("SELECT count(*) FROM callbacks_outbox WHERE state = 'WAITING'")
        is_quiet = (await play.simulator.summary()).is_quiet
        is_waited_for = any(each.is_open and not each.is_held_for_operator for each in payments.values())
        if is_quiet and not waiting and not is_waited_for:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _judged(play: Play, lanes: Mapping[Cell, Lane]) -> list[Told]:
    async with play.pool.acquire() as conn:
        comparison = await compare_books(conn, play.simulator)
    assert comparison.ledger.balanced
    assert comparison.provider.double_payouts == comparison.provider.double_payins == 0
    disagreements: dict[str, list[str]] = {}
    for each in comparison.disagreements:
        disagreements.setdefault(each.transaction_id, []).append(str(each))
    book = await play.simulator.book()
    told = []
    for cell, payment in (await _payments(play, lanes)).items():
        references = (payment.reference, numeric_name(payment.reference))
        executions = sum(attempt.executions for name in references for attempt in book.get(name, ()))
        wrong = disagreements.get(payment.id, []) if not payment.is_open else []
        if executions > 1:
            wrong = [*wrong, f"money moved {executions} times"]
        told.append(Told(cell, payment, executions, tuple(wrong)))
    return told
