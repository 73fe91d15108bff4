"""Questions beside payments: adapters can be asked what they say, and only a plain word is taken for one."""

from __future__ import annotations

import msgspec

from support.loopback import WireAnswer
from support.provider_bench import Bench, meaningless_answers
from support.provider_case import ProviderCase
from wisipay.providers import Unknown, capabilities_of
from wisipay.providers.inquiries import BalanceTeller, Beneficiary, BeneficiaryValidator

URL = "https://provider.example.com"
ACCOUNT = Beneficiary("V1", "Asha Rao", account_number="000123456789", ifsc="HDFC0000001")
VPA = Beneficiary("V2", "Asha Rao", vpa="asha@upi")


async def test_an_adapter_can_be_asked_what_it_says(case: ProviderCase, bench: Bench) -> None:
    capabilities = capabilities_of(case.name, case.credentials(URL))
    assert isinstance(bench.adapter, BeneficiaryValidator) is bool(capabilities.validates)
    assert isinstance(bench.adapter, BalanceTeller) is capabilities.tells_balance


async def test_what_cannot_be_read_says_nothing_of_a_beneficiary_or_a_balance(bench: Bench) -> None:
    good = WireAnswer(200, msgspec.json.encode({"status": "completed", "data": {}}))
    adapter = bench.adapter
    for name, answer in {**meaningless_answers(good), "something else": WireAnswer(200, b'{"ok":true}')}.items():
        bench.loopback.will_answer(answer)
        if isinstance(adapter, BalanceTeller):
            assert isinstance(await adapter.balance(), Unknown), name
        if isinstance(adapter, BeneficiaryValidator):
            for beneficiary in (ACCOUNT, VPA):
                assert isinstance(await adapter.validate(beneficiary), Unknown), name
            assert isinstance(await adapter.validated("fav_1"), Unknown), name
