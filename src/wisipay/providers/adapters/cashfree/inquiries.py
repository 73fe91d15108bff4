"""Cashfree's answers to questions beside payments: verification of accounts and VPAs, and the balance for payouts.

Decides that INVALID is the bank's word only where the code says what is wrong with the account itself; another code is
trouble on the way, or a kind of account that the question does not reach (NRE), and says nothing.
"""

from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Final

from wisipay.core.money import Paise
from wisipay.providers.base import Unknown
from wisipay.providers.http import HttpAnswer
from wisipay.providers.inquiries import Balance, BalanceOutcome, Judged, ValidationOutcome
from wisipay.providers.wire import Fields, Unreadable, read_object

_WRONG: Final = frozenset(
    {
        "INVALID_BANK_ACCOUNT",
        "INVALID_BANK_ACCOUNT_NUMBER",
        "INVALID_IFSC",
        "INVALID_IFSC_CODE",
        "ACCOUNT_BLOCKED",
        "FRAUD_ACCOUNT",
    }
)
_BEST_SCORE: Final = 100


def read_account(answer: HttpAnswer) -> ValidationOutcome:
    """Read the verification of an account."""
    fields = read_object(answer.body)
    if answer.status != HTTPStatus.OK:
        return _refused(answer, fields)
    word, code = fields.required("account_status").upper(), (fields.text("account_status_code") or "").upper()
    if word == "VALID" or (word == "INVALID" and code in _WRONG):
        return Judged(word == "VALID", fields.text("name_at_bank"), _score(fields), code.lower().replace("_", " "))
    return Unknown(f"account is {word} {code}".rstrip())


def read_vpa(vpa: str, answer: HttpAnswer) -> ValidationOutcome:
    """Read the verification of a VPA; the answer must be about it."""
    fields = read_object(answer.body)
    if answer.status != HTTPStatus.OK:
        return _refused(answer, fields)
    if (fields.text("vpa") or vpa).lower() != vpa.lower():
        raise Unreadable("an answer about another VPA")
    word = fields.required("account_status", "status").upper()
    if word in {"VALID", "INVALID"}:
        return Judged(word == "VALID", fields.text("name_at_bank"), _score(fields))
    return Unknown(f"VPA is {word}")


def read_token(answer: HttpAnswer) -> str | Unknown:
    """Read the token under which the older API, that of the balance, is asked."""
    fields = _older(answer)
    return fields if isinstance(fields, Unknown) else fields.required("token")


def read_balance(answer: HttpAnswer) -> BalanceOutcome:
    """Read what is left of the balance when everything under way is taken off."""
    fields = _older(answer)
    if isinstance(fields, Unknown):
        return fields
    available = Paise(0) if fields.is_below_zero("availableBalance") else fields.rupees("availableBalance")
    if available is None:
        raise Unreadable("availableBalance is missing")
    return Balance(available)


def _older(answer: HttpAnswer) -> Fields | Unknown:
    fields = read_object(answer.body)
    if answer.status != HTTPStatus.OK or fields.text("status") != "SUCCESS" or fields.text("subCode") != "200":
        return Unknown(f"HTTP {answer.status} {fields.text('subCode') or ''}: {fields.message('message') or 'refused'}")
    return fields.nested("data") or Fields({})


def _score(fields: Fields) -> int | None:
    told = fields.members.get("name_match_score")
    try:
        score = int(Decimal(str(told))) if told is not None else None
    except (InvalidOperation, OverflowError):
        return None
    return score if score is None or 0 <= score <= _BEST_SCORE else None


def _refused(answer: HttpAnswer, fields: Fields) -> Unknown:
    return Unknown(f"HTTP {answer.status} {fields.text('code') or ''}: {fields.message('message') or 'refused'}")
