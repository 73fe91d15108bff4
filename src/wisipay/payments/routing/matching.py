"""Which rules hold for a payment: the first that orders channels, and all before it that keep away from some.

A merchant's own rules come before those for all, lower priorities before higher ones, older before younger. What
amount, mode and bank say is worked out once for all payments alike, so that a payment costs a look-up however many
rules there are; the time of day is compared each time. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from wisipay.merchants import RoutingRule, RuleAction, is_within
from wisipay.payments.routing.model import Facts

REMEMBERED_MAX: Final = 50_000
BANK_LETTERS: Final = 4

_Matched: TypeAlias = tuple[RoutingRule | None, frozenset[str]]
_NO_WEIGHTS: Final[Mapping[str, int]] = {}
_NONE_AVOIDED: Final[frozenset[str]] = frozenset()


class RuleIndex:
    """The rules, ready to be asked. Immutable but for what it remembers."""

    def __init__(self, rules: Iterable[RoutingRule]) -> None:
        self._rules = sorted(rules, key=lambda rule: (rule.merchant_id is None, rule.priority, rule.id))
        self._merchants = {rule.merchant_id for rule in self._rules}
        self._banks = {bank for rule in self._rules for bank in rule.banks}
        ends: set[int] = {rule.from_paise for rule in self._rules if rule.from_paise is not None}
        ends |= {rule.to_paise + 1 for rule in self._rules if rule.to_paise is not None}
        self._ends = sorted(ends)
        self._weights = {rule.id: dict(zip(rule.channels, rule.weights, strict=False)) for rule in self._rules}
        self._found: dict[tuple[object, ...], tuple[RoutingRule, ...]] = {}

    def channels_of(self, facts: Facts) -> frozenset[str]:
        """Return every channel that some rule could lead such a merchant's payment to."""
        scopes = {None, facts.merchant_id}
        return frozenset(
            channel_id
            for rule in self._rules
            if rule.service == facts.kind and rule.merchant_id in scopes
            for channel_id in rule.channels
        )

    def weights(self, rule: RoutingRule | None) -> Mapping[str, int]:
        """Return the weights of a rule's channels; empty where they are all alike."""
        return _NO_WEIGHTS if rule is None else self._weights[rule.id]

    def match(self, facts: Facts) -> _Matched:
        """Return the rule that orders the channels, None where there is none, and the channels to keep away from."""
        avoided = _NONE_AVOIDED
        for rule in self._candidates(facts):
            if is_within(facts.minute, rule.from_minute, rule.to_minute):
                if rule.action is not RuleAction.AVOID:
                    return rule, avoided
                avoided = avoided.union(rule.channels)
        return None, avoided

    def _candidates(self, facts: Facts) -> tuple[RoutingRule, ...]:
        """Return the rules that hold but for the time of day, in order."""
        banks, ifsc = self._banks, facts.ifsc
        key = (
            facts.merchant_id if facts.merchant_id in self._merchants else None,
            facts.kind,
            facts.mode,
            bisect_right(self._ends, facts.amount_paise),
            ifsc if ifsc in banks else None,
            ifsc[:BANK_LETTERS] if ifsc[:BANK_LETTERS] in banks else None,
            facts.vpa_handle if facts.vpa_handle in banks else None,
        )
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= REMEMBERED_MAX:
                self._found.clear()
            found = self._found[key] = tuple(self._holding(facts))
        return found

    def _holding(self, facts: Facts) -> Iterable[RoutingRule]:
        named = {facts.ifsc, facts.ifsc[:BANK_LETTERS], facts.vpa_handle} - {""}
        for rule in self._rules:
            if (
                rule.service == facts.kind
                and rule.merchant_id in {None, facts.merchant_id}
                and (not rule.modes or facts.mode in rule.modes)
                and (not rule.banks or not named.isdisjoint(rule.banks))
                and (rule.from_paise is None or rule.from_paise <= facts.amount_paise)
                and (rule.to_paise is None or facts.amount_paise <= rule.to_paise)
            ):
                yield rule
                if rule.action is not RuleAction.AVOID and rule.from_minute is None:
                    return
