"""What the demo's payments are to meet: each way a payment can go, and how often. Pure.

Decides the simulator's tokens and the expected end of each scenario. Every scenario comes once before any comes twice,
so that a small run shows them all; mixing is even, so that failures don't come in a row and open a circuit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from wisipay.providers import Capabilities

Kind = Literal["payin", "payout"]
Later = Literal["", "paid once expired", "decided by the bank"]

_AMOUNTS: Final = 4_900
_MANY_AMOUNTS: Final = 100_000
_STEP: Final = 37
_LEAST_RUPEES: Final = 100


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way a payment goes. `ends` is its last status; `weight` how often it comes after the first round.

    `later` is what the demo does about it by hand; `paced` ones wait for nothing but the machine, so they show its
    pace; `poor` ones are ordered by the merchant without money.
    """

    name: str
    tokens: str
    ends: str
    weight: int = 0
    later: Later = ""
    paced: bool = False
    poor: bool = False


PAYINS: Final = (
    Scenario("success", "sim:after=200", "SUCCESS", 10, paced=True),
    Scenario("failure", "sim:fail sim:after=200", "FAILED", 2, paced=True),
    Scenario("never paid", "sim:pending", "EXPIRED", 1),
    Scenario("paid after it expired", "sim:pending", "SUCCESS", 1, later="paid once expired"),
    Scenario("pending for some time", "sim:processing sim:after=4000", "SUCCESS", 1),
    Scenario("paid after it failed", "sim:fail sim:after=200 sim:success-after=2500", "SUCCESS", 1),
    Scenario("charged back", "sim:after=300 sim:reverse-after=2500", "REVERSED", 1),
    Scenario("refused by every provider", "sim:reject", "FAILED", 1),
    Scenario("success at once", "sim:instant", "SUCCESS", 1),
    Scenario("webhook three times", "sim:after=300 sim:webhook-duplicate=3", "SUCCESS", 1),
    Scenario("webhooks out of order", "sim:processing sim:after=300 sim:webhook-out-of-order", "SUCCESS"),
    Scenario("forged webhook first", "sim:after=1500 sim:webhook-forged", "SUCCESS"),
    Scenario("webhook lost", "sim:after=300 sim:webhook-missing", "SUCCESS"),
)

PAYOUTS: Final = (
    Scenario("answer lost", "sim:after=300 sim:answer-lost", "SUCCESS", 1),
    Scenario("success", "sim:after=200", "SUCCESS", 10, paced=True),
    Scenario("time-out after executing", "sim:after=300 sim:timeout-after-executing", "SUCCESS"),
    Scenario("failure", "sim:fail sim:after=200", "FAILED", 2, paced=True),
    Scenario("half an answer", "sim:after=300 sim:broken-json", "SUCCESS"),
    Scenario("pending", "sim:pending", "SUCCESS", 1, later="decided by the bank"),
    Scenario("returned by the bank", "sim:after=300 sim:reverse-after=2500", "REVERSED", 1),
    Scenario("late success after failure", "sim:fail sim:after=200 sim:success-after=2500", "SUCCESS", 1),
    Scenario("time-out before executing", "sim:timeout-before-executing", "FAILED"),
    Scenario("refused by every provider", "sim:reject", "FAILED", 1),
    Scenario("no money for it", "sim:success", "FAILED", 1, poor=True),
    Scenario("success at once", "sim:instant", "SUCCESS", 1),
    Scenario("lost answer and webhook", "sim:after=300 sim:answer-lost sim:webhook-missing", "SUCCESS"),
    Scenario("pending for some time", "sim:processing sim:after=4000", "SUCCESS", 1),
)


@dataclass(frozen=True, slots=True)
class Order:
    """One payment to order, with the body of its request."""

    kind: Kind
    scenario: Scenario
    order_id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """What the provider of a run can play: the scenarios and modes of each kind."""

    payins: tuple[Scenario, ...] = PAYINS
    payouts: tuple[Scenario, ...] = PAYOUTS
    payin_modes: tuple[str, ...] = ("UPI", "QR", "INTENT")
    payout_modes: tuple[str, ...] = ("IMPS", "UPI", "NEFT", "RTGS")


DUMMY_STAGE: Final = Stage()


def stage_of(payin: Capabilities, payout: Capabilities) -> Stage:
    """Return what providers of these capabilities can play; a kind of payment may have another provider."""
    return Stage(
        tuple(each for each in PAYINS if _can_play(each, payin, "payin")),
        tuple(each for each in PAYOUTS if _can_play(each, payout, "payout")),
        tuple(mode for mode in DUMMY_STAGE.payin_modes if mode in payin.payin_modes),
        tuple(mode for mode in DUMMY_STAGE.payout_modes if mode in payout.payout_modes),
    )


def _can_play(scenario: Scenario, capabilities: Capabilities, kind: Kind) -> bool:
    if scenario.ends == "REVERSED" and kind not in capabilities.tells_reversals:
        return False
    if "timeout-before-executing" in scenario.tokens and not capabilities.not_found_is_definite:
        return False
    told_at_once = scenario.poor or any(token in scenario.tokens for token in ("sim:instant", "sim:reject"))
    return told_at_once or capabilities.checks(kind) or capabilities.signs_webhooks


def orders(prefix: str, payins: int, payouts: int, stage: Stage = DUMMY_STAGE) -> list[Order]:
    """Return the orders of one run, payins and payouts mixed; their ids begin with `prefix` (at most 19 characters).

    No two have the same amount, so that the amount alone can tell the provider what to play.
    """
    mixed = _mixed(
        [("payin", each) for each in _plan(stage.payins, payins)],
        [("payout", each) for each in _plan(stage.payouts, payouts)],
    )
    amounts = _AMOUNTS if payins + payouts <= _AMOUNTS else _MANY_AMOUNTS
    return [_order(prefix, number, kind, scenario, stage, amounts) for number, (kind, scenario) in enumerate(mixed)]


def _plan(catalogue: Sequence[Scenario], count: int) -> list[Scenario]:
    planned = list(catalogue[:count])
    credit = dict.fromkeys(catalogue, 0)
    total = sum(scenario.weight for scenario in catalogue)
    while len(planned) < count:
        for scenario in catalogue:
            credit[scenario] += scenario.weight
        chosen = max(catalogue, key=lambda scenario: credit[scenario])
        credit[chosen] -= total
        planned.append(chosen)
    return planned


def _mixed(first: list[tuple[Kind, Scenario]], second: list[tuple[Kind, Scenario]]) -> Iterator[tuple[Kind, Scenario]]:
    """Spread the shorter list evenly over the longer one."""
    places = [((index + 1) / len(part), each) for part in (first, second) for index, each in enumerate(part)]
    return (each for _, each in sorted(places, key=lambda place: place[0]))


def _order(prefix: str, number: int, kind: Kind, scenario: Scenario, stage: Stage, amounts: int) -> Order:
    order_id = f"{prefix}-{number:05d}"
    body: dict[str, Any] = {
        "amount": _LEAST_RUPEES + number * _STEP % amounts,
        "orderId": order_id,
        "remarks": scenario.tokens,
        **(_payin(number, stage.payin_modes) if kind == "payin" else _payout(number, stage.payout_modes)),
    }
    return Order(kind, scenario, order_id, body)


def _payin(number: int, modes: Sequence[str]) -> dict[str, str]:
    return {
        "paymentMode": modes[number % len(modes)],
        "customerName": "Asha Rao",
        "customerEmail": "asha@example.com",
        "customerPhone": f"98{number:08d}",
    }


def _payout(number: int, modes: Sequence[str]) -> dict[str, str]:
    beneficiary = {
        "beneficiaryAccountNumber": f"{number:012d}",
        "beneficiaryIfsc": "HDFC0000001",
        "beneficiaryBankName": "HDFC Bank",
    }
    mode = modes[number % len(modes)]
    return {
        "paymentMode": mode,
        "beneficiaryName": "Ravi Kumar",
        **({"beneficiaryVpa": "ravi.kumar@okhdfc"} if mode == "UPI" else beneficiary),
    }
