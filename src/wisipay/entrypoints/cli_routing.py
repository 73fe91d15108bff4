"""`wisipay routing`: the rules of routing, why a payment went where it went, and where one would go now.

Decides how rules are written on a command line and shown; every change has its author, and its reason where one is
given, in the audit log. Dry runs and explanations change nothing.
"""

import asyncio
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final

from cyclopts import App, Parameter

from wisipay import payments
from wisipay.core.clock import IST
from wisipay.core.errors import NotFound
from wisipay.core.ids import new_id
from wisipay.core.money import rupees_text
from wisipay.entrypoints.engine import engine
from wisipay.entrypoints.operator import operate, tell, tell_json
from wisipay.entrypoints.service_options import amount_from
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.merchants import (
    InvalidValue,
    RoutingRule,
    RuleAction,
    ServiceKind,
    UnknownMerchant,
    add_rule,
    checked_minute,
    read_routing_book,
    remove_rule,
)

app: Final = App(name="routing", help="Routing: rules, explanations of past payments, dry runs.")


@app.command
def rules(*, merchant: str | None = None) -> None:
    """List the rules in the order in which they are looked at.

    Parameters
    ----------
    merchant
        Only this merchant's own rules and those for all.
    """
    book = operate(lambda operator: read_routing_book(operator.conn))
    tell_json([_described(rule) for rule in book.rules if merchant is None or rule.merchant_id in {None, merchant}])


@app.command
def add(
    service: ServiceKind,
    action: RuleAction,
    *channels: str,
    priority: int = 100,
    merchant: str | None = None,
    exclusive: bool = False,
    mode: tuple[str, ...] = (),
    bank: tuple[str, ...] = (),
    from_amount: str | None = None,
    to_amount: str | None = None,
    from_time: str | None = None,
    to_time: str | None = None,
    reason: str | None = None,
) -> None:
    """Add a rule: `routing add payout weight fastpay_acme:3 slowpay_acme:1 --mode IMPS --bank HDFC`.

    Parameters
    ----------
    service
        payin or payout.
    action
        order: as given; weight: in shares; success: by recent success and speed; cost: the cheapest first; avoid: keep
        away from these channels and go on to the next rule.
    channels
        Where to, the first one first; a share after a colon. None: the merchant's own route.
    priority
        The lowest number is looked at first, a merchant's own rules before those for all.
    merchant
        For this merchant only.
    exclusive
        Without the merchant's route as fallbacks.
    mode
        Only for this mode; may be given several times.
    bank
        Only for payouts to this bank: four letters of its IFSCs, a whole IFSC, or @handle of a VPA.
    from_amount
        Rupees; from this amount on.
    to_amount
        Rupees; up to this amount, which is included.
    from_time
        HH:MM in India; the rule holds from then on.
    to_time
        HH:MM in India; until before then, over midnight if it is earlier than the beginning.
    reason
        What it is for; kept with the rule and in the audit log.
    """
    names, weights = _channels_of(channels)
    rule = RoutingRule(
        id=0,
        merchant_id=merchant,
        service=service,
        priority=priority,
        action=action,
        channels=names,
        weights=weights,
        is_exclusive=exclusive,
        modes=mode,
        banks=tuple(each.lower() if each.startswith("@") else each.upper() for each in bank),
        from_paise=None if from_amount is None else amount_from("fromAmount", from_amount),
        to_paise=None if to_amount is None else amount_from("toAmount", to_amount),
        from_minute=None if from_time is None else checked_minute("fromTime", from_time),
        to_minute=None if to_time is None else checked_minute("toTime", to_time),
        note=reason,
    )
    tell(f"added rule {operate(lambda operator: add_rule(operator.conn, operator.author, rule), reason=reason)}")


@app.command
def remove(rule_id: int, *, reason: str | None = None) -> None:
    """Remove a rule.

    Parameters
    ----------
    reason
        Why, for the audit log.
    """
    operate(lambda operator: remove_rule(operator.conn, operator.author, rule_id), reason=reason)
    tell(f"removed rule {rule_id}")


@app.command
def explain(transaction_id: str) -> None:
    """Tell where a payment went, and why there."""
    found = operate(lambda operator: payments.payment_file(operator.conn, transaction_id))
    if found is None:
        raise NotFound(f"There is no payment {transaction_id}")
    for line in payments.payment_lines(found.events, found.attempts):
        tell(line)


@app.command
def dry_run(
    *,
    merchant: str,
    service: ServiceKind,
    amount: Annotated[str, Parameter(help="Rupees.")],
    mode: str,
    ifsc: str = "",
    vpa: str = "",
    at: Annotated[str | None, Parameter(help="2026-12-31T09:30, Indian time; now when none is given.")] = None,
) -> None:
    """Tell where such a payment would go now, and why; nothing is sent and nothing kept."""
    asyncio.run(_dry_run(merchant, service, amount, mode, ifsc.upper(), vpa, at))


async def _dry_run(
    merchant_id: str, service: ServiceKind, amount: str, mode: str, ifsc: str, vpa: str, at: str | None
) -> None:
    paise = amount_from("amount", amount)
    moment = None if at is None else moment_from("at", at)
    settings = settings_with_stores()
    async with engine(settings, "operator") as parts:
        merchant = await parts.directory.merchant(merchant_id)
        if merchant is None:
            raise UnknownMerchant(merchant_id)
        party = {"name": "-", "email": "-", "phone": "-", "accountNumber": "-", "bankName": "-", "ifsc": ifsc or "-"}
        if vpa:
            party = {"name": "-", "phone": "-", "vpa": vpa}
        seed = new_id(settings.app_brand_prefix, parts.clock.now())
        facts = parts.router.facts(merchant_id, service, mode, paise, seed, party, redirect_url="-", at=moment)
        decision = await parts.router.dry_run(merchant.service(service), facts, moment)
    tell(f"{service} of {rupees_text(paise)} rupees by {mode} for {merchant_id}:")
    is_refused = False
    if service == "payout" and ifsc and not vpa:
        line, is_refused = payments.branch_line(payments.load_directory(settings.bank_directory_file), ifsc, mode)
        tell(line)
    for line in payments.decision_lines(decision.record()):
        tell(line)
    if is_refused or not decision.ranked:
        tell("  nowhere: the payment would be refused")
        sys.exit(1)


def moment_from(field: str, text: str) -> datetime:
    """Read a moment of Indian time; raises InvalidValue."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue(field, f"{text!r} is not a moment; write 2026-12-31T09:30") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=IST)


def _channels_of(texts: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Read `name` or `name:share`; all have a share, or none has."""
    pairs = [text.partition(":") for text in texts]
    names = tuple(name for name, _, _ in pairs)
    shares = [share for _, colon, share in pairs if colon]
    if shares and (len(shares) < len(pairs) or not all(share.isascii() and share.isdecimal() for share in shares)):
        raise InvalidValue("channels", "give each channel its share, as a whole number behind a colon, or none")
    return names, tuple(map(int, shares))


def _described(rule: RoutingRule) -> dict[str, object]:
    shown = {name: value for name, value in asdict(rule).items() if value not in (None, (), False)}
    for name in ("from", "to"):
        if (minute := shown.pop(f"{name}_minute", None)) is not None:
            shown[f"{name}_time"] = f"{minute // 60:02}:{minute % 60:02}"
        if (paise := shown.pop(f"{name}_paise", None)) is not None:
            shown[f"{name}_amount"] = rupees_text(paise)
    return shown
