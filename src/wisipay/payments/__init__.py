"""Payments: collect (payin) and disburse (payout) through providers, on a pure machine driven in batches."""

from wisipay.payments.asking import Asker
from wisipay.payments.bank_directory import branch_line, load_directory
from wisipay.payments.beneficiary import BankDirectory
from wisipay.payments.commands import Heard, SetStatus
from wisipay.payments.contract import ErrorBody
from wisipay.payments.desk import Desk
from wisipay.payments.errors import TABLE, PayCode, PaymentError
from wisipay.payments.idempotency import IdempotencyKeys
from wisipay.payments.inspecting import PaymentFile, PaymentFilter, list_payments, payment_file
from wisipay.payments.model import TRANSITIONS, Flag, Kind, Source, Status, Transaction, WordResult
from wisipay.payments.onboarding import open_channel_accounts, open_merchant_accounts, open_system_accounts
from wisipay.payments.poller import Poller
from wisipay.payments.routing import (
    Decision,
    FloatPoller,
    Router,
    Spending,
    decision_lines,
    payment_lines,
    payouts_ever,
    told_floats,
)
from wisipay.payments.rules import Rules
from wisipay.payments.service import PaymentService, Request
from wisipay.payments.verifying import Stance, Validations, VerificationPolicy, Verifier
from wisipay.payments.words import Spoken, Words

__all__ = [
    "TABLE",
    "TRANSITIONS",
    "Asker",
    "BankDirectory",
    "Decision",
    "Desk",
    "ErrorBody",
    "Flag",
    "FloatPoller",
    "Heard",
    "IdempotencyKeys",
    "Kind",
    "PayCode",
    "PaymentError",
    "PaymentFile",
    "PaymentFilter",
    "PaymentService",
    "Poller",
    "Request",
    "Router",
    "Rules",
    "SetStatus",
    "Source",
    "Spending",
    "Spoken",
    "Stance",
    "Status",
    "Transaction",
    "Validations",
    "VerificationPolicy",
    "Verifier",
    "WordResult",
    "Words",
    "branch_line",
    "decision_lines",
    "list_payments",
    "load_directory",
    "open_channel_accounts",
    "open_merchant_accounts",
    "open_system_accounts",
    "payment_file",
    "payment_lines",
    "payouts_ever",
    "told_floats",
]
