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
from collections.abc import Mapping
from math import log
from statistics import NormalDist
from typing import Final

from wisipay.core.money import PAISE_PER_RUPEE, Paise
from wisipay.merchants import RuleAction, tier_for
from wisipay.payments.routing.board import Board
from wisipay.payments.routing.matching import RuleIndex
from wisipay.payments.routing.model import Decision, Facts, Place, PlainPrice

EXPLORED_SHARE: Final = 0.02
"""The share of payments by success that take any channel, so that one which has recovered is found for certain."""

RANKED_MAX: Final = 10
"""The most channels that are tried for one payment; of those behind them nothing would be left to hope for."""

_PPM: Final = 1_000_000
_HALF_PPM: Final = _PPM // 2
_WORDS: Final = 1 << 32
_NEVER: Final = float("inf")
_FREE: Final = (0, 0, 0)
_WAITS: Final = tuple(-log((step + 0.5) / 4_096) for step in range(4_096))
"""How long an event of rate 1 lets one wait, by twelve bits of chance."""
_NORMAL: Final = tuple(NormalDist().inv_cdf((step + 0.5) / 256) for step in range(256))
"""How far a draw lies from what is expected, in spreads, by one byte of chance."""


def decide(facts: Facts, board: Board, rules: RuleIndex, route: tuple[str, ...]) -> Decision:
    """Decide where a payment goes. A channel of the route or of a rule that has no place is unknown."""
    rule, avoided = rules.match(facts)
    first, behind = board.lineups(facts, rule, route)
    skipped = [*first.skipped, *behind.skipped]
    usable = _fitting(facts, first.live, avoided, skipped)
    fallbacks = _fitting(facts, behind.live, avoided, skipped)
    note = ""
    held = [*first.cautious, *behind.cautious]
    if held and not usable and not fallbacks:
        usable, note = _fitting(facts, held, avoided, skipped), "nothing better is left"
    else:
        skipped += [(place.channel_id, place.caution) for place in held]
    by = RuleAction.ORDER if rule is None else rule.action
    ordered, scores, chance = _in_order(facts, by, rules.weights(rule), usable, has_trial=first.has_trial)
    ordered = ordered[:RANKED_MAX]
    ranked = [place.channel_id for place in (ordered + fallbacks)[:RANKED_MAX]]
    return Decision(
        ranked=tuple(ranked),
        chosen=len(ordered),
        by=by,
        scores=tuple(scores),
        skipped=tuple(skipped),
        left=len(usable) + len(fallbacks) - len(ranked),
        rule_id=None if rule is None else rule.id,
        note=note or chance,
    )


def _fitting(facts: Facts, places: list[Place], avoided: frozenset[str], skipped: list[tuple[str, str]]) -> list[Place]:
    """Return the places that take a payment of this amount; the others go to `skipped`, with the reason."""
    amount = facts.amount_paise
    fitting: list[Place] = []
    for place in places:
        if place.least_paise <= amount <= place.ceiling_paise and not place.is_choosy and not avoided:
            fitting.append(place)
            continue
        misfit = "a rule avoids it" if place.channel_id in avoided else _misfit(amount, place)
        if misfit:
            skipped.append((place.channel_id, misfit))
        else:
            fitting.append(place)
    return fitting


def _misfit(amount: Paise, place: Place) -> str:  # noqa: PLR0911 - one line for each way not to fit
    """Say why a payment of this many paise does not fit a channel that has nothing against others, empty if it does."""
    if amount < place.least_paise:
        return f"takes no less than {place.least_paise} paise"
    if amount > place.ceiling_paise:
        if amount > place.most_paise:
            return f"takes no more than {place.most_paise} paise"
        if amount > place.room_paise:
            return f"its limits hold {max(0, place.room_paise)} paise more"
        return f"its float holds {max(0, place.float_paise)} paise more"
    if place.whole_rupees and amount % PAISE_PER_RUPEE:
        return "takes whole rupees only"
    if place.has_gaps and tier_for(place.tiers, amount) is None:
        return "no fee tier of the channel for this amount"
    return ""


def _in_order(
    facts: Facts, by: RuleAction, weights: Mapping[str, int], usable: list[Place], *, has_trial: bool
) -> tuple[list[Place], list[int], str]:
    """Put the places in order; also return their scores, where the order has any, and what chance had to do with it."""
    if by is RuleAction.SUCCESS:
        return _by_success(usable, facts.seed, has_trial=has_trial)
    if by is RuleAction.WEIGHT:
        return _by_weight(usable, weights, facts.seed), [], ""
    if by is RuleAction.COST:
        costs = _costs(usable, facts.amount_paise)
        order = sorted(range(len(usable)), key=costs.__getitem__)[:RANKED_MAX]
        return [usable[place] for place in order], [costs[place] for place in order], ""
    return usable, [], ""


def _by_success(usable: list[Place], seed: str, *, has_trial: bool) -> tuple[list[Place], list[int], str]:
    """Order by a draw from what may be believed of each: the better first, the little known now and then (Thompson).

    What is believed is taken as normal, with mean and spread of the two shares it is made of: a multiplication a draw.
    """
    if not usable:
        return usable, [], ""
    chance = hashlib.shake_128(seed.encode()).digest(8 + len(usable))
    scores = [place.expected + _NORMAL[draw] * place.spread for place, draw in zip(usable, chance[8:], strict=True)]
    order = sorted(range(len(usable)), key=scores.__getitem__, reverse=True)
    note, tried = "", 0
    if has_trial and (trials := [place for place, each in enumerate(usable) if each.on_trial]):
        note, tried = "on trial", trials[0]
    elif int.from_bytes(chance[:4]) < EXPLORED_SHARE * _WORDS:
        note, tried = "explored", int.from_bytes(chance[4:8]) % len(usable)
    if note:
        order.remove(tried)
        order.insert(0, tried)
    order = order[:RANKED_MAX]
    return [usable[place] for place in order], [int(scores[place]) for place in order], note


def _by_weight(usable: list[Place], weight_of: Mapping[str, int], seed: str) -> list[Place]:
    """Order by chance, so that each is first as often as its weight says; without weight only behind all others.

    The time until an event of rate w is -log(u) / w, and who comes first does so in proportion to its rate.
    """
    draws = _chance(seed, len(usable))
    if not weight_of:
        return [usable[place] for place in sorted(range(len(usable)), key=draws.__getitem__)[:RANKED_MAX]]
    weights = [weight_of.get(place.channel_id) for place in usable]
    waits = [_WAITS[draw >> 20] / weight if weight else _NEVER for draw, weight in zip(draws, weights, strict=True)]
    return [usable[place] for place in sorted(range(len(usable)), key=waits.__getitem__)[:RANKED_MAX]]


def _costs(places: list[Place], amount: Paise) -> list[int]:
    """Return what each provider takes in paise, tax included, as `fee_for` would, in a fifth of its time."""
    prices = [place.plain_price or _price_at(place, amount) for place in places]
    return [
        (fee := flat + (amount * ppm + _HALF_PPM) // _PPM) + (fee * tax_ppm + _HALF_PPM) // _PPM
        for flat, ppm, tax_ppm in prices
    ]


def _price_at(place: Place, amount: Paise) -> PlainPrice:
    """Return the price of the tier that an amount falls into; where one part is taken, as a flat one."""
    for first, last, flat, ppm, tax_ppm, choice in place.prices:
        if first <= amount <= last:
            if choice is None:
                return flat, ppm, tax_ppm
            return choice(flat, (amount * ppm + _HALF_PPM) // _PPM), 0, tax_ppm
    return _FREE


def _chance(seed: str, count: int) -> tuple[int, ...]:
    """Return so many numbers below 2**32 that look random and are always the same for a seed."""
    return struct.unpack(f"<{count}I", hashlib.shake_128(seed.encode()).digest(4 * count))
