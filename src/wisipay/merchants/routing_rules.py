"""Set the rules of routing: which payments go where, and why.

Decides what a rule may be: known channels, conditions that can hold, a bounded number. Every change has its author and
reason in the audit log. Must never choose a channel for a payment.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from wisipay.core.database import Connection
from wisipay.merchants.author import Author
from wisipay.merchants.errors import InvalidValue, UnknownChannel, UnknownMerchant, UnknownRule
from wisipay.merchants.model import ServiceKind
from wisipay.merchants.routing_types import MINUTES_OF_DAY, MODES, RoutingRule, RuleAction
from wisipay.merchants.store import QUERIES, ROUTING

RULES_MAX: Final = 1_000
RULE_CHANNELS_MAX: Final = 50
PRIORITY_MAX: Final = 10_000
WEIGHT_MAX: Final = 1_000
NOTE_MAX: Final = 500
_BANKS_MAX: Final = 100

_BANK: Final = re.compile(r"[A-Z]{4}(0[A-Z0-9]{6})?|@[a-z][a-z0-9]{1,63}", re.ASCII)


async def add_rule(conn: Connection, author: Author, rule: RoutingRule) -> int:
    """Add a rule and give its id; the one it brings is passed over.

    Raises InvalidValue, UnknownChannel or UnknownMerchant.
    """
    _check(rule)
    async with conn.transaction():
        known = {row["id"] for row in await conn.fetch(QUERIES["channels"])}
        for channel_id in rule.channels:
            if channel_id not in known:
                raise UnknownChannel(channel_id)
        if rule.merchant_id is not None and not await conn.fetch(QUERIES["merchants"], [rule.merchant_id]):
            raise UnknownMerchant(rule.merchant_id)
        if len(await conn.fetch(ROUTING["routing_rules"])) >= RULES_MAX:
            raise InvalidValue("rules", f"there are {RULES_MAX} already; remove one first")
        rule_id: int = await conn.fetchval(
            ROUTING["insert_rule"],
            rule.merchant_id,
            rule.service,
            rule.priority,
            rule.action,
            rule.channels,
            rule.weights,
            rule.is_exclusive,
            rule.modes,
            rule.banks,
            rule.from_paise,
            rule.to_paise,
            rule.from_minute,
            rule.to_minute,
            rule.note,
            author.moment,
        )
        await author.record(conn, "routing.rule.add", _entity(rule_id), None, _state(rule))
    return rule_id


async def remove_rule(conn: Connection, author: Author, rule_id: int) -> None:
    """Remove a rule; raises UnknownRule."""
    async with conn.transaction():
        row = await conn.fetchrow(ROUTING["delete_rule"], rule_id)
        if row is None:
            raise UnknownRule(rule_id)
        before = {name: value for name, value in row.items() if name not in {"id", "created_at"}}
        await author.record(conn, "routing.rule.remove", _entity(rule_id), before, None)


def checked_minute(field: str, text: str) -> int:
    """Read `HH:MM` of the Indian day as minutes since midnight; 24:00 is its end. Raises InvalidValue."""
    match = re.fullmatch(r"([0-9]{2}):([0-9]{2})", text.strip(), re.ASCII)
    minute = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else MINUTES_OF_DAY + 1  # noqa: PLR2004 - minutes of an hour
    if minute > MINUTES_OF_DAY:
        raise InvalidValue(field, f"{text!r} is not a time of day; write 09:30, or 24:00 for its end")
    return minute


def checked_span(from_minute: int | None, to_minute: int | None) -> None:
    """Check a span of the Indian day: both ends or none, and not the same. Raises InvalidValue."""
    if (from_minute is None) != (to_minute is None) or (from_minute is not None and from_minute == to_minute):
        raise InvalidValue("time", "needs a beginning and an end that differ")
    if from_minute == MINUTES_OF_DAY or to_minute == 0:
        raise InvalidValue("time", "begins before 24:00 and ends after 00:00; write 24:00 for the end of the day")


def checked_modes(service: ServiceKind, modes: tuple[str, ...]) -> None:
    """Check that each is a mode of the service. Raises InvalidValue."""
    for mode in modes:
        if mode not in MODES[service]:
            raise InvalidValue("mode", f"{mode!r} is no mode of a {service}; there are {', '.join(MODES[service])}")


def _check(rule: RoutingRule) -> None:
    if not 1 <= rule.priority <= PRIORITY_MAX:
        raise InvalidValue("priority", f"must be between 1 and {PRIORITY_MAX}; the lowest number is looked at first")
    if len(rule.channels) > RULE_CHANNELS_MAX or len(set(rule.channels)) != len(rule.channels):
        raise InvalidValue("channels", f"at most {RULE_CHANNELS_MAX}, each once")
    if not rule.channels and (rule.action is RuleAction.AVOID or rule.is_exclusive):
        raise InvalidValue("channels", "a rule that avoids, or allows no others, names its channels")
    if len(rule.note or "") > NOTE_MAX:
        raise InvalidValue("note", f"at most {NOTE_MAX} characters")
    _check_weights(rule)
    checked_modes(rule.service, rule.modes)
    if len(rule.banks) > _BANKS_MAX or not all(map(_BANK.fullmatch, rule.banks)):
        raise InvalidValue("bank", f"at most {_BANKS_MAX} of: 4 letters (HDFC), an IFSC, or a VPA's @handle")
    if rule.banks and rule.service == "payin":
        raise InvalidValue("bank", "of a payin no bank is known; a rule on banks is for payouts")
    for amount in (rule.from_paise, rule.to_paise):
        if amount is not None and amount < 0:
            raise InvalidValue("amount", "must not be negative")
    if rule.from_paise is not None and rule.to_paise is not None and rule.from_paise > rule.to_paise:
        raise InvalidValue("amount", "the first amount must not be above the last")
    checked_span(rule.from_minute, rule.to_minute)


def _check_weights(rule: RoutingRule) -> None:
    if not rule.weights:
        return
    if rule.action is not RuleAction.WEIGHT or len(rule.weights) != len(rule.channels):
        raise InvalidValue("weights", "are for a split by weight, one for each channel")
    if not all(0 <= weight <= WEIGHT_MAX for weight in rule.weights) or not any(rule.weights):
        raise InvalidValue("weights", f"must be between 0 and {WEIGHT_MAX}, not all 0")


def _state(rule: RoutingRule) -> Mapping[str, object]:
    return {name: value for name, value in asdict(rule).items() if name != "id"}


def _entity(rule_id: int) -> tuple[str, str]:
    return ("routing_rule", str(rule_id))
