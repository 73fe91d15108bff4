"""One adapter on a bench: its case, a loopback provider that it calls, and orders to give it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from support.loopback import Fault, Loopback, WireAnswer
from support.provider_case import ProviderCase
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.providers import (
    CaptureHook,
    CreateOutcome,
    HttpPolicy,
    PayinOrder,
    PaymentKind,
    PayoutOrder,
    ProviderAdapter,
    ProviderHttp,
    build,
)

REFERENCE = "WP01K9ABCDEF0123456789ABCD"
AMOUNT = Paise(10_010)
PATIENT_SECONDS = 20
"""So long that no answer of this machine is ever late, however busy it is."""
IMPATIENT_SECONDS = 0.5
_SILENCES = (Fault.NEVER_ANSWERS, Fault.STALLS)
_BREAKS = (Fault.CLOSES_UNANSWERED, Fault.CUT_OFF, Fault.NOT_HTTP)
OTHER_KIND: dict[PaymentKind, PaymentKind] = {"payin": "payout", "payout": "payin"}


def payin_order(mode: str = "UPI", amount: Paise = AMOUNT) -> PayinOrder:
    """Return an order to collect 100.10 rupees, or another amount."""
    return PayinOrder(
        reference=REFERENCE,
        amount=amount,
        mode=mode,
        customer_name="Asha Rao",
        customer_email="asha@example.com",
        customer_phone="9876543210",
        remarks="books",
        redirect_url="https://shop.example.com/done",
        webhook_url="https://pay.example.com/webhook/payin/x/y",
    )


def payout_order(mode: str = "IMPS", amount: Paise = AMOUNT) -> PayoutOrder:
    """Return an order to pay 100.10 rupees, or another amount, to an account."""
    return PayoutOrder(
        reference=REFERENCE,
        amount=amount,
        mode=mode,
        beneficiary_name="Asha Rao",
        account_number="000123456789",
        ifsc="HDFC0000001",
        bank_name="HDFC Bank",
        phone="9876543210",
        remarks="salary",
        webhook_url="https://pay.example.com/webhook/payout/x/y",
    )


@dataclass
class Bench:
    """An adapter and the loopback provider that it calls."""

    case: ProviderCase
    loopback: Loopback
    client: HttpClient
    adapter: ProviderAdapter

    def impatient(self) -> Bench:
        """Return the same bench with an adapter that waits half a second only."""
        adapter = bench_adapter(self.case, self.client, self.loopback.url, timeout_seconds=IMPATIENT_SECONDS)
        return replace(self, adapter=adapter)

    async def create(self, kind: PaymentKind, *answers: WireAnswer) -> CreateOutcome:
        """Give the adapter an order while the provider answers as told."""
        self.loopback.will_answer(*answers)
        return await create(self.case, self.adapter, kind)


async def create(case: ProviderCase, adapter: ProviderAdapter, kind: PaymentKind) -> CreateOutcome:
    """Give an adapter the order of this kind that fits its case."""
    if kind == "payin":
        return await adapter.create_payin(payin_order(case.payin_mode, case.amount))
    return await adapter.create_payout(payout_order(case.payout_mode, case.amount))


def bench_adapter(
    case: ProviderCase,
    client: HttpClient,
    base_url: str,
    *,
    timeout_seconds: float = PATIENT_SECONDS,
    capture_hook: CaptureHook | None = None,
) -> ProviderAdapter:
    """Build the case's adapter so that it calls `base_url`."""
    policy = HttpPolicy(timeout_seconds=timeout_seconds, https_only=False)
    http = ProviderHttp(
        client, provider=case.name, channel_id=f"{case.name}_test", policy=policy, capture_hook=capture_hook
    )
    return build(case.name, case.credentials(base_url), http)


def silences(good: WireAnswer) -> dict[str, WireAnswer]:
    """Return answers that never end; `good` is one that would have been a success."""
    return {str(fault): WireAnswer(good.status, good.body, fault=fault) for fault in _SILENCES}


def meaningless_answers(good: WireAnswer) -> dict[str, WireAnswer]:
    """Return answers from which nobody can tell what happened; `good` is one that would have been a success."""
    page = b"<html><head><title>502 Bad Gateway</title></head></html>"
    return {
        **{str(fault): WireAnswer(good.status, good.body, fault=fault) for fault in _BREAKS},
        "a page": WireAnswer(200, page, "text/html"),
        "a page with 400": WireAnswer(400, page, "text/html"),
        "a page with 502": WireAnswer(502, page, "text/html"),
        "nothing": WireAnswer(200, b""),
        "half of the JSON": WireAnswer(good.status, good.body[: len(good.body) // 2]),
        "JSON and more": WireAnswer(good.status, good.body + b"}"),
        "an empty object": WireAnswer(200, b"{}"),
        "an empty array": WireAnswer(200, b"[]"),
        "a bare word": WireAnswer(200, b'"SUCCESS"'),
        "null": WireAnswer(200, b"null"),
        "two megabytes": WireAnswer(200, good.body + b" " * 2 * 1024 * 1024),
        "deep nesting": WireAnswer(200, b"[" * 100_000),
        "a redirect": WireAnswer(302, b"{}"),
        "success under 500": WireAnswer(500, good.body),
        "success under 504": WireAnswer(504, good.body),
    }
