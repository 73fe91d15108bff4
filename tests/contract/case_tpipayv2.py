"""TPIPay's wire format with version 2 of payouts, which cannot be asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from support.case_tpipay import TOKEN, TpipayCase, answer
from support.loopback import WireAnswer
from support.provider_case import WireWebhook
from wisipay.providers import PaymentKind, ProviderStatus


class Case(TpipayCase):
    name = "tpipayv2"
    echoes_reference = False
    unchecked = ("payout",)

    def credentials(self, base_url: str) -> Mapping[str, str]:
        addresses = {"baseUrl": f"{base_url}/collection", "payoutBaseUrl": f"{base_url}/payout/v2"}
        return {"apiToken": TOKEN, "payoutEmail": "desk@example.com", "payoutMobile": "9000000001", **addresses}

    def create_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        if kind == "payin":
            return super().create_words(kind)
        words = {"success": ProviderStatus.SUCCESS, "pending": ProviderStatus.PENDING}
        return {**words, "failure": ProviderStatus.FAILED, "odd": ProviderStatus.PENDING}

    def transferred(self, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        del reference
        return answer(200, {"status": word, "payid": "PAYID_1", "amount": amount, "utr": "412345678901"})

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        told = {"status": word, "utr": "412345678901", "payid": "PAYID_1", "client_id": reference, "amount": "100.10"}
        callback = [WireWebhook({}, body) for body in (urlencode(told).encode(), msgspec.json.encode(told))]
        return [*super().other_shapes(kind, reference, word), *(callback if kind == "payout" else [])]
