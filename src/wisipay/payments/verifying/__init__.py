"""Verifying: is a payout's beneficiary there, and is that his name? Asked of a provider that can tell, and kept."""

from wisipay.payments.verifying.policy import Stance, Verdict, VerificationPolicy
from wisipay.payments.verifying.store import Validations
from wisipay.payments.verifying.verifier import Verifier

__all__ = ["Stance", "Validations", "Verdict", "VerificationPolicy", "Verifier"]
