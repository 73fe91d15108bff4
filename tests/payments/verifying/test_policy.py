"""What a bank's word about a beneficiary is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wisipay.core.money import Paise
from wisipay.payments import PayCode, PaymentError, Stance, VerificationPolicy
from wisipay.payments.verifying.policy import Known, Verdict, beneficiary_key, name_score

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
POLICY = VerificationPolicy(Stance.REFUSE, "cashfree_demo", from_paise=100, least_score=60)
THERE = Known(is_there=True, score=80, channel_id="cashfree_demo", asked_at=NOW)
ACCOUNT = {"name": "Asha Rao", "accountNumber": "000123456789", "ifsc": "HDFC0000001"}


def test_payouts_are_asked_about_by_merchant_and_amount() -> None:
    assert POLICY.concerns("MER-1", Paise(100))
    assert not POLICY.concerns("MER-1", Paise(99))
    assert not replace(POLICY, merchants=frozenset({"MER-2"})).concerns("MER-1", Paise(100))
    assert not replace(POLICY, stance=Stance.OFF).concerns("MER-1", Paise(100))


def test_a_no_is_gone_by_for_an_hour_and_a_yes_for_long() -> None:
    assert THERE.expires_at(POLICY) == NOW + timedelta(days=90)
    assert replace(THERE, is_there=False).expires_at(POLICY) == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("verdict", "policy", "code"),
    [
        (Verdict(THERE), POLICY, None),
        (Verdict(replace(THERE, score=None)), POLICY, None),
        (Verdict(replace(THERE, score=59)), POLICY, PayCode.INVALID_BENEFICIARY),
        (Verdict(replace(THERE, is_there=False)), POLICY, PayCode.INVALID_BENEFICIARY),
        (Verdict(replace(THERE, is_there=False)), replace(POLICY, stance=Stance.RECORD), None),
        (Verdict(None, reason="no answer in time"), POLICY, None),
        (Verdict(None, reason="no answer"), replace(POLICY, is_required=True), PayCode.PROVIDER_UNAVAILABLE),
    ],
    ids=["there", "no score", "other name", "not there", "only noted", "unheard", "unheard and required"],
)
def test_only_a_definite_word_refuses(verdict: Verdict, policy: VerificationPolicy, code: PayCode | None) -> None:
    if code is None:
        verdict.refuse(policy)
    else:
        with pytest.raises(PaymentError) as refused:
            verdict.refuse(policy)
        assert refused.value.pay_code is code


def test_what_is_stored_holds_no_name_and_no_number() -> None:
    told = {"validation": "there", "nameScore": 80, "channel": "cashfree_demo"}
    assert Verdict(THERE).record(250) == {**told, "asked": "now", "costPaise": 250}
    assert Verdict(THERE, was_kept=True).record(250) == {**told, "asked": "before"}
    missing = Verdict(replace(THERE, is_there=False, score=None)).record(0)
    assert missing == {"validation": "not there", "channel": "cashfree_demo", "asked": "now"}
    assert Verdict(None, reason="slow").record(250) == {"validation": "undecided", "reason": "slow"}


def test_a_beneficiary_is_the_same_however_the_name_is_written() -> None:
    key = beneficiary_key(b"secret", ACCOUNT)
    assert len(key) == 32
    assert beneficiary_key(b"secret", ACCOUNT | {"name": "Mr. RAO, Asha", "ifsc": "hdfc0000001"}) == key
    others = [
        ACCOUNT | {"name": "Asha Roy"},
        ACCOUNT | {"accountNumber": "000123456780"},
        {"name": "Asha", "vpa": "a@b"},
    ]
    assert key not in {beneficiary_key(b"secret", other) for other in others}
    assert beneficiary_key(b"another", ACCOUNT) != key


@pytest.mark.parametrize(
    ("given", "at_bank", "least", "most"),
    [
        ("Asha Rao", "ASHA RAO", 100, 100),
        ("Asha Rao", "RAO ASHA", 100, 100),
        ("Mrs Asha Rao", "Asha Rão", 100, 100),
        ("A Rao", "Asha Rao", 90, 99),
        ("Asha Rao", "Asha Kumari Devi Rao", 75, 95),
        ("Asha Rao", "Asha Roy", 60, 90),
        ("Asha Rao", "Bhavin Patel", 0, 40),
        ("Asha Rao", "", 0, 0),
        ("Dr", "DR", 100, 100),
        ("A", "B", 0, 0),
    ],
)
def test_names_agree_whatever_their_order_and_signs(given: str, at_bank: str, least: int, most: int) -> None:
    assert least <= name_score(given, at_bank) <= most
    assert name_score(at_bank, given) == name_score(given, at_bank)
