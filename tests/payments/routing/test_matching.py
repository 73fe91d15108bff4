"""Which rule holds: each condition at its edges, whose come first, and that remembering changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.money import Paise
from wisipay.merchants import MODES, RoutingRule, RuleAction, is_within
from wisipay.payments.routing import matching
from wisipay.payments.routing.matching import RuleIndex
from wisipay.payments.routing.model import Facts
from wisipay.payments.validation import PAYIN_MODES, PAYOUT_MODES

FACTS = Facts("MER-1", "payout", "IMPS", Paise(50_000), 720, "WSP01", ifsc="HDFC0001234", vpa_handle="@okhdfc")
ORDER = RoutingRule(1, None, "payout", 100, RuleAction.ORDER, ("one_acme",))


def holds(rule: RoutingRule, **facts: object) -> bool:
    found, _ = RuleIndex([rule]).match(replace(FACTS, **facts))  # type: ignore[arg-type]  # any field
    return found is rule


@pytest.mark.parametrize(
    ("rule", "fitting", "other"),
    [
        ({"service": "payin"}, {"kind": "payin"}, {"kind": "payout"}),
        ({"merchant_id": "MER-1"}, {}, {"merchant_id": "MER-2"}),
        ({"modes": ("IMPS", "NEFT")}, {"mode": "NEFT"}, {"mode": "UPI"}),
        ({"banks": ("HDFC",)}, {}, {"ifsc": "ICIC0001234"}),
        ({"banks": ("HDFC0001234",)}, {}, {"ifsc": "HDFC0001235"}),
        ({"banks": ("@okhdfc",)}, {"ifsc": ""}, {"vpa_handle": "@ybl"}),
        ({"from_paise": 50_000}, {"amount_paise": 50_000}, {"amount_paise": 49_999}),
        ({"to_paise": 50_000}, {"amount_paise": 50_000}, {"amount_paise": 50_001}),
        ({"from_minute": 720, "to_minute": 721}, {"minute": 720}, {"minute": 721}),
        ({"from_minute": 1_320, "to_minute": 360}, {"minute": 1_320}, {"minute": 360}),
    ],
)
def test_a_condition_holds_up_to_its_edge(
    rule: dict[str, object], fitting: dict[str, object], other: dict[str, object]
) -> None:
    limited = replace(ORDER, **rule)  # type: ignore[arg-type]  # any field
    assert holds(limited, **fitting)
    assert not holds(limited, **other)


def test_a_merchants_own_rule_comes_first_then_the_lower_priority_then_the_older() -> None:
    general = replace(ORDER, id=2, priority=1)
    own, older = replace(ORDER, id=4, merchant_id="MER-1", priority=900), replace(ORDER, id=3, priority=1)
    assert RuleIndex([older, general, own]).match(FACTS)[0] is own
    assert RuleIndex([older, general]).match(FACTS)[0] is general
    assert RuleIndex([older, general, own]).match(replace(FACTS, merchant_id="MER-2"))[0] is general


def test_rules_that_avoid_add_up_until_one_decides() -> None:
    rules = [
        replace(ORDER, id=number, priority=number, action=action, channels=(f"c{number}",))
        for number, action in enumerate(
            (RuleAction.AVOID, RuleAction.AVOID, RuleAction.COST, RuleAction.AVOID), start=1
        )
    ]
    assert RuleIndex(rules).match(FACTS) == (rules[2], frozenset({"c1", "c2"}))
    assert RuleIndex(rules[:2]).match(FACTS) == (None, frozenset({"c1", "c2"}))


def test_channels_of_a_payments_rules_are_known_before_it_is_matched() -> None:
    rules = [ORDER, replace(ORDER, id=2, merchant_id="MER-2", channels=("two_acme",)), replace(ORDER, service="payin")]
    assert RuleIndex(rules).channels_of(FACTS) == {"one_acme"}


_rules = st.builds(
    RoutingRule,
    st.integers(1, 9),
    st.sampled_from([None, "MER-1"]),
    st.just("payout"),
    st.integers(1, 5),
    st.sampled_from(list(RuleAction)),
    st.just(("one_acme",)),
    modes=st.sampled_from([(), ("IMPS",), ("UPI", "NEFT")]),
    banks=st.sampled_from([(), ("HDFC",), ("ICIC0000001",), ("@ybl",)]),
    from_paise=st.none() | st.integers(0, 50).map(Paise),
    to_paise=st.none() | st.integers(50, 99).map(Paise),
    from_minute=st.none() | st.integers(0, 1_439),
    to_minute=st.none() | st.integers(1, 1_440),
)
_facts = st.builds(
    Facts,
    st.sampled_from(["MER-1", "MER-2"]),
    st.just("payout"),
    st.sampled_from(["UPI", "IMPS"]),
    st.integers(1, 120).map(Paise),
    st.integers(0, 1_439),
    st.just("WSP01"),
    ifsc=st.sampled_from(["", "HDFC0000001", "ICIC0000001", "ICIC0000002"]),
    vpa_handle=st.sampled_from(["", "@ybl"]),
)


@given(st.lists(_rules, max_size=8, unique_by=lambda rule: rule.id), st.lists(_facts, min_size=1, max_size=6))
def test_an_index_that_remembers_matches_like_looking_at_every_rule(
    rules: list[RoutingRule], payments: list[Facts]
) -> None:
    index = RuleIndex(rules)
    for facts in payments * 2:
        avoided: frozenset[str] = frozenset()
        expected = None
        for rule in sorted(rules, key=lambda each: (each.merchant_id is None, each.priority, each.id)):
            bank_fits = not rule.banks or {facts.ifsc, facts.ifsc[:4], facts.vpa_handle} & set(rule.banks)
            if (
                rule.merchant_id in {None, facts.merchant_id}
                and (not rule.modes or facts.mode in rule.modes)
                and bank_fits
                and (rule.from_paise or 0) <= facts.amount_paise <= (10**9 if rule.to_paise is None else rule.to_paise)
                and is_within(facts.minute, rule.from_minute, rule.to_minute)
            ):
                if rule.action is not RuleAction.AVOID:
                    expected = rule
                    break
                avoided |= set(rule.channels)
        assert index.match(facts) == (expected, avoided)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "REMEMBERED_MAX", 1)
    index = RuleIndex([ORDER])
    for mode in ("UPI", "IMPS", "UPI"):
        assert index.match(replace(FACTS, mode=mode))[0] is ORDER


def test_modes_of_rules_are_those_of_the_merchant_api() -> None:
    assert MODES == {"payin": PAYIN_MODES, "payout": PAYOUT_MODES}
