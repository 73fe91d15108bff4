"""TPIPay's wire format with version 1 of payouts."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from support.case_tpipay import TOKEN, TpipayCase, answer
from support.loopback import WireAnswer
from wisipay.providers import PaymentKind


class Case(TpipayCase):
    name = "tpipay"

    def credentials(self, base_url: str) -> Mapping[str, str]:
        return {"apiToken": TOKEN, "baseUrl": f"{base_url}/collection", "payoutBaseUrl": f"{base_url}/payout/v1"}

    def gives_reference(self, kind: PaymentKind) -> bool:
        return kind == "payin"

    def transferred(self, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        data = {"status": word, "externalTxnId": reference, "amount": amount, "txnStatusDesc": "done"}
        return answer(200, {"status": 200, "message": "ok", "data": data})
