"""A decision in sentences, for whoever asks why a payment went where it went: yesterday's, or one that nobody has made.

Pure. It tells what was stored and adds nothing; amounts in paise become rupees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from wisipay.core.clock import in_ist
from wisipay.core.money import rupees_text
from wisipay.payments.model import Attempt, Event

_PAISE: Final = re.compile(r"(-?\d+) paise")
_ORDERS: Final = {
    "order": "in the order given",
    "weight": "split by weight",
    "success": "by recent success and speed",
    "cost": "by cost",
}
_UNITS: Final = {"success": "{} of 1000 expected to go well", "cost": "costs {} paise"}


def decision_lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Tell of a decision, as `Decision.record` gave it."""
    by, rule_id = str(record.get("by")), record.get("rule")
    source = "the merchant's route" if rule_id is None else f"rule {rule_id}"
    yield f"channels of {source}, {_ORDERS.get(by, by)}"
    if note := record.get("note"):
        yield f"first by chance or need: {note}"
    scores = record.get("scores", [])
    for place, channel_id in enumerate(record.get("ranked", [])):
        why = "" if place < record["chosen"] else "fallback"
        if place < len(scores):
            why = _rupees(_UNITS[by].format(scores[place]))
        yield f"  {place + 1}. {channel_id}" + (f" ({why})" if why else "")
    if left := record.get("left"):
        yield f"  and {left} more, never needed"
    for channel_id, reason in record.get("skipped", []):
        yield f"  skipped {channel_id}: {_rupees(reason)}"


def payment_lines(events: Iterable[Event], attempts: Iterable[Attempt]) -> Iterator[str]:
    """Tell of everything that routing decided about a payment, first to last."""
    begun = {attempt.number: attempt for attempt in attempts}
    for event in events:
        when = f"{in_ist(event.at):%d %b %Y %H:%M:%S} IST"
        if "routing" in event.data:
            yield f"{when} decided:"
            yield from decision_lines(event.data["routing"])
            yield from _over_limits(event.data["routing"], event.data["channel"])
        elif event.number == 1:
            yield f"{when} opened; no decision was stored with it"
        elif event.message.startswith(("channel refused", "answer unknown", "next channel")):
            yield f"{when} {event.message}" + (f": {event.data['channel']}" if "channel" in event.data else "")
        if "beneficiary" in event.data:
            yield from _beneficiary_lines(event.data["beneficiary"])
        attempt = begun.get(event.attempt)
        if attempt is not None and "channel" in event.data:
            yield f"{when} attempt {attempt.number} at {attempt.channel_id} ({attempt.reason})"


def _beneficiary_lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Tell what was found of a payout's beneficiary."""
    if doubts := record.get("doubts"):
        yield f"  beneficiary doubted: {', '.join(doubts)}"
    if word := record.get("validation"):
        score = f", names agree by {record['nameScore']} of 100" if "nameScore" in record else ""
        where = f" by {record['channel']}, asked {record['asked']}" if "channel" in record else ""
        why = f": {record['reason']}" if "reason" in record else ""
        yield f"  beneficiary {word}{where}{score}{why}"


def _over_limits(record: Mapping[str, Any], opened_at: str) -> Iterator[str]:
    """Tell which channels were passed over when the payment was opened: their limits are counted exactly only then."""
    for channel_id in record.get("ranked", []):
        if channel_id == opened_at:
            return
        yield f"  passed over {channel_id}: its limits were used up"


def _rupees(text: str) -> str:
    return _PAISE.sub(lambda found: f"{rupees_text(int(found[1]))} rupees", text)
