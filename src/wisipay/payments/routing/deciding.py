"""The decision of routing: which channels a payment may take, in which order, and why the others may not.

Pure: no I/O, no clock, no randomness; chance comes from the payment's own seed, so that a decision can be made again.
The order of things: rules pick the channels (`matching`), each channel is looked at, what is left is put in order, the
merchant's route follows as fallbacks. A channel that is held for bad health is used only when there is no other.
Whether a payment may go on to the next channel is not decided here but by the machine, and for a payout only when
nothing can have been executed. Source: spec/lifecycles.md "Routing".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from math import log
from statistics import NormalDist
from typing import Final

from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.merchants import RoutingRule, RuleAction, fee_for, tier_for
from wisipay.payments.routing.matching import RuleIndex
from wisipay.payments.routing.model import Decision, Facts, Place

EXPLORED_SHARE: Final = 0.02
"""The share of payments by success that take any channel, so that one which has recovered is found for certain."""

UNKNOWN_CHANNEL: Final = "unknown"
_WORDS: Final = 1 << 32
_NORMAL: Final = tuple(NormalDist().inv_cdf((step + 0.5) / 256) for step in range(256))
"""How far a draw lies from what is expected, in spreads, by one byte of chance."""


def decide(facts: Facts, places: Mapping[str, Place], rules: RuleIndex, route: Sequence[str]) -> Decision:
    """Decide where a payment goes. A channel of the route or of a rule that has no place is unknown."""
    rule, avoided = rules.match(facts)
    own = rule.channels or route if rule is not None else route
    rest = () if rule is None or rule.is_exclusive or not rule.channels else [name for name in route if name not in own]
    skipped: list[tuple[str, str]] = []
    cautious: list[tuple[str, str]] = []
    usable = _usable(facts, places, own, avoided, skipped, cautious)
    behind = _usable(facts, places, rest, avoided, skipped, cautious)
    note = ""
    if not usable and not behind and cautious:
        usable, cautious = [places[name] for name, _ in cautious], []
        note = "nothing better is left"
    by = RuleAction.ORDER if rule is None else rule.action
    ordered, scores, chance = _in_order(facts, by, rule, usable)
    return Decision(
        ranked=tuple([place.channel_id for place in ordered] + [place.channel_id for place in behind]),
        chosen=len(ordered),
        by=by,
        scores=scores,
        skipped=(*skipped, *cautious),
        rule_id=None if rule is None else rule.id,
        note=note or chance,
    )


def _usable(
    facts: Facts,
    places: Mapping[str, Place],
    names: Iterable[str],
    avoided: frozenset[str],
    skipped: list[tuple[str, str]],
    cautious: list[tuple[str, str]],
) -> list[Place]:
    """Return the places that fit the payment; the others go to `skipped` or `cautious`, with the reason."""
    usable: list[Place] = []
    amount, fields, reference_length = facts.amount_paise, facts.fields, facts.reference_length
    for name in names:
        place = places.get(name)
        if place is None:
            skipped.append((name, UNKNOWN_CHANNEL))
        elif place.objection:
            skipped.append((name, place.objection))
        elif name in avoided:
            skipped.append((name, "a rule avoids it"))
        elif (
            place.least_paise <= amount <= place.most_paise
            and amount <= place.room_paise
            and amount <= place.float_paise
            and place.needs <= fields
            and reference_length <= place.reference_max
            and not (place.whole_rupees and amount % PAISE_PER_RUPEE)
            and not (place.has_gaps and tier_for(place.tiers, amount) is None)
        ):
            if place.caution:
                cautious.append((name, place.caution))
            else:
                usable.append(place)
        else:
            skipped.append((name, _misfit(facts, place)))
    return usable


def _misfit(facts: Facts, place: Place) -> str:  # noqa: PLR0911 - one line for each way not to fit
    """Say why a payment does not fit a channel that has nothing against others; amounts in paise."""
    amount = facts.amount_paise
    if amount < place.least_paise:
        return f"takes no less than {place.least_paise} paise"
    if amount > place.most_paise:
        return f"takes no more than {place.most_paise} paise"
    if amount > place.room_paise:
        return f"its limits hold {max(0, place.room_paise)} paise more"
    if amount > place.float_paise:
        return f"its float holds {max(0, place.float_paise)} paise more"
    if not place.needs <= facts.fields:
        return f"needs {', '.join(sorted(place.needs - facts.fields))}"
    if facts.reference_length > place.reference_max:
        return f"takes references of up to {place.reference_max} characters"
    if place.whole_rupees and amount % PAISE_PER_RUPEE:
        return "takes whole rupees only"
    return "no fee tier of the channel for this amount"


def _in_order(
    facts: Facts, by: RuleAction, rule: RoutingRule | None, usable: list[Place]
) -> tuple[list[Place], tuple[int, ...], str]:
    """Put the places in order; also return their scores, where the order has any, and what chance had to do with it."""
    if by is RuleAction.SUCCESS:
        return _by_success(usable, facts.seed)
    if by is RuleAction.WEIGHT and rule is not None:
        weights = dict(zip(rule.channels, rule.weights, strict=False))
        return _by_weight(usable, weights, facts.seed), (), ""
    if by is RuleAction.COST:
        costs = [_cost(place, facts) for place in usable]
        order = sorted(range(len(usable)), key=costs.__getitem__)
        return [usable[place] for place in order], tuple([costs[place] for place in order]), ""
    return usable, (), ""


def _by_success(usable: list[Place], seed: str) -> tuple[list[Place], tuple[int, ...], str]:
    """Order by a draw from what may be believed of each: the better first, the little known now and then (Thompson).

    What is believed is taken as normal, with mean and spread of the two shares it is made of: a multiplication a draw.
    """
    if not usable:
        return usable, (), ""
    first, second, *draws = _chance(seed, len(usable) + 2)
    scores = [
        int((place.expected + _NORMAL[draw >> 24] * place.spread) * 1_000)
        for place, draw in zip(usable, draws, strict=True)
    ]
    order = sorted(range(len(usable)), key=scores.__getitem__, reverse=True)
    note = ""
    tried = next((place for place, each in enumerate(usable) if each.on_trial), None)
    if tried is not None:
        note = "on trial"
    elif first < EXPLORED_SHARE * _WORDS:
        tried, note = second % len(usable), "explored"
    if tried is not None:
        order.remove(tried)
        order.insert(0, tried)
    return [usable[place] for place in order], tuple([scores[place] for place in order]), note


def _by_weight(usable: list[Place], weights: Mapping[str, int], seed: str) -> list[Place]:
    """Order by chance, so that each is first as often as its weight says; without weight only behind all others.

    The time until an event of rate w is -log(u) / w, and who comes first does so in proportion to its rate.
    """
    even = not weights
    draws = _chance(seed, len(usable))
    waits = [
        (-log((draw + 1) / _WORDS) / weight, place) if weight else (float("inf"), place)
        for place, (draw, weight) in enumerate(
            zip(draws, [1 if even else weights.get(each.channel_id, 0) for each in usable], strict=True)
        )
    ]
    return [usable[place] for _, place in sorted(waits)]


def _cost(place: Place, facts: Facts) -> int:
    fee = fee_for(place.tiers, facts.amount_paise)
    return 0 if fee is None else fee.total_paise


def _chance(seed: str, count: int) -> tuple[int, ...]:
    """Return so many numbers below 2**32 that look random and are always the same for a seed."""
    return struct.unpack(f"<{count}I", hashlib.shake_128(seed.encode()).digest(4 * count))
