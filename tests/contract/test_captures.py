"""What is kept of an exchange for debugging holds no secret and nobody's personal data, whatever it calls them."""

from __future__ import annotations

from urllib.parse import quote_plus

from support.loopback import WireAnswer
from support.provider_bench import REFERENCE, Bench, bench_adapter, create, payin_order, payout_order
from wisipay.providers import CapturedExchange, PaymentKind

_PAYIN, _PAYOUT = payin_order(), payout_order()
PERSONAL = (
    *(_PAYIN.customer_name, _PAYIN.customer_email, _PAYIN.customer_phone),
    *(_PAYOUT.beneficiary_name, _PAYOUT.account_number or "", _PAYOUT.ifsc or "", _PAYOUT.phone or ""),
)


async def test_a_captured_exchange_holds_neither_secrets_nor_personal_data(bench: Bench, kind: PaymentKind) -> None:
    kept: list[CapturedExchange] = []
    adapter = bench_adapter(bench.case, bench.client, bench.loopback.url, capture_hook=kept.append)
    credentials = bench.case.credentials(bench.loopback.url)
    secrets = [value for name, value in credentials.items() if name not in bench.case.public_credentials]
    for cut in (False, True):
        bench.loopback.will_answer(WireAnswer(400, b"{}"))
        await create(bench.case, adapter, kind)
        echo = bench.case.in_clear(bench.loopback.received[-1]).partition(b"\n")[2]
        bench.loopback.will_answer(WireAnswer(400, echo[:-1] if cut else echo))
        await create(bench.case, adapter, kind)
    await adapter.check_status(kind, REFERENCE, None)
    assert len(kept) >= 4
    for text in (f"{exchange}" for exchange in kept):
        for private in (*secrets, *PERSONAL):
            assert private not in text
            assert quote_plus(private) not in text
