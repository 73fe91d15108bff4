"""The figures of a run, as text for a person and as JSON for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from crash.faults import PROCESSES, Deed
from crash.inflict import Inflicted
from crash.load import NO_ANSWER, Order
from crash.verdict import Taken
from wisipay.entrypoints.demonstration.books import Comparison

_UNAVAILABLE = 503


def figures(
    *,
    seed: int | None,
    load_seconds: float,
    inflicted: Sequence[Inflicted],
    missed: int,
    orders: Sequence[Order],
    comparison: Comparison,
    taken: Sequence[Taken],
    errors: Mapping[str, int],
    faults_found: Sequence[str],
) -> dict[str, Any]:
    """Return everything worth knowing, ready for JSON; times in seconds."""
    return {
        "seed": seed,
        "load_seconds": round(load_seconds, 1),
        "processes": {name: _process(name, inflicted) for name in PROCESSES},
        "recovery_seconds": _spread([each.recovery_seconds for each in inflicted if each.fault.is_death]),
        "connections": _connections(inflicted),
        "missed": missed,
        "requests": _requests(orders),
        "payments": {
            f"{kind.lower()} {status}": count for (kind, status), count in sorted(comparison.by_status.items())
        },
        "callbacks": {
            "expected": comparison.callbacks.expected,
            "delivered": comparison.callbacks.delivered,
            "verified": comparison.callbacks.verified,
        },
        "provider": {
            "executed_payins": comparison.provider.executed_payins,
            "executed_payouts": comparison.provider.executed_payouts,
            "double_payouts": comparison.provider.double_payouts,
        },
        "taken_over": {
            "rows": len(taken),
            "by_queue": dict(Counter(each.take_over.queue for each in taken)),
            "seconds": _spread([each.waited.total_seconds() for each in taken]),
            "seconds_undisturbed": _spread([each.waited.total_seconds() for each in taken if each.is_undisturbed]),
        },
        "log_errors": dict(errors),
        "wrong": list(faults_found),
    }


def text(told: Mapping[str, Any]) -> str:
    """Return the figures as lines."""
    rows = [f"{'process':<12}{'kills':>7}{'restarts':>10}{'stops':>7}{'recovered':>11}{'p50 s':>8}{'max s':>8}"]
    for name, each in told["processes"].items():
        spread = each["seconds_to_recover"]
        rows.append(
            f"{name:<12}{each['kills']:>7}{each['restarts']:>10}{each['stops']:>7}{each['recovered']:>11}"
            f"{spread['p50'] or 0:>8.1f}{spread['max'] or 0:>8.1f}"
        )
    rows += [
        f"{title}: {told[name]}"
        for title, name in (
            ("faults of connections", "connections"),
            ("faults whose process was away just then", "missed"),
            ("requests", "requests"),
            ("payments", "payments"),
            ("callbacks", "callbacks"),
            ("provider", "provider"),
            ("rows taken over from dead or stopped workers", "taken_over"),
            ("errors in the logs", "log_errors"),
        )
    ]
    return "\n".join([*rows, *(f"WRONG: {each}" for each in told["wrong"][:50]), _last_line(told)])


def _last_line(told: Mapping[str, Any]) -> str:
    return f"{len(told['wrong'])} things are wrong" if told["wrong"] else "all books agree, nothing was lost"


def _process(name: str, inflicted: Sequence[Inflicted]) -> dict[str, Any]:
    own = [each for each in inflicted if each.fault.where == name]
    deeds = Counter(each.fault.what for each in own)
    return {
        "kills": deeds[Deed.KILL],
        "restarts": deeds[Deed.RESTART],
        "stops": deeds[Deed.STOP],
        "recovered": sum(each.recovery_seconds is not None for each in own),
        "seconds_to_recover": _spread([each.recovery_seconds for each in own if each.fault.is_death]),
    }


def _requests(orders: Sequence[Order]) -> dict[str, Any]:
    first = [each.answers[0] for each in orders if each.answers]
    refused = Counter(f"{status} {code[:40]}" for status, code in first if status not in {200, _UNAVAILABLE, NO_ANSWER})
    return {
        "sent": len(first),
        "acknowledged": sum(status == 200 for status, _ in first),
        "refused_503": sum(status == _UNAVAILABLE for status, _ in first),
        "no_answer": sum(status == NO_ANSWER for status, _ in first),
        "refused_else": dict(refused),
        "answered_500": sum(status == 500 for each in orders for status, _ in each.answers),
        "acknowledged_when_asked_again": sum(each.is_acknowledged and each.answers[0][0] != 200 for each in orders),
    }


def _spread(values: Sequence[float | None]) -> dict[str, float | int | None]:
    known = sorted(value for value in values if value is not None)
    if not known:
        return {"count": 0, "p50": None, "max": None}
    return {"count": len(known), "p50": round(median(known), 2), "max": round(known[-1], 2)}


def _connections(inflicted: Sequence[Inflicted]) -> dict[str, int]:
    names = [f"{each.fault.where} {each.fault.what}" for each in inflicted if not isinstance(each.fault.what, Deed)]
    return dict(sorted(Counter(names).items()))
