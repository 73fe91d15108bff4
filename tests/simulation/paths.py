"""How payments find their channels in a history: operators' rules, the channels' health, and a router that repeats.

Deciding is the product's: its router, its rules, its health. Here is what they go by, and what must hold of a decision,
worked out from the configuration and not by the router's code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulation.broken import Broken
from simulation.parties import People, fee_and_tax
from wisipay.core.clock import Clock
from wisipay.core.money import Paise
from wisipay.merchants import RoutingRule, RuleAction
from wisipay.payments import Kind, Router
from wisipay.payments.commands import Open
from wisipay.payments.routing import Facts
from wisipay.providers import HealthStore, PaymentKind
from wisipay.providers.health import Standing, State

AVOIDED = "alpha_north"
"""The channel that a rule keeps away from, where it does."""

_ALL = ("alpha_north", "alpha_south", "beta_north", "gamma_north")
RULES: tuple[tuple[RoutingRule, ...], ...] = (
    (),
    (RoutingRule(1, None, "payout", 1, RuleAction.COST, _ALL),),
    (RoutingRule(2, None, "payin", 1, RuleAction.WEIGHT, _ALL[:3], (5, 1, 3)),),
    (
        RoutingRule(3, None, "payout", 1, RuleAction.AVOID, (AVOIDED,)),
        RoutingRule(4, None, "payin", 1, RuleAction.AVOID, (AVOIDED,)),
        RoutingRule(5, None, "payin", 2, RuleAction.SUCCESS, ("beta_north", AVOIDED)),
    ),
    (
        RoutingRule(6, "MER-B", "payout", 1, RuleAction.ORDER, ("gamma_north", "beta_north"), is_exclusive=True),
        RoutingRule(7, None, "payout", 2, RuleAction.SUCCESS, _ALL, to_paise=Paise(99_999)),
    ),
)
"""The sets of rules that operators put in force, one after the other."""


class MemoryHealth(HealthStore):
    """The product's health of channels as one process sees it, told how they stand instead of asking Redis."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_NoRedis(), clock=clock)  # type: ignore[arg-type] # nothing is shared

    def stand(self, channel_id: str, kind: PaymentKind, state: State) -> None:
        """Say how a channel stands from now on."""
        now_ms = self._now_ms()
        self._standings[channel_id, kind] = Standing(state, now_ms, now_ms + 30_000)


class _NoRedis:
    """A Redis that is never asked."""

    def register_script(self, _script: str) -> None:
        """Take a script."""


class RepeatableRouter(Router):
    """The product's router, whose chance hangs on ids that a seed repeats."""

    def __init__(self, new_id: Callable[[], str], *parts: Any, **more: Any) -> None:  # noqa: ANN401 - the router's own parts
        super().__init__(*parts, **more)
        self._new_id = new_id
        self.latest_id = ""

    def facts(self, *given: Any, **more: Any) -> Facts:  # noqa: ANN401 - what the product gives
        """Return what is known of a payment, with an id for it that the history repeats."""
        *before, _, party = given
        self.latest_id = self._new_id()
        repeated: Any = (*before, self.latest_id, party)
        return super().facts(*repeated, **more)


def check_routed(command: Open, people: People) -> None:
    """Check what the router offers for a payment: channels that may be used now, at their own fees and limits."""
    merchant = people.merchants[command.merchant_id]
    kind: PaymentKind = "payin" if command.kind is Kind.PAYIN else "payout"
    rules = [each for each in people.rules if each.service == kind and each.merchant_id in {None, merchant.id}]
    known = {*merchant.service(kind).routing, *(name for rule in rules for name in rule.channels)}
    is_avoided = any(rule.action is RuleAction.AVOID for rule in rules)
    names = [each.channel_id for each in command.candidates]
    if not names or len(set(names)) < len(names) or not known.issuperset(names):
        raise Broken("routed", f"{command.transaction_id} is offered {names}, of {known}")
    for each in command.candidates:
        channel = people.by_channel[each.channel_id]
        if channel.is_paused or (is_avoided and channel.id == AVOIDED):
            raise Broken("routed", f"{command.transaction_id} is offered {channel.id}, which is not to be used")
        service = channel.service(kind)
        if (each.provider_fee_paise, each.provider_tax_paise) != fee_and_tax(service, command.amount_paise):
            raise Broken("routed", f"{channel.id} is offered at {each.provider_fee_paise}, {each.provider_tax_paise}")
        limits = service.limits
        if (each.daily_limit_paise, each.monthly_limit_paise) != (limits.daily_paise, limits.monthly_paise):
            raise Broken("routed", f"{channel.id} is offered with the limits of another")
