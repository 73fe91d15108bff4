"""Writes the parts of documents that code decides: `python scripts/generated_blocks.py`.

The status diagrams come from `wisipay.payments.TRANSITIONS`, the error tables from `wisipay.payments.TABLE` and
`wisipay.core.errors`, the table of providers from what their adapters say they can do, that of the sandbox from its
outcomes. A document marks each part with
`<!-- begin NAME -->` and `<!-- end NAME -->`; everything else in it is written by hand and left alone.
`tests/test_documents.py` fails when a part is not what this script writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from wisipay.core import errors
from wisipay.core.money import rupees_text
from wisipay.entrypoints.simulated import simulated
from wisipay.merchants import Refusal
from wisipay.payments import TABLE, TRANSITIONS, Kind, Status
from wisipay.providers import Capabilities, OrderRules, PaymentKind, adapter_names, capabilities_of
from wisipay.sandbox import OUTCOMES, Outcome
from wisipay.sandbox.outcomes import Step, callbacks_of

DOCUMENTS: Final = Path(__file__).parents[1] / "docs"
_BLOCK: Final = re.compile(r"(<!-- begin (\S+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
_LATE: Final = {(Status.FAILED, Status.SUCCESS), (Status.EXPIRED, Status.SUCCESS)}
_REMEDIES: Final = {
    "BAD_REQUEST": "Correct the headers or the fields that `details` names",
    "UNAUTHORIZED": "Send your own merchant id in `x-merchant-id`",
    "FORBIDDEN": "Read `error`: it names the check that failed. Check secret, clock, address, and what is switched on",
    "NOT_FOUND": "Check the order id; another merchant's order is not found either",
    "METHOD_NOT_ALLOWED": "Use the method that the OpenAPI document names",
    "CONFLICT": "Use a new order id, or ask for the status of this one",
    "PAYLOAD_TOO_LARGE": "Send at most 64 KiB",
    "UNSUPPORTED_MEDIA_TYPE": "Send JSON with `content-type: application/json`",
    "UNPROCESSABLE": "Use a new `Idempotency-Key` for another request",
    "TOO_MANY_REQUESTS": "Wait as many seconds as `retry-after` says",
    "INTERNAL_ERROR": "Ask for the status of the order; tell support the `x-request-id`",
    "SERVICE_UNAVAILABLE": "Nothing was done: send the same request again after `retry-after`",
}
_REFUSAL_REMEDIES: Final = {
    Refusal.MERCHANT_INACTIVE: "Ask support to activate you",
    Refusal.MERCHANT_NOT_ONBOARDED: "Ask support to onboard you",
    Refusal.SECRET_DISABLED: "Ask support for a secret that is enabled",
    Refusal.TIMESTAMP_OUT_OF_WINDOW: (
        "Send Unix time in milliseconds, from a clock that is right; `details.serverTime` is ours"
    ),
    Refusal.SIGNATURE_MISMATCH: "Sign exactly the bytes you send; `details.stringToSign` shows the form",
    Refusal.SIGNATURE_V2_REQUIRED: "Sign with v2: `x-signature: v2=<hex>`",
    Refusal.SIGNATURE_REPLAYED: "Sign every request anew, with the current time",
    Refusal.SERVICE_DISABLED: "Ask support to switch the service on",
    Refusal.ADDRESS_NOT_ALLOWED: "Call from an address on your allowlist, or ask support to add it",
}
_KINDS: Final[tuple[PaymentKind, ...]] = ("payin", "payout")
_GIVEN: Final = {"customer_name", "customer_email", "customer_phone", "beneficiary_name", "webhook_url"}
_PAGES: Final = {"alphapay": "easemyneeds.md", "tpipayv2": "tpipay.md", "dummy": "../simulator.md"}
_ORDER: Final = {status: position for position, status in enumerate(Status)}


def diagram(kind: Kind) -> str:
    """Return the mermaid diagram of one kind's moves."""
    moves = sorted(TRANSITIONS[kind], key=lambda move: (_ORDER[move[0]], _ORDER[move[1]]))
    reached = {after for _, after in moves}
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Status.PENDING}"]
    for before, after in moves:
        lines.append(f"    {before} --> {after}{': late success' if (before, after) in _LATE else ''}")
    lines += [f"    {status} --> [*]" for status in Status if status in reached and _is_last(kind, status)]
    return "\n".join([*lines, "```"])


def payment_errors() -> str:
    """Return the table of the payment workflow's codes."""
    rows = ["| code | HTTP | meaning | what to do | try again | shown as |", "|---|---|---|---|---|---|"]
    for code, entry in TABLE.items():
        shown = "PAY_1901" if entry.masked else code.value
        again = "yes" if entry.retryable else "no"
        rows.append(f"| {code.value} | {entry.http_status} | {entry.meaning} | {entry.remedy} | {again} | {shown} |")
    return "\n".join(rows)


def request_errors() -> str:
    """Return the table of the errors that a request can meet before it becomes a payment."""
    rows = ["| HTTP | code | when | what to do |", "|---|---|---|---|"]
    kinds: list[type[errors.AppError]] = [errors.AppError, *errors.AppError.__subclasses__()]
    of_requests = [kind for kind in kinds if kind.__module__ == errors.__name__]
    for kind in sorted(of_requests, key=lambda kind: kind.http_status):
        when = (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")
        when = "Something that should not happen" if kind is errors.AppError else when
        rows.append(f"| {kind.http_status} | `{kind.code}` | {when} | {_REMEDIES[kind.code]} |")
    return "\n".join(rows)


def providers() -> str:
    """Return the table of what each adapter can do."""
    rows = [
        "| adapter | payins | payouts | needs | amounts | status check | webhooks | not found | reversals | asked |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in adapter_names():
        can = capabilities_of(name, simulated(name, "http://localhost", "a_b").credentials)
        page = _PAGES.get(name, f"{name}.md")
        cells = (
            f"[{name}]({page})",
            _modes(can.payin_modes),
            _modes(can.payout_modes),
            "; ".join(f"{kind}: {_needs(can, kind)}" for kind in _KINDS if can.modes(kind)),
            "; ".join(f"{kind}: {_amounts(can.rules(kind))}" for kind in _KINDS if can.modes(kind)),
            _of_kinds(can, [kind for kind in _KINDS if can.checks(kind)]),
            "signed" if can.signs_webhooks else "hints",
            "definite" if can.not_found_is_definite else "no proof",
            _of_kinds(can, [kind for kind in _KINDS if kind in can.tells_reversals]),
            ", ".join([*sorted(can.validates), *(["float"] if can.tells_balance else [])]) or "nothing",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _modes(modes: frozenset[str]) -> str:
    return ", ".join(sorted(modes)) or "none"


def _needs(can: Capabilities, kind: PaymentKind) -> str:
    rules = can.rules(kind)
    by_mode = {name for _, name in rules.needs_by_mode}
    names = [f"{name} by mode" if name in by_mode else name for name in sorted((rules.needs - _GIVEN) | by_mode)]
    digits = ["a reference of digits, made of ours"] if kind in can.numeric_kinds else []
    return ", ".join([*names, *digits]).replace("_", " ") or "nothing"


def _amounts(rules: OrderRules) -> str:
    least = "" if rules.amount_min is None else f", from {rupees_text(rules.amount_min)}"
    most = "" if rules.amount_max is None else f", to {rupees_text(rules.amount_max)}"
    return f"{'paise' if rules.takes_paise else 'whole rupees'}{least}{most}"


def _of_kinds(can: Capabilities, kinds: Sequence[PaymentKind]) -> str:
    able = [kind for kind in kinds if can.modes(kind)]
    done = [kind for kind in _KINDS if can.modes(kind)]
    return "yes" if able == done else f"{able[0]}s only" if able else "no"


def refusals() -> str:
    """Return the table of a 403's reasons."""
    rows = ["| `details.reason` | what to do |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{reason}` | {_REFUSAL_REMEDIES[reason]} |" for reason in Refusal)])


def sandbox() -> str:
    """Return the table of the sandbox's outcomes."""
    rows = [
        "| `amount` (rupees) | VPA | the payment | payin, after s | payout, after s | answer | callbacks, after s |",
        "|---|---|---|---|---|---|---|",
    ]
    for outcome in OUTCOMES:
        cells = (
            str(outcome.rupees),
            f"`{outcome.vpa}`",
            outcome.meaning,
            *(_steps(outcome.steps(kind)) for kind in Kind),
            outcome.refused or "200",
            _callbacks(outcome),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _steps(steps: Sequence[Step] | None) -> str:
    if steps is None:
        return "as `success`"
    return ", ".join(f"{step.status} {step.after_seconds}" for step in steps) or "none"


def _callbacks(outcome: Outcome) -> str:
    kinds = [kind for kind in Kind if outcome.steps(kind) is not None]
    told = {", ".join(str(after) for _, after in callbacks_of(outcome, kind)) or "none" for kind in kinds}
    return " or ".join(sorted(told))


def blocks() -> Mapping[str, str]:
    """Return the text of every generated part by its name."""
    return {
        "PAYIN": diagram(Kind.PAYIN),
        "PAYOUT": diagram(Kind.PAYOUT),
        "PAYMENT_ERRORS": payment_errors(),
        "REQUEST_ERRORS": request_errors(),
        "PROVIDERS": providers(),
        "REFUSALS": refusals(),
        "SANDBOX": sandbox(),
    }


def rewritten(text: str) -> str:
    """Return a document with its generated parts as they must be. Raises KeyError for a part that nobody generates."""
    parts = blocks()
    return _BLOCK.sub(lambda found: f"{found[1]}{parts[found[2]]}\n{found[3]}", text)


def names_in(text: str) -> list[str]:
    """Return the names of a document's generated parts."""
    return [found[2] for found in _BLOCK.finditer(text)]


def changed() -> Iterator[tuple[Path, str]]:
    """Yield each document that differs from what it must be, with that text."""
    for path in sorted(DOCUMENTS.rglob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = rewritten(before)
        if after != before:
            yield path, after


def _is_last(kind: Kind, status: Status) -> bool:
    return not any(before is status for before, _ in TRANSITIONS[kind])


if __name__ == "__main__":
    for document, text in changed():
        document.write_text(text, encoding="utf-8")
        print(f"wrote {document.relative_to(DOCUMENTS.parent)}")
