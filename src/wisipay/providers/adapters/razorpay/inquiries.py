"""Razorpay's answers to questions beside payments: validation of accounts and VPAs, and the balances of RazorpayX.

Decides that a validation which is completed says what the bank said, in `account_status`; one that failed says nothing
about the account, since it failed for technical reasons. Of several balances ours is the one with our account number.
"""

from http import HTTPStatus
from typing import Final

from wisipay.core.money import Paise
from wisipay.providers.base import Unknown
from wisipay.providers.http import HttpAnswer
from wisipay.providers.inquiries import Awaited, Balance, BalanceOutcome, Judged, ValidationOutcome
from wisipay.providers.wire import Fields, Unreadable, read_object

_THERE: Final = frozenset({"valid", "active"})
_BEST_SCORE: Final = 100


def read_validation(answer: HttpAnswer) -> ValidationOutcome:
    """Read a validation of an account, new or asked about again."""
    fields = read_object(answer.body)
    if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        return _refused(answer, fields)
    word = fields.required("status").lower()
    if word == "created":
        return Awaited(fields.required("id"))
    results = fields.nested("validation_results") or fields.nested("results") or Fields({})
    told = (results.text("account_status") or "").lower()
    if word != "completed" or told not in {*_THERE, "invalid"}:
        return Unknown(f"validation is {word}, account is {told or 'not told'}")
    return Judged(
        exists=told in _THERE,
        name=results.text("registered_name"),
        name_score=_score(results),
        message=results.message("details"),
    )


def read_vpa(vpa: str, answer: HttpAnswer) -> ValidationOutcome:
    """Read whether a VPA is there; the answer must be about it."""
    fields = read_object(answer.body)
    if answer.status != HTTPStatus.OK:
        return _refused(answer, fields)
    is_there = fields.flag("success")
    if is_there is None or (fields.text("vpa") or "").lower() != vpa.lower():
        raise Unreadable("an answer about another VPA, or without a word")
    return Judged(exists=is_there, name=fields.text("customer_name"))


def read_balance(account_number: str, answer: HttpAnswer) -> BalanceOutcome:
    """Read the list of balances."""
    fields = read_object(answer.body)
    if answer.status != HTTPStatus.OK:
        return _refused(answer, fields)
    ours = [item for item in fields.objects("items") if item.text("account_number") == account_number]
    if len(ours) != 1 or ours[0].text("currency") != "INR":
        raise Unreadable(f"{len(ours)} balances in rupees of our account")
    is_overdrawn = ours[0].is_below_zero("available_amount")
    available = Paise(0) if is_overdrawn else ours[0].paise("available_amount")
    if available is None:
        raise Unreadable("available_amount is missing")
    return Balance(available)


def _score(results: Fields) -> int | None:
    told = results.text("name_match_score") or ""
    return min(int(told), _BEST_SCORE) if told.isdecimal() else None


def _refused(answer: HttpAnswer, fields: Fields) -> Unknown:
    error = fields.nested("error")
    told = error.message("description") if error is not None else None
    return Unknown(f"HTTP {answer.status}: {told or 'refused'}")
