"""A channel at a moment: each thing that can be held against it, and what configuration and health make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from support.parties import channel
from wisipay.core.money import Paise
from wisipay.merchants import (
    Channel,
    FeeCharge,
    FeeTier,
    Limits,
    Maintenance,
    ModeHours,
    RoutingBook,
    RoutingRule,
    RuleAction,
    ServiceConfig,
    StatedFloat,
)
from wisipay.payments.routing.board import Board
from wisipay.payments.routing.deciding import decide
from wisipay.payments.routing.matching import RuleIndex
from wisipay.payments.routing.model import ANY_AMOUNT, Facts, Place
from wisipay.payments.routing.places import Look, Used, place_of
from wisipay.providers import Capabilities, Health, OrderRules, Standing, State
from wisipay.providers.health import Tally, health_of

NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
CHANNEL = channel()
ABLE = Capabilities(
    frozenset({"UPI"}), frozenset({"IMPS", "RTGS"}), checks_status=True, signs_webhooks=True,
    not_found_is_definite=True, reference_max_length=30,
)  # fmt: skip
WELL = Health(0.9, 0.05, 1, 10, 10, 2, Standing(), is_blocked=False)
SERVICE = ServiceConfig(is_active=True)


def place(
    of: Channel = CHANNEL,
    look: Look | None = None,
    book: RoutingBook | None = None,
    *,
    mode: str = "IMPS",
    now: datetime = NOON,
) -> Place:
    return place_of(book or RoutingBook(), of, "payout", mode, look or Look(ABLE, WELL), now)


def standing(state: State, *, may_try: bool = False) -> Look:
    until_ms = round(NOON.timestamp() * 1_000) + 20_000
    return Look(ABLE, replace(WELL, standing=Standing(state, 0, until_ms)), may_try=may_try)


def test_nothing_is_held_against_a_channel_that_is_well() -> None:
    found = place()
    assert (found.objection, found.caution, found.on_trial) == ("", "", False)
    assert (found.expected, found.spread) == pytest.approx((860, 51), abs=0.1)
    assert (found.least_paise, found.ceiling_paise, found.reference_max) == (0, ANY_AMOUNT, 30)


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"is_active": False}, "inactive"),
        ({"payout": ServiceConfig()}, "inactive"),
        ({"is_paused": True}, "paused by an operator"),
        ({"is_paused": True, "pause_reason": "called them"}, "paused by an operator: called them"),
    ],
)
def test_an_operators_switches_are_objections(change: dict[str, object], objection: str) -> None:
    assert place(replace(CHANNEL, **change)).objection == objection  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(
    ("look", "objection"),
    [
        (Look("UnknownAdapter", WELL), "cannot be used: UnknownAdapter"),
        (Look(replace(ABLE, payout_modes=frozenset()), WELL), "does not take IMPS"),
        (Look(ABLE, replace(WELL, is_blocked=True)), "its circuit is open"),
    ],
)
def test_what_it_cannot_do_now_is_an_objection(look: Look, objection: str) -> None:
    assert place(look=look).objection == objection


def test_a_maintenance_window_holds_from_its_first_moment_until_before_its_last() -> None:
    window = Maintenance(1, CHANNEL.id, NOON, NOON + timedelta(hours=1), "upgrade")
    book = RoutingBook(maintenance=(replace(window, channel_id="another"), window))
    assert place(book=book).objection == "in maintenance until 22 Nov 13:00 IST: upgrade"
    assert not place(book=book, now=NOON - timedelta(seconds=1)).objection
    assert not place(book=book, now=NOON + timedelta(hours=1)).objection


def test_a_mode_is_taken_within_its_hours() -> None:
    book = RoutingBook(hours=(ModeHours(CHANNEL.id, "payout", "RTGS", 420, 720),))
    assert place(book=book, mode="RTGS").objection == "takes RTGS from 07:00 to 12:00 IST"
    assert not place(book=book, mode="RTGS", now=NOON - timedelta(minutes=1)).objection
    assert not place(book=book).objection


def test_a_held_channel_is_used_with_caution_and_one_on_trial_by_whoever_may_try() -> None:
    assert place(look=standing(State.HELD)).caution == "held for 20 s more: too many calls failed"
    assert place(look=standing(State.TRIAL)).caution == "on trial after it was held, and another payment tries it"
    tried = place(look=standing(State.TRIAL, may_try=True))
    assert (tried.caution, tried.on_trial) == ("", True)


def test_without_health_nothing_is_expected() -> None:
    found = place(look=Look(ABLE))
    assert (found.expected, found.spread, found.caution, found.objection) == (0, 0, "", "")


def test_amounts_are_bounded_by_limits_rules_and_tiers_whichever_is_narrower() -> None:
    tiers = (
        FeeTier(Paise(200), Paise(899), FeeCharge(Paise(1), 0)),
        FeeTier(Paise(100), Paise(199), FeeCharge(Paise(1), 0)),
    )
    service = ServiceConfig(is_active=True, tiers=tiers, limits=Limits(min_paise=Paise(50), max_paise=Paise(5_000)))
    of = replace(CHANNEL, payout=service)
    found = place(of)
    assert (found.least_paise, found.most_paise, found.has_gaps) == (100, 899, False)
    strict = OrderRules(
        frozenset({"phone"}), frozenset({("IMPS", "ifsc"), ("UPI", "vpa")}), takes_paise=False,
        amount_min=Paise(300), amount_max=Paise(400),
    )  # fmt: skip
    found = place(of, Look(replace(ABLE, payout_rules=strict)))
    assert (found.least_paise, found.most_paise, found.whole_rupees) == (300, 400, True)
    assert found.needs == {"phone", "ifsc"}


def test_tiers_without_an_end_or_with_gaps_between_them_are_seen() -> None:
    open_ended = (FeeTier(Paise(0), Paise(9), FeeCharge(Paise(1), 0)), FeeTier(Paise(20), None, FeeCharge(Paise(1), 0)))
    found = place(replace(CHANNEL, payout=replace(SERVICE, tiers=open_ended)))
    assert (found.most_paise, found.has_gaps) == (ANY_AMOUNT, True)


def test_limits_and_float_leave_what_is_not_used() -> None:
    limits = Limits(daily_paise=Paise(1_000), monthly_paise=Paise(1_500))
    of = replace(CHANNEL, payout=replace(SERVICE, limits=limits))
    stated = StatedFloat(CHANNEL.id, Paise(2_000), Paise(500), 100, NOON)
    book = RoutingBook(floats={CHANNEL.id: stated})
    found = place(of, Look(ABLE, WELL, used=Used(300, 900, 700)), book)
    assert (found.room_paise, found.float_paise, found.ceiling_paise) == (600, 900, 600)
    unlimited = place(look=Look(ABLE, WELL, used=Used(300, 900, 700)))
    assert (unlimited.room_paise, unlimited.float_paise) == (ANY_AMOUNT, ANY_AMOUNT)
    assert place(of, book=book).float_paise == ANY_AMOUNT


def share_of(little_known: Tally, well_known: Tally) -> float:
    """Return how often the first of two channels is taken, by success."""
    places = []
    for name, tally in (("little_acme", little_known), ("well_acme", well_known)):
        health = health_of(tally, Standing(), tally.at_ms)
        places.append(place_of(RoutingBook(), replace(CHANNEL, id=name), "payout", "IMPS", Look(ABLE, health), NOON))
    rule = RoutingRule(1, None, "payout", 1, RuleAction.SUCCESS, ("little_acme", "well_acme"))
    board, rules = Board(places), RuleIndex([rule])
    facts = [Facts("MER-1", "payout", "IMPS", Paise(1), 0, f"WSP{number}") for number in range(1_000)]
    taken = [decide(each, board, rules, ()).ranked[0] for each in facts]
    return taken.count("little_acme") / len(taken)


def test_a_channel_that_is_as_good_gets_its_share_again_long_before_it_is_as_well_known() -> None:
    well_known = Tally(0, served=900, well=5_000)
    assert 0.12 < share_of(Tally(0, served=40, failed=0.4, well=40), well_known) < 0.5
    assert 0.3 < share_of(Tally(0, served=150, well=150), well_known) < 0.5


def test_a_channel_that_is_worse_gets_little() -> None:
    well_known = Tally(0, served=900, well=5_000)
    assert share_of(Tally(0, served=850, failed=50, well=4_000), well_known) < 0.03
    assert share_of(Tally(0, served=900, well=4_700, badly=300), well_known) < 0.03
