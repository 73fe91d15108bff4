"""The decision of routing: what may never happen, and how often what may."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.money import Paise
from wisipay.merchants import FeeCharge, FeeStrategy, FeeTier, RoutingRule, RuleAction, fee_for
from wisipay.payments.routing.board import Board
from wisipay.payments.routing.deciding import EXPLORED_SHARE, RANKED_MAX, decide
from wisipay.payments.routing.matching import RuleIndex
from wisipay.payments.routing.model import Decision, Facts, Place

FACTS = Facts("MER-1", "payout", "IMPS", Paise(50_000), 720, "WSP01", fields=frozenset({"ifsc"}), reference_length=25)
NAMES = tuple(f"channel{number}_acme" for number in range(6))
DRAWS = 4_000


def ruled(action: RuleAction, *channels: str, **more: object) -> RuleIndex:
    return RuleIndex([RoutingRule(7, None, "payout", 100, action, channels, **more)])  # type: ignore[arg-type]  # any field


def decided(
    places: list[Place], rules: RuleIndex | None = None, route: tuple[str, ...] = NAMES, **facts: object
) -> Decision:
    return decide(replace(FACTS, **facts), Board(places), rules or RuleIndex(()), route)  # type: ignore[arg-type]  # any field


def firsts(places: list[Place], rules: RuleIndex) -> Counter[str]:
    """Count which channel is first, over payments that differ in their seed."""
    board = Board(places)
    facts = (replace(FACTS, seed=f"WSP{number}") for number in range(DRAWS))
    return Counter(decide(each, board, rules, NAMES).ranked[0] for each in facts)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Place], RuleIndex, Facts]:
    """Make channels in any state, rules of any kind, and a payment."""
    places = [
        Place(
            name,
            objection=draw(st.sampled_from(["", "", "inactive"])),
            caution=draw(st.sampled_from(["", "", "held"])),
            least_paise=draw(st.sampled_from([0, 60_000])),
            most_paise=draw(st.sampled_from([40_000, 10**9])),
            whole_rupees=draw(st.booleans()),
            needs=draw(st.sampled_from([frozenset(), frozenset({"vpa"})])),
            reference_max=draw(st.sampled_from([20, 40])),
            room_paise=draw(st.sampled_from([-5, 10**9])),
            float_paise=draw(st.sampled_from([10, 10**9])),
            expected=draw(st.integers(0, 1_000)),
            spread=draw(st.integers(0, 300)),
            on_trial=draw(st.booleans()),
        )
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True))
    ]
    rules = [
        RoutingRule(
            number,
            draw(st.sampled_from([None, "MER-1", "MER-2"])),
            "payout",
            draw(st.integers(1, 3)),
            draw(st.sampled_from(list(RuleAction))),
            tuple(draw(st.lists(st.sampled_from(NAMES), unique=True))),
            is_exclusive=draw(st.booleans()),
            from_minute=draw(st.sampled_from([None, 700])),
            to_minute=800,
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    facts = replace(FACTS, amount_paise=Paise(draw(st.integers(1, 100_000))), seed=draw(st.text(max_size=5)))
    return places, RuleIndex(rules), facts


@given(worlds())
def test_what_is_skipped_is_never_ranked_and_nothing_is_lost(world: tuple[list[Place], RuleIndex, Facts]) -> None:
    places, rules, facts = world
    found = decide(facts, Board(places), rules, NAMES)
    by_name = {place.channel_id: place for place in places}
    skipped = [name for name, _ in found.skipped]
    assert not set(skipped) & set(found.ranked)
    assert len(set(found.ranked)) == len(found.ranked)
    assert len(set(skipped)) == len(skipped)
    assert all(reason for _, reason in found.skipped)
    rule, avoided = rules.match(facts)
    names = set(NAMES)
    if rule is not None:
        names = set(rule.channels or NAMES) | (set() if rule.is_exclusive and rule.channels else set(NAMES))
    assert len(found.ranked) + found.left + len(skipped) == len(names)
    for name in found.ranked:
        place = by_name[name]
        assert not place.objection
        assert name not in avoided
        assert place.least_paise <= facts.amount_paise <= min(place.most_paise, place.room_paise, place.float_paise)
        assert place.needs <= facts.fields
        assert facts.reference_length <= place.reference_max
        assert not (place.whole_rupees and facts.amount_paise % 100)
        assert not place.caution or found.note == "nothing better is left"


@given(worlds())
def test_the_same_facts_give_the_same_decision(world: tuple[list[Place], RuleIndex, Facts]) -> None:
    places, rules, facts = world
    assert decide(facts, Board(places), rules, NAMES) == decide(facts, Board(places), rules, NAMES)


@given(worlds())
def test_a_held_channel_is_tried_only_where_no_other_is_left(world: tuple[list[Place], RuleIndex, Facts]) -> None:
    places, rules, facts = world
    found = decide(facts, Board(places), rules, NAMES)
    cautious = {place.channel_id for place in places if place.caution}
    assert set(found.ranked) <= cautious or not set(found.ranked) & cautious


def test_without_rules_the_route_is_taken_primary_first() -> None:
    found = decided([Place(name) for name in reversed(NAMES)])
    assert found.ranked == NAMES
    assert [found.reason(place) for place in (0, 1)] == ["primary", "fallback"]
    assert found.record() == {"by": "order", "ranked": list(NAMES), "chosen": 6}


def test_a_channel_that_nobody_knows_is_skipped_as_unknown() -> None:
    assert decided([], route=("nobody_nowhere",)).skipped == (("nobody_nowhere", "unknown"),)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ({"objection": "inactive"}, "inactive"),
        ({"least_paise": 50_001}, "takes no less than 50001 paise"),
        ({"most_paise": 49_999}, "takes no more than 49999 paise"),
        ({"room_paise": -1}, "its limits hold 0 paise more"),
        ({"float_paise": 49_999}, "its float holds 49999 paise more"),
        ({"needs": frozenset({"vpa", "phone", "ifsc"})}, "needs phone, vpa"),
        ({"reference_max": 24}, "takes references of up to 24 characters"),
        ({"has_gaps": True}, "no fee tier of the channel for this amount"),
    ],
)
def test_each_misfit_has_its_reason(place: dict[str, object], reason: str) -> None:
    misfit = Place("channel0_acme", **place)  # type: ignore[arg-type]  # any field
    found = decided([misfit], route=("channel0_acme",))
    assert (found.ranked, found.skipped) == ((), (("channel0_acme", reason),))


def test_paise_do_not_fit_where_whole_rupees_are_taken() -> None:
    choosy = Place("channel0_acme", whole_rupees=True)
    assert decided([choosy], route=NAMES[:1]).ranked == NAMES[:1]
    assert decided([choosy], route=NAMES[:1], amount_paise=50_001).skipped[0][1] == "takes whole rupees only"


def test_a_rules_channels_come_before_the_route_unless_it_is_exclusive() -> None:
    places = [Place(name) for name in NAMES]
    found = decided(places, ruled(RuleAction.ORDER, NAMES[3], NAMES[1]))
    assert found.ranked == (NAMES[3], NAMES[1], NAMES[0], NAMES[2], NAMES[4], NAMES[5])
    assert (found.rule_id, found.chosen) == (7, 2)
    assert [found.reason(place) for place in (0, 2)] == ["rule 7 by order, place 1", "fallback"]
    exclusive = decided(places, ruled(RuleAction.ORDER, NAMES[3], is_exclusive=True))
    assert exclusive.ranked == (NAMES[3],)


def test_no_more_than_ten_are_ranked_and_the_others_counted() -> None:
    names = tuple(f"many{number}_acme" for number in range(14))
    for action in (RuleAction.ORDER, RuleAction.WEIGHT, RuleAction.SUCCESS, RuleAction.COST):
        found = decided([Place(name) for name in names], ruled(action), names)
        assert (len(found.ranked), found.left) == (RANKED_MAX, 4)


def test_shares_converge_to_the_weights_of_what_can_be_used() -> None:
    places = [Place(NAMES[0]), Place(NAMES[1]), Place(NAMES[2], objection="inactive"), Place(NAMES[3])]
    weights = ruled(RuleAction.WEIGHT, *NAMES[:4], weights=(6, 3, 5, 0), is_exclusive=True)
    found = firsts(places, weights)
    assert set(found) == {NAMES[0], NAMES[1]}
    assert found[NAMES[0]] / DRAWS == pytest.approx(2 / 3, abs=0.03)
    even = firsts([Place(name) for name in NAMES], ruled(RuleAction.WEIGHT))
    assert all(count / DRAWS == pytest.approx(1 / 6, abs=0.03) for count in even.values())


def test_the_better_channel_gets_most_and_every_other_is_explored() -> None:
    places = [Place(NAMES[0], expected=950, spread=10), *(Place(name, expected=300, spread=10) for name in NAMES[1:])]
    found = firsts(places, ruled(RuleAction.SUCCESS))
    assert found[NAMES[0]] / DRAWS == pytest.approx(1 - EXPLORED_SHARE * 5 / 6, abs=0.01)
    assert set(found) == set(NAMES)


def test_what_is_little_known_is_tried_more_often_than_what_is_known_to_be_bad() -> None:
    places = [Place(NAMES[0], expected=950, spread=10), Place(NAMES[1], expected=810, spread=160)]
    share = firsts(places, ruled(RuleAction.SUCCESS))[NAMES[1]] / DRAWS
    assert 0.1 < share < 0.3


def test_a_channel_on_trial_is_first_by_success_and_stays_in_its_place_otherwise() -> None:
    places = [Place(NAMES[0], expected=950), Place(NAMES[1], expected=10, on_trial=True)]
    found = decided(places, ruled(RuleAction.SUCCESS), NAMES[:2])
    assert (found.ranked[0], found.note, found.scores) == (NAMES[1], "on trial", (10, 950))
    assert decided(places, None, NAMES[:2]).ranked == NAMES[:2]


def test_success_among_nothing_is_nothing() -> None:
    assert decided([], ruled(RuleAction.SUCCESS), ()).ranked == ()


@given(
    st.integers(1, 10**9),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 500_000),
    st.sampled_from(list(FeeStrategy)),
)
def test_cost_is_what_the_fee_would_be(amount: int, flat: int, ppm: int, tax: int, strategy: FeeStrategy) -> None:
    tiers = (FeeTier(Paise(0), Paise(10**10), FeeCharge(Paise(flat), ppm, tax, strategy)),)
    found = decided([Place(NAMES[0], tiers=tiers)], ruled(RuleAction.COST), NAMES[:1], amount_paise=amount)
    fee = fee_for(tiers, Paise(amount))
    assert fee is not None
    assert found.scores == (fee.total_paise,)


def test_the_cheapest_comes_first_and_without_tiers_it_is_free() -> None:
    dear, cheap = (
        (FeeTier(Paise(0), None, FeeCharge(Paise(100), 0)), FeeTier(Paise(90), None, FeeCharge(Paise(1), 0))),
        (
            FeeTier(Paise(90_000), None, FeeCharge(Paise(900), 0)),
            FeeTier(Paise(0), Paise(89_999), FeeCharge(Paise(5), 0)),
        ),
    )
    places = [Place(NAMES[0], tiers=dear), Place(NAMES[1], tiers=cheap), Place(NAMES[2])]
    found = decided(places, ruled(RuleAction.COST), NAMES[:3])
    assert (found.ranked, found.scores) == ((NAMES[2], NAMES[1], NAMES[0]), (0, 6, 118))
