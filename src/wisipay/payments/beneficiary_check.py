"""The check of a payout's beneficiary before anything is stored, reserved or sent.

Decides which faults refuse a payout, as PAY_1004 with a description that names the field. What the directory does not
know goes on: it may be older than the branch. Source: spec/merchant-api.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wisipay.core.logging import get_logger
from wisipay.payments.beneficiary import BankDirectory, Fault, Finding, look_at_account, look_at_vpa
from wisipay.payments.errors import PayCode, PaymentError

_log = get_logger("payments.beneficiary")

_TOLD: Final[Mapping[Fault, str]] = {
    Fault.IFSC_MALFORMED: "beneficiaryIfsc must be 4 letters, 0, 6 letters or digits.",
    Fault.ACCOUNT_MALFORMED: "beneficiaryAccountNumber must be 6 to 34 letters and digits.",
    Fault.VPA_MALFORMED: "beneficiaryVpa must be a VPA such as name@bank.",
    Fault.RAIL_UNSUPPORTED: "The branch of beneficiaryIfsc cannot be paid by this paymentMode; use another.",
}


def check_beneficiary(party: Mapping[str, str], mode: str, order_id: str, directory: BankDirectory) -> list[str]:
    """Refuse a payout whose beneficiary cannot be right, and return what is doubted of it. Raises `PaymentError`."""
    finding = _look(party, mode, directory)
    if finding.faults:
        raise PaymentError(PayCode.INVALID_BENEFICIARY, " ".join(_TOLD[fault] for fault in finding.faults))
    if finding.doubts:
        _log.info("payment.beneficiary.doubted", orderId=order_id, doubts=[*finding.doubts])
    return [*finding.doubts]


def _look(party: Mapping[str, str], mode: str, directory: BankDirectory) -> Finding:
    if "vpa" in party:
        return look_at_vpa(party["vpa"])
    return look_at_account(party["accountNumber"], party["ifsc"], mode, directory)
