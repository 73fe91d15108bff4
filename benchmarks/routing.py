"""What a decision of routing costs: `python benchmarks/routing.py`, or the part `routing` of `make bench`.

Decides what is decided on: payouts of any mode, amount, bank and time, 50 channels in all states of health, and 200
rules, half of them for one merchant. Processor time of this process, the best of several rounds, since others use the
machine as well. No store and no provider is needed.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wisipay.core.money import Paise
from wisipay.merchants import MODES, FeeCharge, FeeTier, RoutingRule, RuleAction
from wisipay.payments.routing.board import Board
from wisipay.payments.routing.deciding import decide
from wisipay.payments.routing.matching import RuleIndex
from wisipay.payments.routing.model import Decision, Facts, Place

CHANNELS: Final = 50
RULES: Final = 200
PAYMENTS: Final = 1_000
AIM_MICROSECONDS: Final = 50
_ROUNDS: Final = 20
_BANKS: Final = ("HDFC", "ICIC", "SBIN", "UTIB", "KKBK", "PUNB", "YESB", "IDFB")
_MERCHANT: Final = "MER-1"


def places(chance: random.Random) -> list[Place]:
    """Return channels, a tenth of which are not to be used and a tenth of which take small amounts only."""
    found = []
    for number in range(CHANNELS):
        fee = FeeTier(Paise(0), None, FeeCharge(Paise(chance.randrange(100, 900)), chance.randrange(20_000)))
        place = Place(
            f"channel{number:02}_acme",
            needs=frozenset({"beneficiary_name"}),
            reference_max=40,
            tiers=(fee,),
            most_paise=200_000 if number % 10 == 1 else 100_000_000,
            float_paise=chance.randrange(1_000_000, 900_000_000),
            expected=chance.uniform(500, 980),
            spread=chance.uniform(5, 100),
        )
        found.append(replace(place, objection="its circuit is open") if number % 10 == 0 else place)
    return found


def rules(chance: random.Random, by: RuleAction, channels: Sequence[str]) -> tuple[RoutingRule, ...]:
    """Return rules with all kinds of conditions; the last, without any, is for the payments left."""
    made = []
    for number in range(1, RULES):
        start = chance.randrange(5_000_000)
        begins = chance.randrange(0, 1_380)
        made.append(
            RoutingRule(
                number,
                _MERCHANT if number % 2 else None,
                "payout",
                chance.randrange(1, 1_000),
                RuleAction.AVOID if number % 4 == 0 else by,
                tuple(chance.sample(channels, 3)) if number % 4 == 0 else tuple(channels),
                tuple(chance.choices(range(1, 10), k=CHANNELS)) if by is RuleAction.WEIGHT and number % 4 else (),
                modes=tuple(chance.sample(MODES["payout"], 2)),
                banks=tuple(chance.sample(_BANKS, 2)) if number % 3 else (),
                from_paise=Paise(start),
                to_paise=Paise(start + chance.randrange(10_000, 300_000)),
                from_minute=begins if number % 5 == 0 else None,
                to_minute=begins + 60 if number % 5 == 0 else None,
            )
        )
    return (*made, RoutingRule(RULES, None, "payout", 10_000, by))


def payments(chance: random.Random) -> list[Facts]:
    """Return payouts, no two alike."""
    fields = frozenset({"beneficiary_name", "account_number", "ifsc", "bank_name"})
    return [
        Facts(
            merchant_id=_MERCHANT if number % 2 else "MER-2",
            kind="payout",
            mode=chance.choice(MODES["payout"]),
            amount_paise=Paise(chance.randrange(100, 6_000_000)),
            minute=chance.randrange(1_440),
            seed=f"WSP{chance.getrandbits(110):022X}",
            ifsc=f"{chance.choice(_BANKS)}0{chance.randrange(10**6):06}",
            fields=fields,
            reference_length=25,
        )
        for number in range(PAYMENTS)
    ]


def microseconds(work: Callable[[], object], times: int) -> float:
    """Return the processor time of one of so many, in the best of several rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best / times * 1e6


def measure() -> list[tuple[str, float]]:
    """Return what each way of ordering costs, in microseconds of processor time per payment."""
    chance = random.Random(7)  # noqa: S311 - the same payments each time
    found, asked = places(chance), payments(chance)
    route = tuple(place.channel_id for place in found)
    figures = []
    for by in (RuleAction.ORDER, RuleAction.WEIGHT, RuleAction.SUCCESS, RuleAction.COST):
        index, board = RuleIndex(rules(chance, by, route)), Board(found)

        def decide_all(index: RuleIndex = index, board: Board = board) -> list[Decision]:
            return [decide(facts, board, index, route) for facts in asked]

        figures.append((f"by {by}", microseconds(decide_all, PAYMENTS)))
    return figures


def main() -> None:
    """Print the figures."""
    print(f"One decision over {CHANNELS} channels and {RULES} rules, us of processor time (aim: {AIM_MICROSECONDS})")
    for name, figure in measure():
        print(f"  {name:12} {figure:6.1f}")


if __name__ == "__main__":
    main()
